from farm.prompt import linking
from farm.prompt.schema_text import read_schema

SCHEMA = read_schema("""
CREATE TABLE clinics (clinic_id INTEGER PRIMARY KEY, city TEXT);
CREATE TABLE doctors (
  doctor_id INTEGER PRIMARY KEY, clinic_id INTEGER REFERENCES clinics(clinic_id), name TEXT, hired DATE
);
CREATE TABLE patients (
  patient_id INTEGER PRIMARY KEY, name TEXT, birth_year INTEGER, insured INTEGER -- 1: covered
);
CREATE TABLE visits (
  visit_id INTEGER PRIMARY KEY,
  doctor_id INTEGER REFERENCES doctors(doctor_id),
  patient_id INTEGER REFERENCES patients(patient_id),
  visit_date DATE,
  state TEXT -- 'booked', 'missed'
);
CREATE TABLE drugs (drug_id INTEGER PRIMARY KEY, label TEXT);
""")


def test_tables_are_known_by_name_by_column_and_by_code() -> None:
    assert linking.tables("How many patients?", [], SCHEMA) == ["patients"]
    assert linking.tables("How many per city?", [], SCHEMA) == ["clinics"]
    assert linking.tables("How many were missed?", [], SCHEMA) == ["visits"]


def test_the_table_with_most_keys_comes_first() -> None:
    assert linking.tables("visits of patients per clinic", [], SCHEMA)[0] == "visits"


def test_tables_of_the_glossary_count_too() -> None:
    assert linking.tables("How busy are we?", ["Busy: COUNT(visits.visit_id)"], SCHEMA) == ["visits"]


def test_a_word_for_sorting_is_no_table() -> None:
    orders = read_schema("CREATE TABLE orders (a INTEGER); CREATE TABLE items (b INTEGER);")

    assert linking.tables("Show items ordered by b", [], orders) == ["items"]


def test_distant_tables_are_joined_through_those_between() -> None:
    assert linking.join(["visits", "clinics"], SCHEMA) == (
        "visits JOIN doctors ON visits.doctor_id = doctors.doctor_id "
        "JOIN clinics ON doctors.clinic_id = clinics.clinic_id"
    )


def test_tables_without_a_way_between_them_are_not_joined() -> None:
    assert linking.join(["visits", "drugs"], SCHEMA) is None


def test_columns_come_with_the_codes_that_the_question_uses() -> None:
    question = "doctor name and number of missed visits"

    assert linking.columns(question, ["doctors", "visits"], SCHEMA) == [
        "doctors.name",
        "visits.state ('missed')",
    ]


def test_a_flag_is_known_by_its_meaning() -> None:
    assert linking.columns("How many are covered?", ["patients"], SCHEMA) == ["patients.insured = 1"]


def test_a_table_that_gives_only_its_key_is_dropped() -> None:
    question = "How many patients had at least 3 visits?"

    assert linking.without_mere_keys(question, ["visits", "patients"], SCHEMA) == ["visits"]
    assert linking.without_mere_keys(f"{question} By birth year", ["visits", "patients"], SCHEMA) == [
        "visits",
        "patients",
    ]


def test_the_partner_of_what_is_named_first_is_found() -> None:
    key = linking.partner_key("Which doctors never had a visit?", ["visits", "doctors"], SCHEMA)

    assert key is not None
    assert key.condition == "visits.doctor_id = doctors.doctor_id"


def test_dates_are_those_of_the_central_table() -> None:
    assert linking.date_column(["visits", "doctors"], SCHEMA) == "visits.visit_date"
    assert linking.date_column(["clinics"], SCHEMA) is None

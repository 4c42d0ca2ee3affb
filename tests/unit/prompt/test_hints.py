from farm.prompt.guidance import GUIDANCE
from farm.prompt.hints import brief
from farm.targets.target import Target

CLINIC = Target(
    name="clinic",
    dialect="sqlite",
    ddl="""
CREATE TABLE patients (patient_id INTEGER PRIMARY KEY, full_name TEXT);
CREATE TABLE visits (
  visit_id INTEGER PRIMARY KEY,
  patient_id INTEGER REFERENCES patients(patient_id),
  day DATE,
  state TEXT -- 'booked', 'missed'
);
""",
)


def hints(question: str) -> tuple[str, ...]:
    return brief(question, CLINIC, GUIDANCE["sqlite"]).hints


def test_codes_that_are_left_out_become_a_condition() -> None:
    assert "WHERE visits.state <> 'missed'" in hints("Number of visits, leaving out missed ones?")


def test_codes_that_are_asked_for_do_not() -> None:
    found = hints("How many visits were missed?")

    assert found == ("FROM visits", "columns: visits.state ('missed')")


def test_two_years_are_kept_apart() -> None:
    found = hints("Patients with visits in 2023 and 2024?")

    assert "in 2023: strftime('%Y', visits.day) = '2023'" in found
    assert "in 2024: strftime('%Y', visits.day) = '2024'" in found


def test_rows_without_a_partner_are_looked_up_and_not_joined() -> None:
    found = brief("Which patients never had visits?", CLINIC, GUIDANCE["sqlite"])

    assert found.hints[0] == "WHERE patients.patient_id NOT IN (SELECT visits.patient_id FROM visits)"
    assert found.example is not None


def test_a_form_that_is_known_is_given_on_the_targets_own_tables() -> None:
    found = brief("How many patients had at least 3 visits in 2024?", CLINIC, GUIDANCE["sqlite"])

    assert found.example is None
    assert found.hints == (
        "form: SELECT COUNT(*) FROM (SELECT visits.patient_id FROM visits "
        "WHERE strftime('%Y', visits.day) = '2024' GROUP BY visits.patient_id HAVING COUNT(*) >= n) AS found",
    )


def test_a_question_about_nothing_known_has_no_hints() -> None:
    assert hints("What is the weather like?") == ()

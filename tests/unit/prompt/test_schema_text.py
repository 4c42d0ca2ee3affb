from farm.prompt.schema_text import read_schema

DDL = """
CREATE TABLE authors (author_id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS "books" (
  book_id INTEGER PRIMARY KEY,
  author_id INTEGER NOT NULL REFERENCES authors(author_id),
  price NUMERIC(10, 2), -- in euros, without 'tax'; 0: free
  state TEXT CHECK (state IN ('a', 'b')), /* 'sold', 'stored' */
  printed_on DATE -- NULL: never
);
CREATE TABLE public.loans (
  loan_id integer,
  book integer,
  at timestamp without time zone,
  PRIMARY KEY (loan_id),
  CONSTRAINT known FOREIGN KEY (book) REFERENCES public.books (book_id)
);
ALTER TABLE ONLY public.loans ADD CONSTRAINT by FOREIGN KEY (loan_id) REFERENCES authors(author_id);
"""


def test_tables_and_columns_are_read_in_order() -> None:
    found = {table.name: [c.name for c in table.columns] for table in read_schema(DDL).tables}

    assert found == {
        "authors": ["author_id", "name"],
        "books": ["book_id", "author_id", "price", "state", "printed_on"],
        "loans": ["loan_id", "book", "at"],
    }


def test_foreign_keys_are_read_from_columns_constraints_and_alter_table() -> None:
    assert [key.condition for key in read_schema(DDL).foreign_keys] == [
        "books.author_id = authors.author_id",
        "loans.book = books.book_id",
        "loans.loan_id = authors.author_id",
    ]


def test_a_comment_behind_the_comma_belongs_to_the_column_before_it() -> None:
    values = {c.name: c.values for table in read_schema(DDL).tables for c in table.columns}

    assert values["price"] == ("tax",)
    assert values["state"] == ("sold", "stored")
    assert values["printed_on"] == ()


def test_numbers_with_a_meaning_are_flags() -> None:
    flags = {c.name: c.flags for table in read_schema(DDL).tables for c in table.columns if c.flags}

    assert flags == {"price": (("0", "free"),)}


def test_dates_are_known_by_their_type() -> None:
    dates = {c.name for table in read_schema(DDL).tables for c in table.columns if c.is_date}

    assert dates == {"printed_on", "at"}


def test_what_is_no_ddl_gives_an_empty_schema() -> None:
    assert read_schema("nothing to see; CREATE VIEW v AS SELECT 1").tables == ()


def test_ddl_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    (table,) = read_schema("CREATE TABLE t (a INTEGER, b TEXT").tables

    assert [column.name for column in table.columns] == ["a", "b"]


def test_no_table_is_read_within_another_one() -> None:
    """Each of them to the end of the whole would take as long as their number squared."""
    schema = read_schema("CREATE TABLE a (x text DEFAULT 'CREATE TABLE b (y int)'); CREATE TABLE c (z int)")
    assert [table.name for table in schema.tables] == ["a", "c"]

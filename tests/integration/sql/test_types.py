"""The types of Postgres expressions are those that a real Postgres gives them."""

from itertools import product

import psycopg
import pytest

from farm.sql.types import resolve
from farm.sql.types.catalog import catalog
from farm.sql.types.names import type_of
from farm.sql.words import words

TYPES = sorted(
    words(
        "int4 int8 float8 numeric text varchar bool date timestamp timestamptz interval json jsonb _int4 "
        "uuid unknown"
    )
)
OPERATORS = ["=", "<", "+", "-", "*", "/", "||", "~~", "->", "@>"]
LITERAL_REFUSED = {"22P02", "22007", "22008", "0A000"}


@pytest.fixture(scope="module")
def connection(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True, prepare_threshold=None) as connected:
        yield connected


def value(type_):
    return "'1'" if type_ == "unknown" else f"NULL::{type_}"


def prepared(connection, expression):
    """The type that Postgres gives an expression; raises its error."""
    connection.execute(f"PREPARE p AS SELECT {expression}")
    types = connection.execute("SELECT result_types::text[] FROM pg_prepared_statements WHERE name = 'p'")
    [[found]] = types.fetchone()
    connection.execute("DEALLOCATE p")
    return found


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_exist_for_the_types_that_postgres_has_them_for(operator, connection):
    for left, right in product(TYPES, TYPES):
        ours = resolve.operator(operator, (left, right))
        try:
            theirs = prepared(connection, f"{value(left)} {operator} {value(right)}")
        except psycopg.Error as error:
            if error.sqlstate in LITERAL_REFUSED or ours is None:
                continue
            assert isinstance(ours, resolve.Failure), (left, operator, right)
            continue
        assert isinstance(ours, resolve.Resolved), (left, operator, right)
        assert ours.result == type_of(theirs), (left, operator, right)


FUNCTIONS = sorted(
    words(
        "abs round sum avg max min length upper left replace substr date_trunc date_part age to_char "
        "to_date to_timestamp now concat string_agg array_agg count mod power split_part strpos make_date "
        "generate_series justify_days array_length jsonb_array_length json_agg stddev bool_or lpad trunc"
    )
)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_take_what_postgres_takes(function, connection):
    most = max(len(signature.arguments) for signature in catalog().functions[function])
    some = ("int4", "numeric", "float8", "text", "date", "timestamptz", "jsonb", "_int4", "unknown")
    for given in (chosen for count in range(1, min(most, 2) + 1) for chosen in product(some, repeat=count)):
        ours = resolve.function(function, given)
        try:
            theirs = prepared(connection, f"{function}({', '.join(map(value, given))})")
        except psycopg.Error as error:
            if error.sqlstate in {"42883", "42725"}:
                assert isinstance(ours, resolve.Failure), given
            continue
        assert isinstance(ours, resolve.Resolved), given
        assert ours.result in {None, type_of(theirs)}, given

"""Lists of dangerous statements (tests/data/dangers), and a Postgres database full of traps for them."""

import re
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parents[1] / "data" / "dangers"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
SPECIAL = {
    "NUL": "\0",
    "CR": "\r",
    "ZWSP": "\u200b",
    "NBSP": "\u00a0",
    "BOM": "\ufeff",
    "RLO": "\u202e",
    "endless": ENDLESS,
    "30000 columns": ", ".join("1" for _ in range(30_000)),
    "10000 parentheses": "(" * 10_000 + "1" + ")" * 10_000,
    "10000 NOTs": "NOT " * 10_000,
    "20000 brackets": "[" * 20_000 + "]" * 20_000,
    "900 brackets": "[" * 900 + "]" * 900,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Danger:
    """One statement; `fate` and `kind` are explained at the head of its file."""

    fate: str
    kind: str
    text: str

    def sql(self, **places: object) -> str:
        """The statement itself, with special characters and `places` (folder, port) put in."""
        known = SPECIAL | {name: str(value) for name, value in places.items()}
        return re.sub("«([^»]+)»", lambda match: known[match[1]], self.text)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def dangers(name: str, *fates: str) -> list[Danger]:
    """The statements of a file, of these fates."""
    parts = (DATA / f"{name}.sql").read_text("utf-8").split("\n\n")[1:]
    found = [_danger(part) for part in parts]
    return [danger for danger in found if danger.fate in fates]


def _danger(part: str) -> Danger:
    first, _, text = part.partition("\n")
    match = re.fullmatch(r"-- (refused|trapped|limited): (.+)", first)
    assert match, first
    return Danger(fate=match[1], kind=match[2], text=text.removesuffix("\n"))


# Each function leaves a file behind when it runs, which a read-only transaction does not hinder.
TRAPS = """
    CREATE TABLE t (a int);
    INSERT INTO t VALUES (1), (2);
    CREATE SEQUENCE s;
    CREATE VIEW paid AS SELECT a FROM t;
    CREATE MATERIALIZED VIEW kept AS SELECT a FROM t;
    SELECT lo_from_bytea(1, 'kept');

    CREATE FUNCTION loudest(int) RETURNS int LANGUAGE plpgsql AS
        $$ BEGIN COPY (SELECT 1) TO '{folder}/loud'; RETURN $1; END $$;
    CREATE FUNCTION loud(t) RETURNS int LANGUAGE sql AS 'SELECT loudest($1.a)';
    CREATE FUNCTION loud_equal(int, int) RETURNS bool LANGUAGE sql AS 'SELECT loudest($1) = $2';
    CREATE FUNCTION loud_sign(int) RETURNS int LANGUAGE sql AS 'SELECT loudest($1)';
    CREATE FUNCTION loud_add(int, int) RETURNS int LANGUAGE sql AS 'SELECT loudest($1) + $2';
    CREATE FUNCTION initcap(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM loudest($1); RETURN $1; END $$;
    CREATE TYPE loud_type AS (x int);
    CREATE FUNCTION to_loud_type(int) RETURNS loud_type LANGUAGE sql AS 'SELECT ROW(loudest($1))::loud_type';
    CREATE CAST (int AS loud_type) WITH FUNCTION to_loud_type(int);
    CREATE DOMAIN loud_domain AS int CHECK (loudest(VALUE) = VALUE);
    CREATE DOMAIN sleeping_domain AS int CHECK (pg_sleep(20) IS NOT NULL);
    CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = loud_equal);
    CREATE OPERATOR === (RIGHTARG = int, FUNCTION = loud_sign);
    CREATE AGGREGATE loud_sum(int) (SFUNC = loud_add, STYPE = int, INITCOND = '0');
    CREATE VIEW loud_view AS SELECT loudest(a) AS a FROM t;
    CREATE VIEW loud_view_of_view AS SELECT * FROM loud_view;
    CREATE VIEW sleeping_view AS SELECT pg_sleep(20)::text, a FROM t;
    CREATE VIEW locking_view AS SELECT pg_advisory_lock(1)::text, a FROM t;
    CREATE TABLE guarded (a int);
    INSERT INTO guarded VALUES (1);
    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
    ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
    CREATE POLICY loud ON guarded USING (loudest(a) > 0);

    CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (9) RETURNING a';
    CREATE FUNCTION definer() RETURNS int SECURITY DEFINER LANGUAGE sql AS
        'INSERT INTO t VALUES (9) RETURNING a';
    CREATE PROCEDURE writing() LANGUAGE sql AS 'INSERT INTO t VALUES (9)';
    CREATE FUNCTION liar_sleeps() RETURNS int STABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(20); RETURN 1; END $$;
    CREATE FUNCTION liar_writes() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN writes(); END $$;
    CREATE FUNCTION definer_writes() RETURNS int STABLE SECURITY DEFINER LANGUAGE plpgsql AS
        $$ BEGIN RETURN writes(); END $$;
    CREATE FUNCTION liar_locks() RETURNS int STABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_lock(1); RETURN 1; END $$;
    CREATE FUNCTION liar_counts() RETURNS int STABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM nextval('s'); RETURN 1; END $$;
    CREATE FUNCTION liar_notifies() RETURNS int STABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('danger', 'x'); RETURN 1; END $$;
    CREATE FUNCTION liar_lifts_limits() RETURNS int STABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM set_config('statement_timeout', '0', false);
        PERFORM pg_sleep(20); RETURN 1; END $$;
    CREATE FUNCTION liar_stubborn() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN
        LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;
"""


def recipe(language: str) -> list[str]:
    """The blocks of a language in docs/targets.md."""
    text = (Path(__file__).parents[2] / "docs" / "targets.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)

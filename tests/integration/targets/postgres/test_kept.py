"""Schemas on the embedded Postgres: loaded once, kept for a while, and never a reason to refuse wrongly."""

import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from support.dangers import dangers

from farm.checker.dry_run import DryRun
from farm.errors import TargetTrouble
from farm.services.postgres_use import PostgresUse
from farm.targets.engine import EmbeddedPostgres, NoEngine, open_engine
from farm.targets.postgres import kept as postgres_kept
from farm.targets.postgres.kept import KeptEngine, answers, ensure
from farm.targets.postgres.url import with_database
from farm.targets.target import Target, fingerprint

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an embedded Postgres needs unix sockets")

DDL = """
    CREATE INDEX by_customer ON orders (customer_id);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, total numeric);
    CREATE TABLE customers (id int PRIMARY KEY, name text);
"""
GOOD = "SELECT name, sum(total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id"
BAD = "SELECT nam FROM customers"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an embedded server."""
    use = PostgresUse(tmp_path_factory.mktemp("home"), answers)
    yield use.url()
    use.close()


@pytest.fixture
def engine(server: str) -> Iterator[KeptEngine]:
    with closing(KeptEngine(embedded(server), DDL, target_name="shop")) as engine:
        yield engine


def embedded(url: str) -> EmbeddedPostgres:
    return EmbeddedPostgres(url=url, patience_seconds=30.0)


def opened(server: str, ddl: str) -> "closing[KeptEngine]":
    return closing(KeptEngine(embedded(server), ddl, target_name="shop"))


def kept(server: str) -> set[str]:
    """The fingerprints whose databases are there, which are those that the table names."""
    with psycopg.connect(server) as connection:
        listed = {name for (name,) in connection.execute("SELECT fingerprint FROM kept")}
        databases = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'scratch_%'")
        assert {name.removeprefix("scratch_") for (name,) in databases} == listed
        return listed


def test_a_schema_without_a_database_is_asked_there(server: str) -> None:
    target = Target(name="shop", dialect="postgres", ddl=DDL)
    engine = open_engine(target, purpose="check", embedded_postgres=embedded(server))
    assert isinstance(engine, KeptEngine)
    with closing(engine):
        assert engine.name.startswith("postgres ")
        assert engine.prepare(GOOD) is None
        says = engine.prepare(BAD)
        assert says is not None
        assert says.startswith('column "nam" does not exist\nLINE 1: SELECT nam FROM customers')


def test_a_schema_is_loaded_once_for_all(server: str, engine: KeptEngine) -> None:
    before = kept(server)
    with opened(server, DDL.replace("\n", "\n\n")) as again:
        assert again.prepare(GOOD) is None
    assert kept(server) == before
    assert fingerprint(DDL) in before


def test_who_come_at_once_share_it(server: str) -> None:
    ddl = "CREATE TABLE together (a int)"
    said: list[str | None] = []

    def come() -> None:
        with opened(server, ddl) as engine:
            said.append(engine.prepare("SELECT a FROM together"))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [None] * 4


def test_the_number_kept_is_bounded_and_what_is_open_stays(
    server: str, engine: KeptEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_kept, "KEPT", 3)
    for number in range(6):
        with opened(server, f"CREATE TABLE t{number} (a int)"):
            pass
    left = kept(server)
    assert len(left) <= 3
    assert fingerprint(DDL) in left
    assert fingerprint("CREATE TABLE t5 (a int)") in left
    assert engine.prepare(GOOD) is None


def test_a_dry_run_survives_the_end_of_its_database(server: str) -> None:
    dry_run = DryRun(lambda: KeptEngine(embedded(server), DDL + "-- mine", target_name="shop"))
    assert dry_run(GOOD) is None
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE scratch_{fingerprint(DDL + '-- mine')} WITH (FORCE)".encode())
        connection.execute("DELETE FROM kept WHERE fingerprint = %s", [fingerprint(DDL + "-- mine")])
    assert dry_run(GOOD) is None
    assert dry_run(BAD) is not None
    dry_run.close()


def test_one_who_has_little_time_does_not_wait_for_those_who_make_databases(server: str) -> None:
    hurried = EmbeddedPostgres(url=server, patience_seconds=0.1)
    with psycopg.connect(server, autocommit=True) as busy:
        busy.execute(f"SELECT pg_advisory_lock({postgres_kept.LOCK})".encode())
        with pytest.raises(TargetTrouble, match=r"makes no room for target 'shop'.*lock timeout"):
            KeptEngine(hurried, DDL, target_name="shop")
    KeptEngine(hurried, DDL, target_name="shop").close()


def test_half_a_database_of_a_killed_process_is_made_anew(server: str) -> None:
    ddl = "CREATE TABLE half (a int)"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE scratch_{fingerprint(ddl)}".encode())
    with opened(server, ddl) as engine:
        assert engine.prepare("SELECT a FROM half") is None


def test_a_server_that_is_gone_is_trouble(tmp_path: Path) -> None:
    with pytest.raises(TargetTrouble, match="'shop' cannot be reached"):
        ensure(embedded(f"postgresql://farm@/farm?host={tmp_path}"), DDL, target_name="shop")


DUMP = r"""
\restrict abc
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;
CREATE SCHEMA sales;
ALTER SCHEMA sales OWNER TO nobody_here;
CREATE TYPE sales.mood AS ENUM ('sad', 'happy');
CREATE TABLE sales.customers (id integer NOT NULL, name text, feels sales.mood);
ALTER TABLE sales.customers OWNER TO nobody_here;
CREATE SEQUENCE sales.ids;
ALTER TABLE ONLY sales.customers ALTER COLUMN id SET DEFAULT nextval('sales.ids'::regclass);
COPY sales.customers (id, name) FROM stdin;
1	Ann; DROP TABLE sales.customers;
\.
ALTER TABLE ONLY sales.customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
CREATE POLICY p ON sales.customers TO nobody_here;
GRANT ALL ON TABLE sales.customers TO nobody_here;
\unrestrict abc
"""


@pytest.mark.parametrize(
    ("ddl", "query"),
    [
        (DUMP, "SELECT name, feels FROM sales.customers GROUP BY id"),
        (DUMP, "SELECT name FROM customers WHERE feels = 'happy'"),
        ("CREATE TABLE sales.t (a int)", "SELECT a FROM sales.t"),
        ("CREATE SCHEMA s; SET search_path TO s, public; CREATE TABLE t (a int)", "SELECT s.t.a FROM s.t"),
        ("SET search_path = s; CREATE SCHEMA s; CREATE TABLE t (a int)", "SELECT a FROM t"),
        ('CREATE TABLE "Odd Name" (a int)', 'SELECT a FROM "Odd Name"'),
        ("CREATE VIEW v AS SELECT a FROM t; CREATE TABLE t (a int)", "SELECT a FROM v"),
        ("CREATE TABLE t (a int); CREATE EXTENSION nowhere; CREATE INDEX i ON t USING gist (a)", "TABLE t"),
        ("CREATE TABLE t (a int); ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES gone (a)", "TABLE t"),
        (
            "CREATE TABLE t (a int); CREATE TRIGGER x AFTER UPDATE OF type ON t EXECUTE FUNCTION f()",
            "TABLE t",
        ),
        (
            "CREATE TABLE t (id uuid DEFAULT uuid_generate_v4() PRIMARY KEY, n int CHECK (f(n)), of_ int"
            " REFERENCES gone (id), CONSTRAINT c CHECK (g(id)), twice int GENERATED ALWAYS AS (h(n)) STORED);"
            " CREATE VIEW v AS SELECT id, n FROM t GROUP BY id",
            "SELECT v.n, t.twice FROM v JOIN t USING (id) GROUP BY t.id, v.n",
        ),
        (
            'CREATE TABLE sales."Odd One" ("a ""b" int DEFAULT f(), tags text[] DEFAULT f(), c varchar(9));',
            'SELECT "a ""b", tags[1], c FROM sales."Odd One"',
        ),
        ("-- dumped\nCREATE DATABASE shop; CREATE ROLE joe; CREATE TABLE t (a int)", "TABLE t"),
    ],
)
def test_a_schema_as_people_have_it_loads(server: str, ddl: str, query: str) -> None:
    with opened(server, ddl) as engine:
        assert engine.prepare(query) is None
        says = engine.prepare("SELECT nothing_there")
        assert says is not None
        assert says.startswith("column")


@pytest.mark.parametrize(
    ("ddl", "reason"),
    [
        ("CREATE TABLE t (a int); CREATE TABLE u (a txt)", 'type "txt" does not exist, in: CREATE TABLE u'),
        (
            "CREATE TABLE t (a int); CREATE VIEW u AS SELECT f(a) AS a FROM t",
            "function f.integer. does not exist",
        ),
        ("CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN b txt", 'type "txt" does not exist, in: ALTER'),
        ("CREATE TABLE t (a int); CREATE TABLE t (b int, c int)", 'relation "t" already exists'),
        ("CREATE TABLE t (a int); USE sales; CREATE TABLE u (a int)", "there is no table sales.u"),
    ],
)
def test_what_could_not_be_loaded_refuses_nothing(server: str, ddl: str, reason: str) -> None:
    with opened(server, ddl) as engine:
        assert engine.prepare("SELECT a FROM t") is None, "what is accepted is beyond doubt"
        with pytest.raises(NoEngine, match=f"does not load into Postgres as a whole: .*{reason}"):
            engine.prepare("SELECT a FROM sales.u")
    with opened(server, ddl) as again, pytest.raises(NoEngine, match=reason):
        again.prepare("SELECT a FROM sales.u")


def test_a_script_leaves_nothing_outside_its_database(server: str) -> None:
    everything = "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles"
    ddl = """
        CREATE DATABASE left_over; CREATE ROLE left_over; ALTER ROLE farm SET statement_timeout = 1;
        ALTER SYSTEM SET work_mem = '1GB'; /* one more */ ALTER DATABASE farm SET search_path = nowhere;
        COMMENT ON DATABASE farm IS 'mine'; CREATE TABLE outside (a int);
    """
    with opened(server, ddl) as engine, psycopg.connect(server) as connection:
        assert engine.prepare("SELECT a FROM outside") is None
        assert "left_over" not in {name for (name,) in connection.execute(everything)}
        assert (
            connection.execute("SELECT setconfig FROM pg_db_role_setting WHERE setrole > 0").fetchall() == []
        )


def test_without_an_extension_only_what_it_might_have_brought_is_in_doubt(server: str) -> None:
    ddl = "CREATE EXTENSION nowhere; CREATE TABLE t (a int)"
    with opened(server, ddl) as engine:
        for unknown in ("SELECT thing(a) FROM t", "SELECT a ### 1 FROM t", "SELECT a::thing FROM t"):
            with pytest.raises(NoEngine, match="extension"):
                engine.prepare(unknown)
        assert engine.prepare("SELECT b FROM t") is not None


WRITES = (
    "INSERT INTO customers VALUES (1, 'x')",
    "WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x",
    "CREATE TABLE mine (a int)",
    "SELECT 1; CREATE TABLE mine (a int)",
    "SELECT 1); CREATE TABLE mine (a int); --",
    "SELECT * INTO mine FROM orders",
    "SELECT * FROM orders FOR UPDATE",
    "SELECT '\0'",
    "SELECT '\ud800'",
    "COMMIT",
)


def test_a_dry_run_writes_and_runs_nothing(server: str, engine: KeptEngine) -> None:
    catalog = "SELECT count(*), max(oid::int8), (SELECT count(*) FROM orders) FROM pg_class"
    with psycopg.connect(with_database(server, f"scratch_{fingerprint(DDL)}"), autocommit=True) as connection:
        before = connection.execute(catalog).fetchall()
        for sql in WRITES:
            assert engine.prepare(sql) is not None, sql
        for danger in dangers("postgres", "refused", "trapped"):
            engine.prepare(danger.sql(folder="/nowhere", port=1))
        assert connection.execute(catalog).fetchall() == before
    assert engine.prepare(GOOD) is None


def test_what_is_refused_does_not_fill_the_log(engine: KeptEngine, server: str) -> None:
    log = Path(server.partition("host=")[2]).parent / "log"
    before = log.read_text()
    assert before
    assert engine.prepare(BAD) is not None
    assert engine.prepare("SELECT 1 / 0") is not None
    assert log.read_text() == before


def test_its_sessions_only_read_and_not_for_long(engine: KeptEngine) -> None:
    shown = engine._connection.execute(
        "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout')"
    )
    assert shown.fetchone() == ("on", "4s")


def test_its_role_has_no_power(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        rights = "SELECT rolsuper, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(rights).fetchall() == [(False,) * 3]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT pg_read_file('PG_VERSION')")


def test_a_query_that_is_planned_for_ever_is_stopped(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_kept, "SESSION", "SET statement_timeout = 100")
    ddl = """
        CREATE TABLE t (a int);
        CREATE FUNCTION slow() RETURNS int IMMUTABLE LANGUAGE plpgsql
        AS $$ BEGIN LOOP PERFORM 1; END LOOP; END $$
    """
    with opened(server, ddl) as engine:
        says = engine.prepare("SELECT a FROM t WHERE a = slow()")
        assert says is not None
        assert "planning the query takes longer than" in says
        assert engine.prepare("SELECT a FROM t") is None


def test_what_only_the_planner_knows_is_known(engine: KeptEngine) -> None:
    full = "SELECT c.name FROM customers c FULL JOIN orders o ON o.customer_id {} c.id"
    assert engine.prepare(full.format("=")) is None
    for sql, says in (
        (full.format("<"), "FULL JOIN is only supported"),
        ("SELECT 1 / 0", "division by zero"),
    ):
        assert says in str(engine.prepare(sql))


def test_it_cannot_run_a_query(engine: KeptEngine) -> None:
    with pytest.raises(TargetTrouble, match="no database to run queries on"):
        engine.run(GOOD, row_limit=1, timeout_seconds=1)

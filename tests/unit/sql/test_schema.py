"""Schemas are read from DDL as people have it."""

import pytest

from farm.errors import BadInput
from farm.sql.checks import check
from farm.sql.schema import Schema

PG_DUMP = """
-- PostgreSQL database dump
\\restrict abc
SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA sales;
CREATE TYPE public.mood AS ENUM ('sad', 'ok; fine', 'happy');
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.x := 1; RETURN NEW; END; $$;
CREATE TABLE public.customers (
    id integer NOT NULL,
    "Full Name" character varying(80) DEFAULT 'a,b(c'::character varying,
    balance numeric(10,2) DEFAULT 0.00 NOT NULL,
    tags text[],
    created_at timestamp without time zone DEFAULT now(), -- when; it began
    CONSTRAINT positive CHECK ((balance >= (0)::numeric)),
    CONSTRAINT customers_name_key UNIQUE ("Full Name")
);
ALTER TABLE public.customers OWNER TO shop;
COMMENT ON COLUMN public.customers.balance IS 'what they owe; in euros';
CREATE TABLE sales.orders (id bigint PRIMARY KEY, customer_id integer REFERENCES public.customers(id));
CREATE TABLE sales.big_orders (rebate real) INHERITS (sales.orders);
CREATE MATERIALIZED VIEW sales.totals AS
 SELECT c.id, c."Full Name" AS name, sum(c.balance) AS total FROM public.customers c GROUP BY c.id
  WITH NO DATA;
COPY public.customers (id, "Full Name") FROM stdin;
1\tO'Neil; CREATE TABLE nonsense (
\\.
CREATE INDEX i ON public.customers USING btree (balance);
"""

SQLITE_MASTER = """
CREATE TABLE [Order Details] (OrderID INTEGER, `Unit Price` REAL, "Qty" INT, PRIMARY KEY (OrderID), FOREIGN KEY (OrderID) REFERENCES o(id)) WITHOUT ROWID;
CREATE TABLE sqlite_sequence(name,seq);
CREATE VIRTUAL TABLE notes USING fts5(body, tokenize = 'porter');
CREATE VIEW dear AS SELECT OrderID, "Unit Price" * Qty AS worth FROM [Order Details];
CREATE TABLE copied AS SELECT * FROM dear;
CREATE TRIGGER t AFTER INSERT ON copied BEGIN SELECT 1; END;
"""  # noqa: E501


MYSQLDUMP = r"""
-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;
USE `shop`;
DROP TABLE IF EXISTS `order-lines`;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `order-lines` (
  `id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'a, b (c) ; d',
  `order_id` int NOT NULL,
  `key` varchar(20) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT NULL,
  `kind` enum('a','b;c') DEFAULT 'a',
  `price` decimal(10,2) GENERATED ALWAYS AS ((`id` * 2)) VIRTUAL,
  `at` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`,`order_id`),
  UNIQUE KEY `uk` (`key`),
  KEY `idx_order` (`order_id`) USING BTREE,
  FULLTEXT KEY `ft` (`kind`),
  CONSTRAINT `fk` FOREIGN KEY (`order_id`) REFERENCES `orders` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COMMENT='lines; of orders';
LOCK TABLES `order-lines` WRITE;
INSERT INTO `order-lines` VALUES (1,2,'it\'s; CREATE TABLE x (','a',1.0,NULL);
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/
/*!50003 TRIGGER `t` BEFORE INSERT ON `order-lines` FOR EACH ROW BEGIN SET NEW.id = 1; END */;;
DELIMITER ;
/*!50001 CREATE VIEW `dear` AS SELECT 1 AS `id`, 1 AS `worth` */;
/*!50001 DROP VIEW IF EXISTS `dear`*/;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `dear` AS select `order-lines`.`id` AS `id`,(`order-lines`.`price` * 2) AS `worth`
from `order-lines` */;
"""


def test_pg_dump_output_is_read():
    schema = Schema.from_ddl(PG_DUMP, "postgres")
    assert set(schema.tables) == {
        ("public", "customers"),
        ("sales", "orders"),
        ("sales", "big_orders"),
        ("sales", "totals"),
    }
    customers = schema.tables["public", "customers"]
    assert list(customers.columns) == ["id", "Full Name", "balance", "tags", "created_at"]
    assert customers.types["balance"] == "numeric(10,2)"
    assert customers.types["created_at"] == "timestamp without time zone"


def test_a_child_table_has_its_parents_columns():
    schema = Schema.from_ddl(PG_DUMP, "postgres")
    assert list(schema.tables["sales", "big_orders"].columns) == ["id", "customer_id", "rebate"]


def test_a_view_has_the_columns_of_its_query():
    assert list(Schema.from_ddl(PG_DUMP, "postgres").tables["sales", "totals"].columns) == [
        "id",
        "name",
        "total",
    ]


def test_sqlite_master_text_is_read():
    schema = Schema.from_ddl(SQLITE_MASTER, "sqlite")
    details = schema.find("order details", quoted=True)
    assert list(details.columns.values()) == ["OrderID", "Unit Price", "Qty"]
    assert not details.hidden
    assert list(schema.find("copied", quoted=False).columns) == ["orderid", "worth"]


def test_a_virtual_table_may_have_any_column():
    assert Schema.from_ddl(SQLITE_MASTER, "sqlite").find("notes", quoted=False).columns is None


def test_names_fold_as_the_engine_folds_them():
    postgres = Schema.from_ddl('CREATE TABLE Big (Id int, "Id" int); CREATE TABLE "Odd" (x int);', "postgres")
    assert list(postgres.find("BIG", quoted=False).columns) == ["id", "Id"]
    assert postgres.find("odd", quoted=False) is None
    assert postgres.find("Odd", quoted=True) is not None
    assert Schema.from_ddl("CREATE TABLE Big (Id int)", "sqlite").find("bIG", quoted=True) is not None


def test_an_unqualified_name_prefers_the_default_schema():
    schema = Schema.from_ddl("CREATE TABLE a.t (x int); CREATE TABLE public.t (y int);", "postgres")
    assert list(schema.find("t", quoted=False).columns) == ["y"]
    assert list(schema.find("t", quoted=False, db="a").columns) == ["x"]


def test_search_path_gives_tables_their_schema():
    schema = Schema.from_ddl("SET search_path = sales, pg_catalog; CREATE TABLE t (x int);", "postgres")
    assert set(schema.tables) == {("sales", "t")}


@pytest.mark.parametrize("ddl", ["", "-- nothing here", "CREATE INDEX i ON t (x);", "hello"])
def test_ddl_without_tables_is_refused(ddl):
    with pytest.raises(BadInput, match="missing DDL"):
        Schema.from_ddl(ddl, "sqlite")


def test_an_unclosed_parenthesis_is_refused_with_its_line():
    with pytest.raises(BadInput, match="line 3"):
        Schema.from_ddl("\n\nCREATE TABLE t (x int, y int;", "sqlite")


def test_an_unclosed_quote_is_refused():
    with pytest.raises(BadInput, match="quote"):
        Schema.from_ddl("CREATE TABLE t (x text DEFAULT 'a)", "sqlite")


def test_an_unknown_dialect_is_refused():
    with pytest.raises(BadInput, match="sqlite"):
        Schema.from_ddl("CREATE TABLE t (x int)", "oracle")


def test_columns_called_like_keywords_are_columns():
    schema = Schema.from_ddl(
        "CREATE TABLE t (key text, 'index' int, date date, \"check\" int, comment text)", "sqlite"
    )
    assert list(schema.find("t", quoted=False).columns) == ["key", "index", "date", "check", "comment"]


@pytest.mark.parametrize("dialect", ["mysql", "postgres", "sqlite"])
def test_columns_called_like_the_beginning_of_a_constraint_are_columns(dialect):
    schema = Schema.from_ddl("CREATE TABLE t (period char(7) NOT NULL, exclude int, a int)", dialect)
    assert list(schema.find("t", quoted=False).columns) == ["period", "exclude", "a"]


def test_periods_and_exclusions_are_no_columns():
    versioned = "CREATE TABLE t (a int, s timestamp(6), e timestamp(6), PERIOD FOR SYSTEM_TIME (s, e))"
    assert list(Schema.from_ddl(versioned, "mysql").find("t", quoted=False).columns) == ["a", "s", "e"]
    apart = "CREATE TABLE t (during daterange, EXCLUDE USING gist (during WITH &&))"
    assert list(Schema.from_ddl(apart, "postgres").find("t", quoted=False).columns) == ["during"]


def test_the_homes_of_a_column_are_the_tables_that_have_it():
    schema = Schema.from_ddl("CREATE TABLE a (x int); CREATE TABLE b (X int, y int);", "sqlite")
    assert list(schema.homes("x")) == ["a", "b"]


def test_mysqldump_output_is_read():
    schema = Schema.from_ddl(MYSQLDUMP, "mysql")
    lines = schema.tables["shop", "order-lines"]
    assert list(lines.columns) == ["id", "order_id", "key", "kind", "price", "at"]
    assert lines.primary_key == {"id", "order_id"}
    assert list(schema.find("dear", quoted=True).columns) == ["id", "worth"]
    assert schema.find("order-lines", quoted=True, db="shop") is lines


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE t (a integer PRIMARY KEY, b integer)",
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b integer)",
        "CREATE TABLE t (a integer, b integer, PRIMARY KEY (a))",
        "CREATE TABLE t (a integer, b integer, CONSTRAINT k PRIMARY KEY (a))",
        "CREATE TABLE t (a integer, b integer);\nALTER TABLE ONLY t\n  ADD CONSTRAINT k PRIMARY KEY (a);",
    ],
)
def test_the_primary_key_is_read(ddl):
    assert Schema.from_ddl(ddl, "postgres").find("t", quoted=False).primary_key == {"a"}


def test_a_column_called_key_is_no_key():
    table = Schema.from_ddl('CREATE TABLE t (key text, "primary" text)', "postgres").find("t", quoted=False)
    assert (list(table.columns), table.primary_key) == (["key", "primary"], frozenset())


def test_a_postgres_view_has_the_types_of_its_query():
    view = "CREATE VIEW v AS SELECT sum(a) AS s, b || 'x' AS c FROM t GROUP BY b"
    schema = Schema.from_ddl(f"CREATE TABLE t (a integer, b text); {view}", "postgres")
    assert dict(schema.find("v", quoted=False).types) == {"s": "bigint", "c": "text"}


@pytest.mark.parametrize(("column", "codes"), [("s", []), ('"max(a)"', []), ("a", ["unknown_column"])])
def test_columns_of_a_view_that_have_no_name_leave_the_others_known(column, codes):
    ddl = "CREATE TABLE t (a, b); CREATE VIEW v AS SELECT b AS s, max(a) FROM t GROUP BY b"
    findings = check(f"SELECT {column} FROM v", Schema.from_ddl(ddl, "sqlite"))
    assert [finding.code for finding in findings] == codes

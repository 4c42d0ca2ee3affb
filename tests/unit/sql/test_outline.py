"""Schemas as people browse them: foreign keys and comments from DDL as people have it."""

import pytest

from farm.demo import shop
from farm.errors import BadInput
from farm.sql.outline import ForeignKey, Outline, read_outline

PG_DUMP = """
--
-- PostgreSQL database dump
--

SET statement_timeout = 0;

--
-- Name: customers; Type: TABLE; Schema: public; Owner: shop
--

CREATE TABLE public.customers (
    id integer NOT NULL,
    "Full Name" text
);

COMMENT ON TABLE public.customers IS 'who buys; or may';
COMMENT ON COLUMN public.customers."Full Name" IS 'as they''d write it';

CREATE TABLE sales.orders (
    id bigint NOT NULL,
    customer_id integer,
    region text,
    shop integer
);
CREATE VIEW sales.totals AS SELECT customer_id, count(*) AS orders FROM sales.orders GROUP BY 1;
COMMENT ON VIEW sales.totals IS 'orders by customer';

ALTER TABLE ONLY public.customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sales.orders
    ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE SET NULL;
ALTER TABLE ONLY sales.orders
    ADD CONSTRAINT orders_place_fkey FOREIGN KEY (region, shop) REFERENCES sales.shops(region, number);
ALTER TABLE ONLY sales.orders ADD FOREIGN KEY (id) REFERENCES sales.gone(id);
CREATE TABLE sales.shops (region text, number integer, PRIMARY KEY (region, number));
"""  # noqa: E501

MYSQL = r"""
CREATE TABLE `parents` (`id` int NOT NULL COMMENT 'it''s the key', PRIMARY KEY (`id`)) COMMENT='those; above';
CREATE TABLE `children` (
  `id` int NOT NULL,
  `parent_id` int DEFAULT NULL,
  `comment` varchar(20) DEFAULT NULL, -- what they say
  KEY `k` (`parent_id`),
  CONSTRAINT `fk` FOREIGN KEY (`parent_id`) REFERENCES `parents` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;
ALTER TABLE `children` ADD COLUMN x int, ADD FOREIGN KEY (`id`) REFERENCES `parents` (`id`);
"""

SQLITE = """
-- what is sold
CREATE TABLE [Order Items] ( -- with its price
  "Id" INTEGER PRIMARY KEY, -- counts up
  -- of the order
  "Order Id" INTEGER REFERENCES orders, /* never NULL */
  `references` TEXT,
  FOREIGN KEY ("Id", "Order Id") REFERENCES Pairs (a, b)
);
CREATE TABLE orders (id INTEGER PRIMARY KEY, up INT REFERENCES ORDERS(id));
CREATE TABLE pairs (a, b);
CREATE VIRTUAL TABLE notes USING fts5(body);
"""


def comments(outline: Outline) -> dict[str, str]:
    return {
        f"{table.label}.{column.name}": column.comment
        for table in outline.tables
        for column in table.columns
        if column.comment
    }


def test_foreign_keys_and_comments_of_a_postgres_dump():
    outline = read_outline(PG_DUMP, "postgres")
    orders = outline.by_label["sales.orders"]
    assert orders.foreign_keys == (
        ForeignKey(columns=("customer_id",), parent="customers", parent_columns=("id",)),
        ForeignKey(columns=("region", "shop"), parent="sales.shops", parent_columns=("region", "number")),
    )
    assert comments(outline) == {"customers.Full Name": "as they'd write it"}
    assert outline.by_label["customers"].comment == "who buys; or may", "and not the dump's own heading"
    assert outline.by_label["sales.totals"].comment == "orders by customer"
    assert [table.label for table in outline.tables if table.is_view] == ["sales.totals"]
    assert [column.in_primary_key for column in outline.by_label["customers"].columns] == [True, False]


def test_foreign_keys_and_comments_of_a_mysql_dump():
    outline = read_outline(MYSQL, "mysql")
    assert outline.by_label["children"].foreign_keys == (
        ForeignKey(columns=("parent_id",), parent="parents", parent_columns=("id",)),
        ForeignKey(columns=("id",), parent="parents", parent_columns=("id",)),
    )
    assert comments(outline) == {"parents.id": "it's the key", "children.comment": "what they say"}
    assert outline.by_label["parents"].comment == "those; above"


def test_foreign_keys_and_remarks_of_hand_written_sqlite():
    outline = read_outline(SQLITE, "sqlite")
    items = outline.by_label["Order Items"]
    assert items.foreign_keys == (
        ForeignKey(columns=("Order Id",), parent="orders"),
        ForeignKey(columns=("Id", "Order Id"), parent="pairs", parent_columns=("a", "b")),
    )
    assert outline.by_label["orders"].foreign_keys == (
        ForeignKey(columns=("up",), parent="orders", parent_columns=("id",)),
    )
    assert comments(outline) == {
        "Order Items.Id": "counts up",
        "Order Items.Order Id": "of the order never NULL",
    }
    assert items.comment == "what is sold with its price"
    assert outline.by_label["notes"].columns == ()


def test_a_reference_without_a_schema_may_mean_that_of_its_own_table():
    ddl = "CREATE TABLE sales.a (id int PRIMARY KEY); CREATE TABLE sales.b (x int REFERENCES a)"
    assert read_outline(ddl, "postgres").by_label["sales.b"].foreign_keys == (
        ForeignKey(columns=("x",), parent="sales.a"),
    )


def test_the_shop_has_its_comments_and_keys():
    outline = read_outline(shop.ddl(), "sqlite")
    assert sum(len(table.foreign_keys) for table in outline.tables) >= 10
    assert comments(outline)["reviews.rating"] == "1 to 5"


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "mysql", "duckdb"])
def test_a_key_that_is_written_half_is_left_out(dialect: str):
    for end in ("REFERENCES", "REFERENCES b(", "REFERENCES b(x", "FOREIGN KEY", "FOREIGN KEY (x) REFERENCES"):
        text = f"CREATE TABLE b (x int); CREATE TABLE a (x int); ALTER TABLE a ADD CONSTRAINT k {end}"
        try:
            outline = read_outline(text, dialect)
        except BadInput:
            continue
        assert [table.label for table in outline.tables] == ["b", "a"]


def test_a_comment_without_its_text_is_none():
    text = "CREATE TABLE a (x int); COMMENT ON COLUMN a.x IS NULL; COMMENT ON TABLE a IS; COMMENT ON; COMMENT"
    outline = read_outline(text, "postgres")
    assert comments(outline) == {}
    assert outline.by_label["a"].comment == ""


def test_many_tables_are_read_in_a_moment():
    text = "".join(
        f"CREATE TABLE t{i} (id int PRIMARY KEY, up int REFERENCES t{i // 2}(id)); -- number {i}\n"
        for i in range(500)
    )
    outline = read_outline(text, "postgres")
    assert sum(len(table.foreign_keys) for table in outline.tables) == 500

"""What a query reads, by the names that the schema gives it."""

import json

import pytest

from farm.sql.lineage import ColumnName, Filter, Join, Lineage
from farm.sql.schema import Schema
from farm.sql.subject import Subject
from farm.sql.tracing import lineage


def traced(sql: str, schema: Schema) -> Lineage:
    return lineage(Subject(sql, schema))


def words(found: tuple[object, ...]) -> list[str]:
    return [str(each) for each in found]


def test_aliases_and_letters_are_those_of_the_schema(shop):
    found = traced("SELECT o.TOTAL AS t FROM Orders o ORDER BY t", shop)
    assert found.tables == ("orders",)
    assert found.columns == (ColumnName(table="orders", column="total"),)


def test_everything_is_read_through_subqueries_and_ctes(shop):
    found = traced(
        "WITH big AS (SELECT customer_id AS c, total FROM orders WHERE total > 5) "
        "SELECT name FROM customers JOIN big ON big.c = customers.id "
        "WHERE EXISTS (SELECT 1 FROM items i WHERE i.order_id = big.c AND i.price * i.quantity >= 3)",
        shop,
    )
    assert found.tables == ("customers", "items", "orders")
    assert words(found.columns) == [
        "customers.id",
        "customers.name",
        "items.order_id",
        "items.price",
        "items.quantity",
        "orders.customer_id",
        "orders.total",
    ]
    assert words(found.joins) == [
        "customers.id = orders.customer_id",
        "items.order_id = orders.customer_id",
    ]
    assert words(found.filters) == ["items.price >=", "items.quantity >=", "orders.total >"]


def test_stars_are_expanded_and_counting_rows_reads_no_column(shop):
    starred = traced("SELECT i.*, name FROM items i, customers", shop)
    assert words(starred.columns) == [
        "customers.name",
        "items.order_id",
        "items.price",
        "items.product",
        "items.quantity",
    ]
    counted = traced("SELECT count(*) FROM items", shop)
    assert (counted.tables, counted.columns) == (("items",), ())


def test_what_comes_through_a_star_is_still_known(shop):
    found = traced("SELECT d.product FROM (SELECT * FROM items) AS d WHERE d.price < 3", shop)
    assert words(found.filters) == ["items.price <"]


def test_a_view_stands_as_it_is_named(shop):
    found = traced("SELECT total FROM paid", shop)
    assert (found.tables, words(found.columns)) == (("paid",), ["paid.total"])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM orders o JOIN customers c ON o.customer_id = c.id",
        "SELECT 1 FROM customers c, orders o WHERE c.id = o.customer_id",
        "SELECT 1 FROM customers WHERE id IN (SELECT 2 FROM orders WHERE customer_id = customers.id)",
    ],
)
def test_joins_are_found_wherever_they_stand(shop, sql: str):
    assert words(traced(sql, shop).joins) == ["customers.id = orders.customer_id"]


def test_joins_by_name_count_on_both_sides(shop):
    for sql in (
        "SELECT 1 FROM customers JOIN orders USING (id)",
        "SELECT 1 FROM (SELECT id FROM orders) a JOIN (SELECT id FROM customers) b ON a.id = b.id",
    ):
        found = traced(sql, shop)
        assert words(found.joins) == ["customers.id = orders.id"]
        assert words(found.columns) == ["customers.id", "orders.id"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("total > 5", ["orders.total >"]),
        ("5 < total", ["orders.total >"]),
        ("5 = total", ["orders.total ="]),
        ("total != 5", ["orders.total <>"]),
        ("status LIKE 'a%'", ["orders.status LIKE"]),
        ("status NOT LIKE 'a%'", ["orders.status NOT LIKE"]),
        ("total IN (1, 2)", ["orders.total IN"]),
        ("total NOT IN (1, 2)", ["orders.total NOT IN"]),
        ("total BETWEEN 1 AND 2", ["orders.total BETWEEN"]),
        ("status IS NULL", ["orders.status IS NULL"]),
        ("status IS NOT NULL", ["orders.status IS NOT NULL"]),
        ("lower(status) = 'a'", ["orders.status ="]),
        ("total > id", ["orders.id <", "orders.total >"]),
        ("total > 1 AND (status = 'a' OR id = 2)", ["orders.id =", "orders.status =", "orders.total >"]),
        ("id IN (SELECT id FROM customers)", ["orders.id IN"]),
    ],
)
def test_filters_tell_the_column_and_the_operator(shop, condition: str, expected: list[str]):
    assert words(traced(f"SELECT 1 FROM orders WHERE {condition}", shop).filters) == expected


def test_what_chooses_groups_is_a_filter_and_what_is_only_shown_is_none(shop):
    found = traced(
        "SELECT CASE WHEN status = 'a' THEN 1 END FROM orders GROUP BY status HAVING max(total) > 3", shop
    )
    assert words(found.filters) == ["orders.total >"]


def test_functions_are_in_small_letters_once(shop):
    assert traced("SELECT SUM(total), sum(id), coalesce(max(id), 1) FROM orders", shop).functions == (
        "coalesce",
        "max",
        "sum",
    )


def test_tables_of_another_schema_are_told_by_it():
    schema = Schema.from_ddl("CREATE TABLE sales.orders (id int); CREATE TABLE t (a int);", "postgres")
    found = traced("SELECT id FROM sales.orders, t", schema)
    assert (found.tables, words(found.columns)) == (("sales.orders", "t"), ["sales.orders.id"])


def test_columns_that_an_alias_renames_are_told_by_their_own_names(postgres_shop):
    found = traced("SELECT x FROM items AS i (w, x) WHERE w = 1", postgres_shop)
    assert words(found.columns) == ["items.order_id", "items.product"]
    assert words(found.filters) == ["items.order_id ="]


def test_recursion_and_aliases_that_name_each_other_come_to_an_end(shop):
    found = traced(
        "WITH RECURSIVE r(n) AS (SELECT id FROM orders UNION ALL SELECT n + 1 FROM r WHERE n < 5) "
        "SELECT n FROM r WHERE n = 3",
        shop,
    )
    assert words(found.columns) == ["orders.id"]


def test_it_goes_to_json_and_back():
    one = ColumnName(table="orders", column="total")
    whole = Lineage(
        tables=("orders",),
        columns=(one,),
        joins=(Join(left=one, right=one),),
        filters=(Filter(column=one, operator=">"),),
        functions=("sum",),
    )
    assert Lineage.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole
    assert Lineage.from_dict(json.loads(json.dumps(Lineage().to_dict()))) == Lineage()

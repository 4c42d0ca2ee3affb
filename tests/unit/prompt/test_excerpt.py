"""Of a schema, what a failed query is about."""

from farm.prompt.excerpt import aliases_in, excerpt, table_names

DDL = """
CREATE TABLE cities (city_id INTEGER PRIMARY KEY, label TEXT);
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, full_name TEXT,
                        city_id INTEGER REFERENCES cities (city_id));
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (customer_id));
CREATE TABLE returns (return_id INTEGER PRIMARY KEY, reason TEXT);
"""


def test_the_tables_of_the_query_and_those_on_the_way_between_them():
    assert excerpt(DDL, "SELECT x FROM orders o, Cities c").splitlines() == [
        "cities AS c(city_id, label)",
        "orders AS o(order_id, customer_id)",
        "customers(customer_id, full_name, city_id)",
        "JOIN ON customers.city_id = cities.city_id",
        "JOIN ON orders.customer_id = customers.customer_id",
    ]


def test_the_table_of_a_near_name_and_of_the_question():
    assert excerpt(DDL, "SELECT 1", nearest=("returns.reason",)) == "returns(return_id, reason)"
    assert excerpt(DDL, "SELECT 1", question="How many returns?") == "returns(return_id, reason)"


def test_where_no_key_is_declared_columns_of_one_name_join():
    plain = "CREATE TABLE a (a_id INT, name TEXT); CREATE TABLE b (a_id INT, name TEXT);"
    assert excerpt(plain, "SELECT x FROM a JOIN b ON true").splitlines() == [
        "a(a_id, name)",
        "b(a_id, name)",
        "JOIN ON a.a_id = b.a_id",
    ]


def test_aliases_are_read_from_a_query():
    sql = 'SELECT 1 FROM Orders AS T1 JOIN public."customers" c ON x LEFT JOIN cities ON y, items i WHERE z'
    assert aliases_in(sql) == {"orders": "T1", "customers": "c"} | {"items": "i"}


def test_nothing_where_nothing_is_recognised():
    assert excerpt(DDL, "SELECT 1") == ""
    assert excerpt("no DDL at all", "SELECT 1") == ""


def test_the_names_of_many_tables_are_cut():
    many = "".join(f"CREATE TABLE t{n} (id INTEGER);" for n in range(500))
    assert table_names(DDL) == "cities, customers, orders, returns"
    assert table_names(many).endswith(", t59, …")


def test_a_wide_table_is_cut():
    wide = "CREATE TABLE wide (" + ", ".join(f"c{n} TEXT" for n in range(200)) + ")"
    assert excerpt(wide, "SELECT x FROM wide").endswith("c39, …)")

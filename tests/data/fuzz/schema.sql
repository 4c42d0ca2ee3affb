CREATE TABLE customers (id integer PRIMARY KEY, name varchar(80), city varchar(80), created_at date);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer REFERENCES customers (id),
                     total numeric(10, 2), status varchar(20), created_at timestamp);
CREATE TABLE order_items (order_id integer, product_id integer, quantity integer,
                          PRIMARY KEY (order_id, product_id));

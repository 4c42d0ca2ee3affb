SELECT c.city, count(*) AS n FROM customers AS c JOIN orders AS o ON o.customer_id = c.id GROUP BY c.city
SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE total > 10) ORDER BY 1
WITH t AS (SELECT customer_id, sum(total) AS x FROM orders GROUP BY customer_id) SELECT max(x) FROM t
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n
WITH a AS (SELECT * FROM orders), b AS (SELECT * FROM a, a AS a2), d AS (SELECT * FROM b) SELECT * FROM d
SELECT id, row_number() OVER (PARTITION BY status ORDER BY total DESC) FROM orders
SELECT id, sum(total) OVER (ORDER BY created_at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders
SELECT id FROM orders UNION ALL SELECT id FROM customers ORDER BY id LIMIT 3
SELECT CASE WHEN total > 5 THEN 'a' ELSE 'b' END AS k, avg(total) FROM orders GROUP BY k HAVING count(*) > 1
SELECT * FROM customers c LEFT JOIN orders USING (id) WHERE NOT EXISTS (SELECT 1 FROM orders WHERE id = c.id)
SELECT strftime('%Y', created_at), CAST(total AS integer), total || '' FROM orders NATURAL JOIN order_items
SELECT date_trunc('month', created_at)::date, (extract(year FROM created_at)) FROM orders FETCH FIRST 2 ROWS ONLY
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (x, y), LATERAL (SELECT x + 1 AS z) AS w

-- What each engine said when asked to prepare the query: SQLite 3.40, PostgreSQL 18, MariaDB 10.11 (with
-- ONLY_FULL_GROUP_BY), DuckDB 2.0. Behind each query: the dialects whose engine accepts it; then, behind a ?,
-- those where the checks are known to differ (types in DuckDB, functions of newer versions, policy).
-- Tables: t (a integer, b text, c date, d timestamp, j json), u (a integer, e text).
SELECT a::text FROM t --> postgres duckdb
SELECT a FROM t WHERE b ILIKE 'x' --> postgres duckdb
SELECT count(*) FILTER (WHERE a > 1) FROM t --> sqlite postgres duckdb
SELECT DISTINCT ON (a) a, b FROM t --> postgres duckdb
SELECT t.a FROM t FULL JOIN u ON t.a = u.a --> sqlite postgres duckdb
SELECT t.a FROM t FULL OUTER JOIN u ON t.a = u.a --> sqlite postgres duckdb
SELECT t.a FROM t RIGHT JOIN u ON t.a = u.a --> sqlite mysql postgres duckdb
SELECT a FROM t ORDER BY a NULLS LAST --> sqlite postgres duckdb
SELECT a FROM t ORDER BY a DESC NULLS FIRST --> sqlite postgres duckdb
SELECT a FROM t WHERE a IS DISTINCT FROM 1 --> sqlite postgres duckdb
SELECT a FROM t WHERE a IS NOT DISTINCT FROM 1 --> sqlite postgres duckdb
SELECT a FROM t WHERE b SIMILAR TO 'x' --> postgres duckdb
SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1 --> duckdb
SELECT a FROM t WHERE b ~ 'x' --> postgres duckdb
SELECT a FROM t WHERE b REGEXP 'x' --> mysql
SELECT a FROM t WHERE b RLIKE 'x' --> mysql
SELECT d + INTERVAL '1 day' FROM t --> postgres duckdb
SELECT d + INTERVAL 1 DAY FROM t --> mysql duckdb
SELECT d - INTERVAL '1' DAY FROM t --> mysql postgres duckdb
SELECT ARRAY[1, 2] --> postgres duckdb
SELECT [1, 2] --> duckdb
SELECT x.e FROM t, LATERAL (SELECT e FROM u WHERE u.a = t.a) x --> postgres duckdb
SELECT x.e FROM t LEFT JOIN LATERAL (SELECT e FROM u WHERE u.a = t.a) x ON TRUE --> postgres duckdb
SELECT v.p FROM (SELECT a, b FROM t) AS v(p, q) --> postgres duckdb
SELECT v.p FROM (VALUES (1, 2)) AS v(p, q) --> postgres duckdb
SELECT a FROM t LIMIT ALL --> postgres duckdb ? duckdb
SELECT a FROM t OFFSET 3 --> postgres duckdb
SELECT a FROM t LIMIT 3 OFFSET 3 --> sqlite mysql postgres duckdb
SELECT a FROM t LIMIT 3, 4 --> sqlite mysql
SELECT a FROM t FETCH FIRST 3 ROWS ONLY --> mysql postgres duckdb
SELECT a, count(*) FROM t GROUP BY ROLLUP (a) --> postgres duckdb
SELECT a, count(*) FROM t GROUP BY CUBE (a) --> postgres duckdb
SELECT a, b, count(*) FROM t GROUP BY GROUPING SETS ((a), (b)) --> postgres duckdb
SELECT a, count(*) FROM t GROUP BY a WITH ROLLUP --> mysql
SELECT a FROM t TABLESAMPLE BERNOULLI (10) --> postgres ? duckdb
SELECT 7 DIV 2 FROM t --> mysql
SELECT a FROM t WHERE a > 1 XOR a < 0 --> mysql
SELECT a FROM t WHERE a <=> 1 --> mysql
SELECT a FROM t WHERE a == 1 --> sqlite duckdb
SELECT a FROM t WHERE a > 1 && a < 5 --> mysql ? duckdb
SELECT a FROM t WHERE b GLOB 'x*' --> sqlite duckdb
SELECT a FROM t WHERE a ISNULL --> sqlite postgres duckdb
SELECT a FROM t WHERE a NOTNULL --> sqlite postgres duckdb
SELECT a FROM t WHERE a NOT NULL --> sqlite duckdb ? duckdb
SELECT TOP 3 a FROM t --> none
SELECT a, count(*) FROM t GROUP BY ALL --> duckdb
SELECT a FROM t ORDER BY ALL --> duckdb
SELECT * EXCLUDE (a) FROM t --> duckdb
SELECT * EXCEPT (a) FROM t --> duckdb
SELECT * REPLACE (a + 1 AS a) FROM t --> duckdb
SELECT d AT TIME ZONE 'UTC' FROM t --> postgres duckdb
SELECT a FROM t WHERE c > DATE '2020-01-01' --> mysql postgres duckdb
SELECT a FROM t WHERE d > TIMESTAMP '2020-01-01 00:00:00' --> mysql postgres duckdb
SELECT a FROM t SEMI JOIN u USING (a) --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE a = ANY (SELECT a FROM u) --> mysql postgres duckdb
SELECT a FROM t WHERE a > ALL (SELECT a FROM u) --> mysql postgres duckdb
SELECT a FROM t WHERE a = SOME (SELECT a FROM u) --> mysql postgres duckdb
SELECT a FROM t WHERE (a, b) IN (SELECT a, e FROM u) --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE (a, b) = (1, 'x') --> sqlite mysql postgres duckdb
SELECT (a, b) FROM t --> postgres duckdb
SELECT a FROM t WHERE a IS TRUE --> sqlite mysql duckdb
SELECT a FROM t WHERE a IN () --> sqlite duckdb
SELECT a FROM t WHERE b LIKE ANY (ARRAY['a', 'b']) --> postgres ? duckdb
SELECT 'a' 'b' --> sqlite mysql
SELECT a AS 'x' FROM t --> sqlite mysql duckdb
SELECT a 'x' FROM t --> sqlite mysql
SELECT a AS "x" FROM t --> sqlite mysql postgres duckdb
SELECT a AS `x` FROM t --> sqlite mysql duckdb
SELECT a AS [x] FROM t --> sqlite
SELECT j -> 'x' FROM t --> sqlite postgres duckdb
SELECT j ->> 'x' FROM t --> sqlite postgres duckdb
SELECT b || 'x' FROM t --> sqlite mysql postgres duckdb
SELECT concat(b, 'x') FROM t --> mysql postgres duckdb ? sqlite
SELECT substring(b FROM 1 FOR 2) FROM t --> mysql postgres duckdb
SELECT trim(BOTH 'x' FROM b) FROM t --> mysql postgres duckdb
SELECT position('x' IN b) FROM t --> mysql postgres duckdb
SELECT extract(year FROM d) FROM t --> mysql postgres duckdb
SELECT cast(a AS text) FROM t --> sqlite postgres duckdb
SELECT cast(a AS char) FROM t --> sqlite mysql postgres duckdb
SELECT cast(a AS varchar) FROM t --> sqlite postgres duckdb
SELECT cast(a AS integer) FROM t --> sqlite mysql postgres duckdb
SELECT cast(a AS signed) FROM t --> sqlite mysql duckdb
SELECT cast(a AS unsigned) FROM t --> sqlite mysql ? duckdb
SELECT cast(a AS real) FROM t --> sqlite postgres duckdb
SELECT cast(a AS float) FROM t --> sqlite mysql postgres duckdb
SELECT cast(a AS decimal(10, 2)) FROM t --> sqlite mysql postgres duckdb
SELECT cast(a AS double) FROM t --> sqlite mysql duckdb
SELECT cast(a AS double precision) FROM t --> sqlite postgres duckdb ? mysql
SELECT cast(a AS numeric) FROM t --> sqlite postgres duckdb
SELECT cast(a AS nonsense) FROM t --> sqlite ? postgres duckdb
SELECT cast(b AS date) FROM t --> sqlite mysql postgres duckdb
SELECT cast(b AS datetime) FROM t --> sqlite mysql duckdb
SELECT a FROM t UNION SELECT a FROM u ORDER BY a --> sqlite mysql postgres duckdb
SELECT a FROM t UNION SELECT a FROM u ORDER BY a + 1 --> mysql duckdb ? sqlite
SELECT a FROM t INTERSECT SELECT a FROM u --> sqlite mysql postgres duckdb
SELECT a FROM t EXCEPT SELECT a FROM u --> sqlite mysql postgres duckdb
SELECT a FROM t INTERSECT ALL SELECT a FROM u --> mysql postgres duckdb
SELECT a FROM t EXCEPT ALL SELECT a FROM u --> mysql postgres duckdb
SELECT a FROM t MINUS SELECT a FROM u --> none
(SELECT a FROM t) UNION (SELECT a FROM u) --> mysql postgres duckdb
SELECT a FROM t ORDER BY a LIMIT 1 UNION SELECT a FROM u --> none
SELECT * FROM t NATURAL JOIN u --> sqlite mysql postgres duckdb
SELECT * FROM t JOIN u USING (a) --> sqlite mysql postgres duckdb
SELECT a FROM t JOIN u USING (a) --> sqlite mysql postgres duckdb
SELECT * FROM t CROSS JOIN u --> sqlite mysql postgres duckdb
SELECT * FROM t JOIN u --> sqlite mysql
SELECT * FROM t LEFT JOIN u --> sqlite
SELECT * FROM t INNER JOIN u WHERE t.a = u.a --> sqlite mysql
SELECT * FROM t CROSS JOIN u ON t.a = u.a --> sqlite mysql
SELECT t.a FROM t, u WHERE t.a = u.a --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE a > avg(a) --> none
SELECT b, a FROM t GROUP BY b --> sqlite
SELECT b, sum(a) FROM t GROUP BY b HAVING a > 1 --> sqlite
SELECT b, sum(a) AS s FROM t GROUP BY b HAVING s > 1 --> sqlite mysql duckdb
SELECT b AS x, sum(a) FROM t GROUP BY x --> sqlite mysql postgres duckdb
SELECT b, sum(a) FROM t GROUP BY 1 --> sqlite mysql postgres duckdb
SELECT b, sum(a) FROM t GROUP BY 3 --> none
SELECT b, sum(a) FROM t GROUP BY 2 --> none
SELECT a FROM t ORDER BY 2 --> none
SELECT a FROM t ORDER BY 0 --> none
SELECT a AS x FROM t WHERE x > 1 --> sqlite duckdb
SELECT a AS x, x + 1 FROM t --> duckdb
SELECT a AS x FROM t ORDER BY x + 1 --> sqlite mysql duckdb
SELECT a AS x FROM t GROUP BY x + 1, a --> sqlite mysql ? duckdb
SELECT sum(a) FROM t ORDER BY b --> sqlite
SELECT b FROM t ORDER BY sum(a) --> none
SELECT b FROM t GROUP BY b ORDER BY sum(a) --> sqlite mysql postgres duckdb
SELECT b FROM t GROUP BY b ORDER BY a --> sqlite mysql
SELECT DISTINCT b FROM t ORDER BY a --> sqlite mysql duckdb
SELECT DISTINCT b FROM t ORDER BY upper(b) --> sqlite mysql duckdb
SELECT max(sum(a)) FROM t GROUP BY b --> none
SELECT sum(max(a)) OVER () FROM t GROUP BY b --> sqlite mysql postgres duckdb
SELECT row_number() FROM t --> none
SELECT row_number() OVER (ORDER BY a) FROM t --> sqlite mysql postgres duckdb
SELECT upper(b) OVER () FROM t --> none
SELECT a FROM t WHERE row_number() OVER (ORDER BY a) = 1 --> none
SELECT a, lag(a) OVER w FROM t WINDOW w AS (ORDER BY a) --> sqlite mysql postgres duckdb
SELECT a, lag(a) OVER w FROM t --> none
SELECT a FROM t HAVING a > 1 --> none
SELECT count(*) FROM t HAVING count(*) > 1 --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE a = (SELECT a, e FROM u) --> none
SELECT a FROM t WHERE a IN (SELECT a, e FROM u) --> none
SELECT (SELECT a, e FROM u) FROM t --> none
SELECT a FROM t WHERE EXISTS (SELECT a, e FROM u) --> sqlite mysql postgres duckdb
SELECT a FROM (SELECT a FROM t) --> sqlite postgres duckdb
SELECT x.a FROM (SELECT a FROM t) x, t x --> none
SELECT * FROM t, t --> none ? sqlite
SELECT t.a FROM t JOIN t ON TRUE --> none
SELECT T.A FROM t --> sqlite postgres duckdb
SELECT t.a FROM t AS T --> sqlite postgres duckdb
SELECT a FROM T --> sqlite postgres duckdb
SELECT "a" FROM t --> sqlite mysql postgres duckdb
SELECT "A" FROM t --> sqlite mysql duckdb
SELECT `a` FROM t --> sqlite mysql duckdb
SELECT [a] FROM t --> sqlite duckdb
SELECT b FROM t WHERE b = "x" --> sqlite mysql
SELECT b FROM t WHERE "x" = b --> sqlite mysql
SELECT rowid FROM t --> sqlite duckdb
SELECT ctid FROM t --> postgres
SELECT t FROM t --> postgres duckdb
SELECT t.* FROM t --> sqlite mysql postgres duckdb
SELECT v.* FROM t --> none
SELECT count(DISTINCT a, b) FROM t --> mysql ? duckdb
SELECT count(a, b) FROM t --> none ? duckdb
SELECT count() FROM t --> sqlite duckdb
SELECT sum(*) FROM t --> none ? duckdb
SELECT sum(DISTINCT a) FROM t --> sqlite mysql postgres duckdb
SELECT round(a, 1, 2) FROM t --> none
SELECT abs(a, 1) FROM t --> none
SELECT coalesce(a) FROM t --> mysql postgres duckdb
SELECT nullif(a) FROM t --> none
SELECT nullif(a, 1) FROM t --> sqlite mysql postgres duckdb
SELECT ifnull(a, 1) FROM t --> sqlite mysql duckdb
SELECT if(a > 1, 2, 3) FROM t --> mysql duckdb ? sqlite
SELECT iif(a > 1, 2, 3) FROM t --> sqlite
SELECT group_concat(b) FROM t --> sqlite mysql duckdb
SELECT group_concat(b, '-') FROM t --> sqlite mysql duckdb
SELECT group_concat(b SEPARATOR '-') FROM t --> mysql
SELECT group_concat(DISTINCT b ORDER BY b) FROM t --> mysql duckdb ? sqlite
SELECT string_agg(b, ',') FROM t --> postgres duckdb ? sqlite
SELECT string_agg(b, ',' ORDER BY b) FROM t --> postgres duckdb ? sqlite
SELECT array_agg(b) FROM t --> postgres duckdb
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t --> postgres duckdb
SELECT now(), current_date, current_timestamp FROM t --> mysql postgres duckdb
SELECT date('now') FROM t --> sqlite mysql postgres duckdb
SELECT strftime('%Y', d) FROM t --> sqlite duckdb
SELECT date_trunc('month', d) FROM t --> postgres duckdb
SELECT year(d) FROM t --> mysql duckdb
SELECT datediff(d, c) FROM t --> mysql
SELECT date_format(d, '%Y') FROM t --> mysql
SELECT to_char(d, 'YYYY') FROM t --> mysql postgres
SELECT timestampdiff(YEAR, c, d) FROM t --> mysql
SELECT julianday(d) FROM t --> sqlite
SELECT greatest(a, 1), least(a, 2) FROM t --> mysql postgres duckdb
SELECT max(a, 1) FROM t --> sqlite duckdb
SELECT left(b, 2), right(b, 2) FROM t --> mysql postgres duckdb
SELECT substr(b, 1, 2) FROM t --> sqlite mysql postgres duckdb
SELECT instr(b, 'x') FROM t --> sqlite mysql duckdb
SELECT char_length(b) FROM t --> mysql postgres duckdb
SELECT length(b) FROM t --> sqlite mysql postgres duckdb
SELECT a % 2 FROM t --> sqlite mysql postgres duckdb
SELECT mod(a, 2) FROM t --> sqlite mysql postgres duckdb
SELECT a ^ 2 FROM t --> mysql postgres duckdb
SELECT power(a, 2) FROM t --> sqlite mysql postgres duckdb
SELECT random() FROM t --> sqlite postgres duckdb
SELECT rand() FROM t --> mysql
SELECT CASE WHEN a > 1 THEN 'x' ELSE 1 END FROM t --> sqlite mysql duckdb
SELECT CASE a WHEN 1 THEN 'x' END FROM t --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE a LIKE '1%' --> sqlite mysql ? duckdb
SELECT a FROM t WHERE c LIKE '2020%' --> sqlite mysql ? duckdb
SELECT a FROM t WHERE b > 1 --> sqlite mysql ? duckdb
SELECT a FROM t WHERE a = '1' --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE a = 'x' --> sqlite mysql duckdb
SELECT a FROM t WHERE a = b --> sqlite mysql duckdb
SELECT a FROM t WHERE a --> sqlite mysql duckdb
SELECT a FROM t WHERE b --> sqlite mysql duckdb
SELECT a FROM t WHERE NOT a --> sqlite mysql duckdb
SELECT a + b FROM t --> sqlite mysql ? duckdb
SELECT b + 1 FROM t --> sqlite mysql ? duckdb
SELECT c - d FROM t --> sqlite mysql postgres duckdb
SELECT c + 1 FROM t --> sqlite mysql postgres duckdb
SELECT sum(b) FROM t --> sqlite mysql ? duckdb
SELECT avg(c) FROM t --> sqlite mysql duckdb
SELECT a FROM t WHERE a BETWEEN 'x' AND 'y' --> sqlite mysql duckdb
SELECT a FROM t WHERE a IN ('x', 'y') --> sqlite mysql duckdb
SELECT a FROM t WHERE c IN ('2020-01-01', 'x') --> sqlite mysql duckdb
SELECT a FROM t UNION SELECT e FROM u --> sqlite mysql duckdb
SELECT a, b FROM t UNION SELECT a FROM u --> none
WITH x AS (SELECT a FROM t) SELECT a FROM x --> sqlite mysql postgres duckdb
WITH x (p, q) AS (SELECT a FROM t) SELECT p FROM x --> duckdb ? duckdb
WITH x AS (SELECT nope FROM t) SELECT a FROM t --> sqlite duckdb
WITH x AS (SELECT a FROM t), x AS (SELECT a FROM u) SELECT a FROM x --> none
WITH x AS (SELECT a FROM y), y AS (SELECT a FROM u) SELECT a FROM x --> sqlite
WITH x AS (SELECT a FROM t UNION ALL SELECT a + 1 FROM x WHERE a < 9) SELECT a FROM x --> sqlite
WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x WHERE n < 9) SELECT n FROM x --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE b = 'it''s' --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE b = 'it\'s' --> mysql
SELECT a FROM t WHERE b = "it's" --> sqlite mysql
SELECT a FROM t -- comment --> sqlite mysql postgres duckdb
SELECT a /* c */ FROM t --> sqlite mysql postgres duckdb
SELECT a # c --> none
SELECT a FROM t WHERE a = 1; --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE a = 1 AND --> none
SELECT a, FROM t --> duckdb
SELECT a FROM t WHERE --> none
SELECT a b c FROM t --> none
SELECT a FROM t t1 t2 --> none
SELECT FROM t --> postgres
SELECT * FROM --> none
SELECT a FROM t GROUP BY --> none
SELECT a FROM t ORDER BY --> none
SELECT a FROM t LIMIT --> none
SELECT a FROM t LIMIT 'x' --> sqlite
SELECT a FROM t LIMIT a --> none
SELECT a FROM t LIMIT -1 --> sqlite postgres
SELECT a FROM t LIMIT 1 + 1 --> sqlite postgres duckdb
SELECT a FROM t LIMIT (SELECT 1) --> sqlite postgres duckdb
SELECT a FROM t FOR UPDATE --> mysql postgres ? mysql postgres
SELECT a INTO x FROM t --> postgres ? postgres
SELECT a FROM t WHERE a = ? --> mysql ? mysql
SELECT a FROM t WHERE a = :x --> none
SELECT a FROM t WHERE a = $1 --> postgres ? postgres
SELECT a FROM t WHERE a = @x --> mysql ? mysql
SELECT a order FROM t --> none
SELECT a AS order FROM t --> postgres duckdb
SELECT a AS select FROM t --> postgres duckdb ? postgres duckdb
SELECT a AS user FROM t --> sqlite mysql postgres duckdb
SELECT a AS desc FROM t --> sqlite postgres duckdb
SELECT a AS rank FROM t --> sqlite mysql postgres duckdb
SELECT a rank FROM t --> sqlite mysql postgres duckdb
SELECT a year FROM t --> sqlite mysql
SELECT a AS year FROM t --> sqlite mysql postgres duckdb
SELECT a name FROM t --> sqlite mysql postgres duckdb
SELECT a value FROM t --> sqlite mysql postgres duckdb
SELECT a AS key FROM t --> sqlite postgres duckdb
SELECT a AS count FROM t --> sqlite mysql postgres duckdb
SELECT a count FROM t --> sqlite mysql postgres duckdb
SELECT t1.a FROM t AS t1 JOIN u AS t1 ON TRUE --> none
SELECT u.e FROM t WHERE t.a IN (SELECT u.a FROM u) --> none
SELECT e FROM t WHERE a IN (SELECT a FROM u) --> none
SELECT t.a FROM t WHERE t.a IN (SELECT t.a FROM u) --> sqlite mysql postgres duckdb
SELECT a FROM t, u --> none
SELECT t.a, u.a FROM t, u --> sqlite mysql postgres duckdb
SELECT x.a FROM t x JOIN u y ON x.a = y.a JOIN t z ON z.a = w.a --> none
SELECT t.a FROM t JOIN u ON t.a = v.a JOIN t v ON v.a = t.a --> sqlite
SELECT t.a FROM t, u JOIN t v ON t.a = v.a --> sqlite duckdb ? mysql duckdb
SELECT a FROM t WHERE (a, b) IN ((1, 'x'), (2, 'y')) --> sqlite mysql postgres duckdb
SELECT NULL + 1 --> sqlite mysql postgres duckdb
SELECT 1 = 1 --> sqlite mysql postgres duckdb
SELECT TRUE AND a > 1 FROM t --> sqlite mysql postgres duckdb
SELECT sum(a > 1) FROM t --> sqlite mysql duckdb
SELECT count(*) > 1 FROM t --> sqlite mysql postgres duckdb
SELECT a > 1 FROM t --> sqlite mysql postgres duckdb
SELECT avg(a) * 100.0 / count(*) FROM t --> sqlite mysql postgres duckdb
SELECT round(avg(a), 2) FROM t --> sqlite mysql postgres duckdb
SELECT round(avg(a)::numeric, 2) FROM t --> postgres duckdb
SELECT round(a / 3.0, 2) FROM t --> sqlite mysql postgres duckdb
SELECT CAST(sum(a) AS float) / count(*) FROM t --> sqlite mysql postgres duckdb
SELECT round(CAST(sum(a) AS float) / count(*), 2) FROM t --> sqlite mysql duckdb
SELECT x.b, x.e FROM (t JOIN u ON t.a = u.a) AS x --> sqlite postgres duckdb
SELECT x.nope FROM (t JOIN u ON t.a = u.a) AS x --> none
SELECT a, string_agg(b, ',') FROM t GROUP BY a --> postgres duckdb ? sqlite
SELECT a, string_agg(DISTINCT b, ',' ORDER BY b) FROM t GROUP BY a --> postgres duckdb ? sqlite
SELECT a, group_concat(b) FROM t GROUP BY a --> sqlite mysql duckdb
SELECT a, string_agg(b, ',') FROM t --> none ? sqlite
SELECT s.n FROM (SELECT a, count(*) FROM t GROUP BY a) s --> none
SELECT s.a, count FROM (SELECT a, count(*) FROM t GROUP BY a) s --> postgres
SELECT n FROM (SELECT a + 1 FROM t) s --> none
WITH s AS (SELECT a, sum(a) FROM t GROUP BY a) SELECT a FROM s WHERE total > 1 --> none
SELECT * FROM (SELECT a, a FROM t) s --> sqlite postgres duckdb
SELECT a FROM (SELECT a, a FROM t) s --> sqlite duckdb
SELECT s.a FROM (SELECT t.a, u.a FROM t JOIN u ON t.a = u.a) s --> sqlite duckdb
SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM t --> none
SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 1 FOLLOWING AND CURRENT ROW) FROM t --> none
SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) FROM t --> sqlite mysql postgres duckdb
SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM t --> sqlite mysql postgres duckdb
SELECT sum(a) OVER (ORDER BY a ROWS 2 PRECEDING) FROM t --> sqlite mysql postgres duckdb
SELECT sum(a) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t --> sqlite mysql postgres duckdb
SELECT sum(a) OVER (ORDER BY a, b RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t --> none
SELECT sum(a) OVER (ORDER BY a, b RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t --> sqlite mysql postgres duckdb
SELECT sum(a) OVER (ORDER BY d RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) FROM t --> postgres duckdb
SELECT sum(a) OVER (ORDER BY d RANGE BETWEEN 7 PRECEDING AND CURRENT ROW) FROM t --> sqlite ? mysql duckdb
SELECT sum(a) OVER (w ROWS 2 PRECEDING) FROM t WINDOW w AS (ORDER BY a) --> sqlite mysql postgres duckdb
SELECT count(DISTINCT a) OVER () FROM t --> mysql duckdb
SELECT count(DISTINCT a) FROM t --> sqlite mysql postgres duckdb
SELECT DISTINCT j FROM t --> sqlite mysql duckdb
SELECT j FROM t ORDER BY j --> sqlite mysql duckdb
SELECT count(*) FROM t GROUP BY j --> sqlite mysql duckdb
SELECT j FROM t UNION SELECT j FROM t --> sqlite mysql duckdb
SELECT j FROM t UNION ALL SELECT j FROM t --> sqlite mysql postgres duckdb
SELECT rank() OVER (PARTITION BY j ORDER BY a) FROM t --> sqlite mysql duckdb
SELECT percentile_cont(0.5, a) FROM t --> none ? sqlite duckdb
SELECT rank(a) OVER () FROM t --> none ? duckdb
SELECT ARRAY[1, 'a']::text[] --> postgres duckdb
SELECT ARRAY[1, 'a'] --> duckdb
SELECT initcap(b) FROM t --> postgres
SELECT c - '30 days' FROM t --> sqlite mysql ? duckdb
SELECT c > '7 days' FROM t --> sqlite mysql duckdb
SELECT j::jsonb @> '{"a": 1}' FROM t --> postgres ? duckdb
SELECT j::jsonb @> '{a: 1}' FROM t --> none ? duckdb
SELECT a FROM t WHERE b IS 'x' --> sqlite
SELECT a FROM t WHERE b IS NULL --> sqlite mysql postgres duckdb
SELECT date_part FROM (SELECT date_part('year', d) FROM t) s --> postgres
SELECT a FROM t ORDER BY a LIMIT 2 - (SELECT count(*) FROM t) % 2 OFFSET (SELECT (count(*) - 1) / 2 FROM t) --> sqlite postgres duckdb
SELECT x.a FROM (SELECT a FROM t LIMIT 5 % 3) x --> sqlite postgres duckdb
SELECT a FROM t LIMIT 5 PERCENT --> duckdb
SELECT a, * FROM t --> sqlite postgres duckdb
SELECT *, a FROM t --> sqlite mysql postgres duckdb
SELECT a, t.* FROM t --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE b LIKE ANY ('a', 'b') --> none
SELECT CURRENT_DATE() FROM t --> mysql duckdb
SELECT CURRENT_TIMESTAMP(3) FROM t --> mysql postgres
SELECT group_concat(b, ',' ORDER BY b) FROM t --> mysql duckdb ? sqlite
SELECT group_concat(b SEPARATOR) FROM t --> none
SELECT extract(dow FROM d) FROM t --> postgres duckdb
SELECT extract(epoch FROM d) FROM t --> postgres duckdb
SELECT extract(week FROM d) FROM t --> mysql postgres duckdb
SELECT date_add(d, INTERVAL 1 DAYS) FROM t --> duckdb
SELECT date_add(d, INTERVAL 1) FROM t --> duckdb
SELECT adddate(d, 7) FROM t --> mysql
SELECT date_add(d, INTERVAL 1 QUARTER) FROM t --> mysql duckdb
SELECT date_add(d, INTERVAL '1:30' HOUR_MINUTE) FROM t --> mysql ? postgres duckdb
SELECT timestampdiff(DAYS, c, d) FROM t --> none
SELECT timestampdiff('DAY', c, d) FROM t --> none
SELECT timestampdiff(SQL_TSI_DAY, c, d) FROM t --> mysql
SELECT interval(5, 1, 10) FROM t --> mysql ? postgres duckdb
SELECT substring(b) FROM t --> none
SELECT if(a > 1, 2) FROM t --> none ? sqlite duckdb
SELECT median(a) OVER (PARTITION BY b) FROM t --> mysql duckdb ? sqlite
SELECT median(a) FROM t --> duckdb ? sqlite
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b) FROM t --> mysql ? postgres duckdb
SELECT t.*, 1 AS x FROM t HAVING x > 3 --> mysql
SELECT a, b AS x FROM t HAVING x > 'b' --> mysql
SELECT t.*, count(*) FROM t --> sqlite
SELECT a FROM t WHERE (a, b) IN (1, 'x') --> duckdb
SELECT a FROM t WHERE (a, b) IN ((1, 'x', 2)) --> none ? duckdb
SELECT x.a FROM (SELECT a FROM t) x NATURAL JOIN u --> sqlite mysql postgres duckdb
SELECT t.group FROM (SELECT 1 AS "group") t --> mysql postgres duckdb
SELECT connection_id() --> mysql
SELECT a DIV (a + 1) FROM t --> mysql
SELECT a FROM t WHERE b RLIKE ('x') --> mysql
SELECT time(d), timestamp(c) FROM t --> mysql ? duckdb
SELECT varchar(b) FROM t --> none
SELECT numeric(a) FROM t --> none
SELECT char(a) FROM t --> sqlite mysql ? postgres duckdb
SELECT text(a), date(d), int4(a), float8(a) FROM t --> postgres
SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 5 PRECEDING) FROM t --> none
SELECT string_agg(DISTINCT b, ',' ORDER BY a) FROM t --> none ? duckdb
SELECT string_agg(DISTINCT b, ',' ORDER BY b DESC) FROM t --> postgres duckdb
SELECT array_agg(DISTINCT b ORDER BY upper(b)) FROM t --> duckdb
SELECT array_agg(DISTINCT upper(b) ORDER BY upper(b)) FROM t --> postgres duckdb
SELECT round(date_part('epoch', d), 1) FROM t --> duckdb
SELECT round(extract(epoch FROM d), 1) FROM t --> postgres duckdb
SELECT a FROM t WHERE a = ANY ('{1,2}') --> postgres ? duckdb
SELECT a FROM t WHERE a = ANY ('1,2') --> none ? duckdb
SELECT a FROM t WHERE a = ANY (1) --> none ? duckdb
SELECT d + INTERVAL '1 mnth' FROM t --> duckdb
SELECT d + INTERVAL '1 year 2 mons 3 days 04:05:06' FROM t --> postgres duckdb
SELECT d + INTERVAL 'P1Y2M' FROM t --> postgres duckdb
SELECT d + INTERVAL '1-2' FROM t --> postgres duckdb
SELECT d + INTERVAL '90 sec', d - INTERVAL '1.5 hrs', d + INTERVAL '2 weeks ago' FROM t --> postgres duckdb
SELECT d + INTERVAL '1 quarter' FROM t --> duckdb
WITH RECURSIVE x AS (SELECT a FROM t UNION ALL SELECT a + 1 FROM x WHERE a < 9) SEARCH DEPTH FIRST BY a SET o SELECT a FROM x ORDER BY o --> postgres
SELECT row_number() OVER (ORDER BY a) AS rn FROM t WHERE rn = 1 --> none
SELECT row_number() OVER (ORDER BY a) AS rn FROM t GROUP BY rn --> none
SELECT a, row_number() OVER (ORDER BY a) AS rn FROM t HAVING rn = 1 --> none
SELECT row_number() OVER (ORDER BY a) AS rn FROM t ORDER BY rn --> sqlite mysql postgres duckdb
SELECT s.rn FROM (SELECT row_number() OVER (ORDER BY a) AS rn FROM t) s WHERE rn = 1 GROUP BY rn --> sqlite mysql postgres duckdb
SELECT row_number() OVER (ORDER BY a) AS rn FROM t QUALIFY rn = 1 --> duckdb
SELECT u.a FROM t JOIN u ON t.a = u.a GROUP BY a --> mysql
SELECT u.a, t.b FROM t JOIN u ON t.a = u.a GROUP BY a, b --> mysql
SELECT cast(a AS varchar(10)) FROM t --> sqlite mysql postgres duckdb
SELECT div(7, 2) FROM t --> postgres
SELECT a, div(a, 2) FROM t --> postgres
SELECT a DIV (2) FROM t --> mysql
SELECT (a) div 2 FROM t --> mysql
SELECT current_timestamp(3) FROM t --> mysql postgres
SELECT ceil(a, 2) FROM t --> none
SELECT ceil(a), floor(a), ceiling(a) FROM t --> sqlite mysql postgres duckdb
SELECT json_each(j) FROM t --> postgres ? duckdb
SELECT e.value FROM t, json_each(t.j) e --> sqlite postgres duckdb
SELECT st_x(a, b, c) FROM t --> none
SELECT adddate(d) FROM t --> none
SELECT aes_encrypt(b, 'k') FROM t --> mysql
SELECT columns(a) FROM t --> none ? duckdb
SELECT lead(a, 1, 'none') OVER (ORDER BY a) FROM t --> sqlite duckdb ? mysql
SELECT lead(a, 1, '0') OVER (ORDER BY a) FROM t --> sqlite postgres duckdb ? mysql
SELECT lead(b, 1, 'none') OVER (ORDER BY a) FROM t --> sqlite postgres duckdb ? mysql
SELECT array_append(ARRAY[1, 2], 'x') FROM t --> none ? duckdb
SELECT array_append(ARRAY['a'], 'x') FROM t --> postgres duckdb
SELECT array_position(ARRAY[1, 2], '2') FROM t --> postgres duckdb
SELECT a FROM t WHERE 5 IN a --> none ? sqlite duckdb
SELECT a FROM t WHERE 5 = ANY a --> none
SELECT a FROM t WHERE a IN (SELECT a FROM u) --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE a = ANY (SELECT a FROM u) --> mysql postgres duckdb
SELECT any_value(a) FROM t --> postgres duckdb ? mysql
SELECT a AS any FROM t --> sqlite mysql postgres duckdb
SELECT lag(a, 1, 0) OVER (ORDER BY a), coalesce(a, '0') FROM t --> sqlite postgres duckdb ? mysql
SELECT a FROM t LIMIT 5 ROWS --> none
SELECT a FROM t FETCH FIRST 5 ROWS ONLY --> mysql postgres duckdb
SELECT a FROM t OFFSET 2 ROWS FETCH NEXT 5 ROWS ONLY --> mysql postgres duckdb
SELECT a FROM t FETCH FIRST 5 ROWS --> none
SELECT a FROM t ORDER BY a FETCH NEXT ROW ONLY --> mysql postgres duckdb
SELECT upper(b) AS m, count(*) FROM t GROUP BY ROLLUP (m) --> postgres duckdb
SELECT upper(b) AS m, e, count(*) FROM t JOIN u ON t.a = u.a GROUP BY GROUPING SETS ((m, e), (e), ()) --> postgres duckdb
SELECT upper(b) AS m, count(*) FROM t GROUP BY CUBE (upper(m)) --> none
SELECT a, sum(a) AS b FROM t GROUP BY a HAVING b > 1 --> sqlite mysql duckdb
SELECT max(a) AS a FROM t HAVING a > 1 --> sqlite mysql duckdb
SELECT a, max(b) FROM t HAVING a > 1 --> sqlite
SELECT q.a FROM ((SELECT a FROM t) AS q JOIN u ON q.a = u.a) --> sqlite mysql postgres duckdb
SELECT x.e FROM ((t JOIN u ON t.a = u.a) JOIN u AS x ON x.a = t.a) --> sqlite mysql postgres duckdb
SELECT q.e FROM ((SELECT a FROM t) AS q JOIN u ON q.a = u.a) --> none
SELECT a, b FROM t GROUP BY (1), (b) --> sqlite mysql postgres duckdb
SELECT a, b, count(*) FROM t GROUP BY ((a, b)) --> postgres duckdb ? sqlite mysql
SELECT a, b, count(*) FROM t GROUP BY GROUPING SETS ((1), (2)) --> postgres duckdb
SELECT cast(b AS datetime(3)) FROM t --> sqlite mysql duckdb
SELECT datetime(3) FROM t --> sqlite
SELECT a FROM t WHERE (NOT NULL) IS NULL --> sqlite mysql postgres duckdb
SELECT a FROM t WHERE b NOT NULL --> sqlite duckdb
SELECT a FROM t UNION SELECT a FROM u INTERSECT SELECT 1 --> sqlite mysql postgres duckdb
SELECT a FROM t EXCEPT SELECT a FROM u INTERSECT SELECT 1 UNION SELECT 2 --> sqlite mysql postgres duckdb
(SELECT a FROM t UNION SELECT a FROM u) INTERSECT SELECT 1 --> mysql postgres duckdb
SELECT t.a FROM u, t JOIN u AS x ON x.a = u.a --> sqlite duckdb ? mysql
SELECT a, b, count(*) FROM t GROUP BY (a, b) --> postgres duckdb
SELECT t.a FROM u, t JOIN u AS x ON x.a = t.a WHERE u.a = t.a --> sqlite mysql postgres duckdb
SELECT t.a FROM u, (t JOIN u AS x ON x.a = t.a) --> sqlite mysql postgres duckdb
SELECT t.a FROM u JOIN t ON t.a = u.a, u AS y JOIN u AS x ON x.a = y.a --> sqlite mysql postgres duckdb
SELECT t.a FROM t JOIN u JOIN u AS x ON x.a = t.a --> sqlite mysql
SELECT a, , b FROM t --> none
SELECT , a FROM t --> none
SELECT max(, a) FROM t --> none
SELECT a FROM t WHERE a IN (1, , 2) --> none
SELECT sum(a) OVER (PARTITION BY ORDER BY a) FROM t --> none
SELECT sum(a) OVER (ORDER BY a ROWS 2 PRECEDING AND CURRENT ROW) FROM t --> none
SELECT sum(a) OVER (ORDER BY a ROWS 2 PRECEDING) FROM t --> sqlite postgres mysql duckdb
SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY a ROWS 2 PRECEDING AND CURRENT ROW) --> none
SELECT sum(rank() OVER (ORDER BY a)) FROM t --> none
SELECT sum(max(a)) OVER (ORDER BY b) FROM t GROUP BY b --> sqlite postgres mysql duckdb
SELECT lower(b) FILTER (WHERE a > 1) FROM t --> none
SELECT rank() FILTER (WHERE a > 1) OVER (ORDER BY a) FROM t --> none
WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT max(x) FROM r WHERE x < 9) SELECT x FROM r --> duckdb ? mysql
WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < (SELECT max(a) FROM t)) SELECT x FROM r --> sqlite postgres mysql duckdb
WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 0.5 FROM r WHERE x < 9) SELECT x FROM r --> sqlite mysql duckdb
WITH RECURSIVE r(x) AS (SELECT c FROM t UNION ALL SELECT d FROM t) SELECT x FROM r --> sqlite postgres mysql duckdb
SELECT b FROM t UNION SELECT e FROM u ORDER BY lower(b) --> mysql duckdb
SELECT lower(b) FROM t UNION SELECT e FROM u ORDER BY lower(b) --> sqlite duckdb ? mysql
SELECT b FROM t UNION SELECT e FROM u ORDER BY d COLLATE NOCASE --> none
SELECT a FROM t WHERE a BETWEEN SYMMETRIC 2 AND 1 --> postgres
SELECT string_to_array(b, ',')[1] FROM t --> duckdb
SELECT a FROM t WHERE (ARRAY[a])[1] = 1 AND (a)::int4 IN (1) --> postgres duckdb
SELECT j #>> '{a}' FROM t --> postgres
SELECT a FROM t WHERE d > INTERVAL 1 DAY --> none ? duckdb
SELECT a FROM t WHERE d > NOW() - INTERVAL 1 DAY AND d < INTERVAL 1 DAY + NOW() --> mysql duckdb
SELECT count(DISTINCT *) FROM t --> none
SELECT v.x FROM (VALUES (1, 2), (3)) AS v(x, y) --> none
SELECT CASE WHEN a > 1 'x' END FROM t --> none
SELECT CASE WHEN a > 1 THEN CASE a WHEN 2 THEN 1 END END FROM t --> sqlite postgres mysql duckdb
SELECT (a b) + 1 FROM t --> none ? duckdb
SELECT b FROM (SELECT CAST(b AS CHAR), a = 1 FROM t) x --> postgres
SELECT x.value FROM t, json_each(t.j) x --> sqlite postgres duckdb
SELECT x.val FROM t, json_each(t.j) x --> none ? duckdb
SELECT g FROM generate_series(1, 3) g --> postgres duckdb
SELECT g.h FROM generate_series(1, 3) AS g(h) WHERE g.h > 1 --> postgres duckdb
SELECT g.x FROM generate_series(1, 3) AS g(h) --> none ? duckdb
SELECT e.key, sum(e.value) FROM t, json_each_text(t.j) e GROUP BY e.key --> none
SELECT e.value ->> 'x' FROM t, json_array_elements(t.j) e --> postgres
SELECT s, n FROM t, unnest(string_to_array(t.b, ',')) WITH ORDINALITY AS x(s, n) --> postgres duckdb
SELECT x.z FROM t, unnest(string_to_array(t.b, ',')) AS x(s) --> none ? duckdb
SELECT s FROM t CROSS JOIN unnest(string_to_array(b, ',')) AS s WHERE s = 1 --> duckdb
SELECT x.p FROM t, json_to_record(t.j) AS x(p int, q text) WHERE x.p = 1 --> postgres
SELECT x.r FROM t, json_to_record(t.j) AS x(p int, q text) --> none
SELECT x.p FROM t, json_to_record(t.j) AS x(p int, q text) WHERE x.p = 'abc' --> none
SELECT unnest(b) FROM t --> none ? duckdb
SELECT a FROM t WHERE a <> ALL (ARRAY['x', 'y']) --> none ? duckdb
SELECT a FROM t WHERE ROW(a, b) = ROW('x', 'y') --> mysql duckdb ? sqlite
SELECT a FROM t WHERE (a, b) IN ((1, 'x'), (2, 'y')) --> sqlite postgres mysql duckdb
SELECT a FROM t WHERE (a, b) IN (('x', 'x'), (2, 'y')) --> sqlite mysql duckdb
SELECT a FROM t WHERE (a, c) = ANY (SELECT a, e FROM u) --> mysql ? duckdb
SELECT a FROM t WHERE d > '2024-01-01 25:00' --> sqlite mysql duckdb
SELECT a FROM t WHERE d > '2024-01-01 23:59:59' AND d < '2024-01-01 24:00' --> sqlite postgres mysql duckdb
SELECT a FROM t WHERE d::time > '8' --> duckdb
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b) FROM t --> mysql ? duckdb
SELECT (string_to_array(b, ','))[1], '{a}'::varchar(3)[], '{1}'::numeric(9, 2)[] FROM t --> postgres duckdb
SELECT INTERVAL(a, 1, 10) FROM t WHERE d < NOW() --> mysql ? postgres duckdb
SELECT * --> none
SELECT 1 WHERE EXISTS (SELECT * FROM t) --> sqlite postgres mysql duckdb
SELECT CAST(a AS foo) FROM t --> sqlite ? duckdb
SELECT CAST(a AS numeric(9, 2)), CAST(b AS character varying(3)), CAST(a AS double precision) FROM t --> sqlite postgres duckdb
SELECT a::foo FROM t --> none ? duckdb
SELECT a::round(9) FROM t --> none ? duckdb
SELECT a::regclass, b::name, b::pg_catalog.text, '{"a": 1}'::jsonb, c::timestamp with time zone, b::national character(3), a::bit varying, 't'::"char" FROM t --> none
SELECT upper(j -> 'x') FROM t --> sqlite duckdb
SELECT upper(k -> 'x') FROM t --> none ? duckdb
SELECT json_array_length(j -> 'x'), upper(j -> 'a' ->> 'b'), coalesce(j -> 'a' ->> 'b', b), count(j -> 0) FROM t GROUP BY j -> 'x', j -> 'a' ->> 'b', b --> sqlite ? duckdb
SELECT json_typeof(j -> 'a') = 'array', max(j ->> 'a') FROM t GROUP BY json_typeof(j -> 'a') --> postgres
SELECT json_array_length(j -> 'x' -> 1) + 1 FROM t --> sqlite postgres duckdb
SELECT now() + INTERVAL a DAY FROM t --> mysql ? duckdb
SELECT now() + INTERVAL (a) DAY FROM t --> mysql duckdb
SELECT now() + a * INTERVAL '1 day' FROM t --> postgres duckdb
SELECT - c FROM t --> sqlite mysql ? duckdb
SELECT - b FROM t --> sqlite mysql ? duckdb
SELECT - a, - (c - c), - (d - d) FROM t --> sqlite postgres mysql duckdb
SELECT b[1] FROM t --> sqlite duckdb
SELECT a FROM t WHERE d::time > '2024-01-01' --> duckdb
WITH RECURSIVE r AS (SELECT 1 AS x, 'a' AS y UNION ALL SELECT x + 1, x FROM r WHERE x < 9) SELECT x FROM r --> sqlite mysql duckdb
WITH RECURSIVE r AS (SELECT 1 AS x, 'a' AS y UNION ALL SELECT x + 1, y || 'b' FROM r WHERE x < 9) SELECT x FROM r --> sqlite postgres mysql duckdb
WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT '2' FROM r WHERE x < 1) SELECT x FROM r --> sqlite postgres mysql duckdb
WITH RECURSIVE r AS (SELECT a, b FROM t UNION ALL SELECT r.a, u.e FROM r JOIN u ON u.a = r.a) SELECT * FROM r --> sqlite postgres mysql duckdb
SELECT g.x, count(*) FROM t, unnest(string_to_array(b, ',')) AS g(x) GROUP BY g --> postgres
SELECT date(d), count(*) FROM t GROUP BY d::date --> postgres duckdb
SELECT d::date, count(*) FROM t GROUP BY date(d) --> postgres duckdb
SELECT date(d), count(*) FROM t GROUP BY CAST(d AS date) ORDER BY date(d) --> sqlite postgres mysql duckdb
SELECT DATE_SUB(d) FROM t --> none
SELECT DATE_SUB(d, INTERVAL 1 DAY) FROM t --> mysql
WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) CYCLE x SET l USING p SELECT x, l FROM r --> postgres
SELECT b, count(*) AS n FROM t GROUP BY b HAVING n = max(n) --> mysql ? duckdb
SELECT b, count(*) AS a FROM t GROUP BY b HAVING max(t.a) > 1 --> sqlite postgres mysql duckdb
SELECT v.b, v.x FROM (SELECT b, max(a) AS x FROM t GROUP BY b) v GROUP BY v --> none
SELECT count(*) OVER (), avg(a) FROM t --> sqlite postgres mysql duckdb
SELECT b, count(*) OVER (), count(*) FROM t GROUP BY b --> sqlite postgres mysql duckdb
SELECT b, count(*) OVER (PARTITION BY b), sum(count(*)) OVER () FROM t GROUP BY b ORDER BY count(*) OVER () --> sqlite postgres mysql duckdb
SELECT b, rank() OVER (ORDER BY max(a)), max(count(*)) OVER () - min(a) FROM t GROUP BY b --> sqlite postgres mysql duckdb
SELECT *, count(*) FROM t --> sqlite
SELECT *, count(*) FROM t GROUP BY b --> sqlite
SELECT b, count(*), (SELECT count(*) FROM u) FROM t GROUP BY b --> sqlite postgres mysql duckdb
SELECT b, row_number() OVER (ORDER BY count(*) DESC, b), first_value(b) OVER (ORDER BY count(*)), count(*) FILTER (WHERE a > 1) OVER () FROM t GROUP BY b --> sqlite
SELECT upper(b), count(*) OVER (PARTITION BY upper(b)) FROM t GROUP BY upper(b) --> sqlite postgres mysql duckdb
SELECT DISTINCT b, count(*) OVER (PARTITION BY b) FROM t --> sqlite postgres mysql duckdb
SELECT b, avg(avg(a)) OVER (), 100.0 * count(*) / sum(count(*)) OVER () AS pct FROM t GROUP BY b HAVING count(*) > 1 --> sqlite postgres mysql duckdb
SELECT d, sum(count(*)) OVER (ORDER BY d ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM t GROUP BY d --> sqlite postgres mysql duckdb
SELECT CASE WHEN count(*) OVER () > 1 THEN max(a) END FROM t GROUP BY b --> sqlite postgres mysql duckdb
SELECT t.b FROM t JOIN (SELECT t.a AS x FROM u) s ON t.a = s.x --> duckdb
SELECT t.b FROM t JOIN (SELECT b AS x FROM u) s ON t.b = s.x --> duckdb
SELECT s.x FROM (SELECT t.a AS x FROM u) s, t --> none

-- What generated SQL could try on a DuckDB target. A paragraph is one statement; its first line says what has to
-- become of it, and of what kind it is:
--   refused   by the checks, and by the target layer alone
--   trapped   reaches a function of the database through a view: refused by the target layer
--   limited   it may pass the checks; on the target it ends in time and in bounds, with an error or with rows
-- «folder» is the database's own folder, «port» one that listens; «NUL», «CR», «ZWSP», «NBSP», «BOM» and «RLO» are
-- those characters.

-- refused: write
INSERT INTO t VALUES (9)

-- refused: write
INSERT INTO t VALUES (9) RETURNING a

-- refused: write
INSERT OR REPLACE INTO t VALUES (9)

-- refused: write
INSERT INTO t BY NAME SELECT 9 AS a

-- refused: write
INSERT INTO t SELECT 9 ON CONFLICT DO NOTHING

-- refused: write
FROM t INSERT INTO t SELECT a

-- refused: write
UPDATE t SET a = 9

-- refused: write
UPDATE t SET a = 9 FROM c WHERE t.a = c.x RETURNING *

-- refused: write
DELETE FROM t

-- refused: write
DELETE FROM t USING c WHERE t.a = c.x

-- refused: write
TRUNCATE t

-- refused: write
MERGE INTO t USING c ON false WHEN NOT MATCHED THEN INSERT VALUES (9)

-- refused: write
MERGE INTO t USING c ON true WHEN MATCHED THEN DELETE

-- refused: write in a CTE
WITH x AS (INSERT INTO t VALUES (9) RETURNING a) SELECT * FROM x

-- refused: write in a CTE
WITH x AS (UPDATE t SET a = 9 RETURNING a) SELECT * FROM x

-- refused: write in a CTE
WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x

-- refused: write in a CTE
WITH a AS (SELECT 1), b AS (DELETE FROM t) SELECT * FROM a

-- refused: write in a CTE
SELECT * FROM (WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x) AS y

-- refused: write in a CTE
SELECT (WITH x AS (DELETE FROM t RETURNING a) SELECT max(a) FROM x)

-- refused: write behind a CTE
WITH x AS (SELECT 9 AS a) INSERT INTO t SELECT a FROM x

-- refused: write behind a CTE
WITH x AS (SELECT 1 AS a) DELETE FROM t USING x

-- refused: write behind a CTE
WITH x AS (SELECT 1 AS a) UPDATE t SET a = 9 FROM x

-- refused: new table
CREATE TABLE u AS SELECT 1

-- refused: new table
CREATE TABLE u (a int)

-- refused: new table
CREATE TEMP TABLE u AS FROM t

-- refused: new table
CREATE OR REPLACE TABLE t (a int)

-- refused: new table
CREATE VIEW u AS SELECT 1

-- refused: new table
CREATE OR REPLACE TEMP VIEW t AS SELECT 1

-- refused: new table
SELECT a INTO u FROM t

-- refused: new table
CREATE TABLE u AS PIVOT t ON a USING count(*)

-- refused: definition
DROP TABLE t

-- refused: definition
DROP VIEW paid

-- refused: definition
DROP SCHEMA main CASCADE

-- refused: definition
ALTER TABLE t ADD COLUMN b int

-- refused: definition
ALTER TABLE t RENAME TO u

-- refused: definition
CREATE INDEX i ON t (a)

-- refused: definition
CREATE SCHEMA u

-- refused: definition
CREATE SEQUENCE u

-- refused: definition
CREATE TYPE u AS ENUM ('a')

-- refused: definition
CREATE MACRO f(x) AS x

-- refused: definition
CREATE OR REPLACE FUNCTION lower(x) AS x

-- refused: definition
CREATE MACRO u() AS TABLE SELECT 1

-- refused: definition
CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO c VALUES (1)

-- refused: definition
COMMENT ON TABLE t IS 'x'

-- refused: definition
CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')

-- refused: definition
CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')

-- refused: definition
DROP SECRET s

-- refused: file
COPY t TO '«folder»/out.csv'

-- refused: file
COPY (SELECT 1) TO '«folder»/out.parquet' (FORMAT parquet)

-- refused: file
COPY t FROM '/etc/passwd'

-- refused: file
COPY FROM DATABASE shop TO other

-- refused: file
EXPORT DATABASE '«folder»/export'

-- refused: file
IMPORT DATABASE '«folder»/export'

-- refused: file
ATTACH '«folder»/other.db'

-- refused: file
ATTACH '«folder»/other.db' AS o (READ_WRITE)

-- refused: file
ATTACH ':memory:' AS m

-- refused: file
ATTACH 'postgres:dbname=shop' AS p (TYPE postgres)

-- refused: file
ATTACH 'http://127.0.0.1:«port»/x.db' AS h

-- refused: file
DETACH shop

-- refused: file
SELECT * FROM '/etc/passwd'

-- refused: file
FROM '/etc/passwd'

-- refused: file
SELECT * FROM '«folder»/*.csv'

-- refused: file
SELECT * FROM 'http://127.0.0.1:«port»/x.csv'

-- refused: file
SELECT * FROM "/etc/passwd"

-- refused: file
SELECT * FROM read_csv('/etc/passwd')

-- refused: file
SELECT * FROM read_csv_auto('/etc/passwd', header = false)

-- refused: file
SELECT * FROM read_text('/etc/passwd')

-- refused: file
SELECT * FROM read_blob('/etc/*')

-- refused: file
SELECT * FROM read_json('/etc/passwd')

-- refused: file
SELECT * FROM read_json_auto('/etc/passwd')

-- refused: file
SELECT * FROM read_json_objects('/etc/passwd')

-- refused: file
SELECT * FROM read_ndjson('/etc/passwd')

-- refused: file
SELECT * FROM read_parquet('«folder»/x.parquet')

-- refused: file
SELECT * FROM parquet_scan('«folder»/x.parquet')

-- refused: file
SELECT * FROM parquet_metadata('«folder»/x.parquet')

-- refused: file
SELECT * FROM parquet_schema('«folder»/x.parquet')

-- refused: file
SELECT * FROM parquet_file_metadata('«folder»/x.parquet')

-- refused: file
SELECT * FROM sniff_csv('/etc/passwd')

-- refused: file
SELECT * FROM glob('/etc/*')

-- refused: file
SELECT * FROM sqlite_scan('«folder»/x.db', 't')

-- refused: file
SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')

-- refused: file
SELECT * FROM mysql_query('x', 'SELECT 1')

-- refused: file
SELECT * FROM read_duckdb('«folder»/x.db')

-- refused: file
SELECT * FROM "read_text"('/etc/passwd')

-- refused: file
SELECT * FROM READ_TEXT ('/etc/passwd')

-- refused: file
SELECT * FROM main.read_text('/etc/passwd')

-- refused: file
SELECT * FROM system.main.read_text('/etc/passwd')

-- refused: file
SELECT (SELECT content FROM read_text('/etc/passwd'))

-- refused: file
SELECT a FROM t WHERE a IN (SELECT size FROM read_text('/etc/passwd'))

-- refused: file
WITH x AS (FROM read_text('/etc/passwd')) SELECT * FROM x

-- refused: file
SELECT * FROM t, LATERAL (SELECT * FROM read_text('/etc/passwd')) AS x

-- refused: file
SELECT * FROM t POSITIONAL JOIN read_text('/etc/passwd')

-- refused: file
SELECT unnest((SELECT list(content) FROM read_text('/etc/passwd')))

-- refused: file
SELECT * FROM read_text/**/('/etc/passwd')

-- refused: file
SELECT * FROM read_text -- x
('/etc/passwd')

-- refused: file
SELECT * FROM (PIVOT read_text('/etc/passwd') ON size IN (1) USING count(*))

-- refused: file
PIVOT read_text('/etc/passwd') ON size

-- refused: file
SUMMARIZE FROM read_text('/etc/passwd')

-- refused: file
DESCRIBE FROM read_text('/etc/passwd')

-- refused: file
SELECT write_file('«folder»/x', 'y')

-- refused: text run as a query
SELECT * FROM query('SELECT * FROM t')

-- refused: text run as a query
SELECT * FROM query('DELETE FROM t')

-- refused: text run as a query
SELECT * FROM query_table('t')

-- refused: text run as a query
SELECT * FROM query_table(['t', 'c'])

-- refused: text run as a query
SELECT json_execute_serialized_sql('{}')

-- refused: text run as a query
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))

-- refused: text run as a query
SELECT json_serialize_sql('SELECT 1')

-- refused: text run as a query
SELECT json_deserialize_sql('{}')

-- refused: text run as a query
SELECT json_serialize_plan('SELECT 1')

-- refused: text run as a query
PRAGMA json_execute_serialized_sql('{}')

-- refused: text run as a query
SELECT * FROM from_substrait('x')

-- refused: text run as a query
PREPARE p AS DELETE FROM t

-- refused: text run as a query
EXECUTE p

-- refused: text run as a query
DEALLOCATE p

-- refused: sleep
SELECT sleep_ms(5000)

-- refused: sleep
SELECT SLEEP_MS (5000)

-- refused: sleep
SELECT "sleep_ms"(5000)

-- refused: sleep
SELECT main.sleep_ms(5000)

-- refused: sleep
SELECT 5000.sleep_ms()

-- refused: sleep
SELECT a FROM t WHERE sleep_ms(5000) IS NULL

-- refused: sleep
SELECT [sleep_ms(x) FOR x IN [5000]]

-- refused: sleep
SELECT list_transform([5000], lambda x: sleep_ms(x))

-- refused: sleep
SELECT * FROM (SELECT sleep_ms(5000)) AS x

-- refused: sleep
SELECT sleep_ms/* x */(5000)

-- refused: sequence
SELECT nextval('s')

-- refused: sequence
SELECT "nextval"('s')

-- refused: sequence
SELECT currval('s')

-- refused: sequence
SELECT a + nextval('s') FROM t

-- refused: several statements
SELECT 1; DELETE FROM t

-- refused: several statements
SELECT 1; SELECT 2

-- refused: several statements
SELECT 1;; SELECT 2

-- refused: several statements
SELECT 1; -- x
DELETE FROM t

-- refused: several statements
SELECT ';'; DELETE FROM t

-- refused: several statements
SELECT 1 AS ";"; DELETE FROM t

-- refused: several statements
SELECT $$;$$; DELETE FROM t

-- refused: several statements
SELECT E'\''; DELETE FROM t; -- '

-- refused: hidden name
SELECT 1 -- «CR», sleep_ms(5000)

-- refused: hidden name
SELECT 'a' 'b', sleep_ms(5000)

-- refused: hidden name
SELECT 'it''s', sleep_ms(5000)

-- refused: hidden name
SELECT 'a\', sleep_ms(5000), 'b'

-- refused: hidden name
SELECT $$a$$, sleep_ms(5000)

-- refused: hidden name
SELECT sleep_ms«NBSP»(5000)

-- refused: hidden name
SELECT«ZWSP» sleep_ms(5000)

-- refused: hidden name
SELECT 1«NUL», sleep_ms(5000)

-- refused: hidden name
SELECT «BOM»sleep_ms(5000)

-- refused: hidden name
SELECT «RLO»sleep_ms(5000)

-- refused: hidden name
SELECT 1 /* /* */ */, sleep_ms(5000)

-- refused: hidden name
SELECT 1 # x
, sleep_ms(5000)

-- refused: hidden name
SELECT U&"sleep\005fms"(5000)

-- refused: function of the database
SELECT waited(1)

-- refused: function of the database
SELECT "waited"(1)

-- refused: function of the database
SELECT main.waited(1)

-- refused: function of the database
SELECT * FROM files()

-- refused: function of the database
SELECT * FROM files_of('/etc/passwd')

-- refused: setting
SET threads = 1

-- refused: setting
SET memory_limit = '10GB'

-- refused: setting
SET enable_external_access = true

-- refused: setting
SET lock_configuration = false

-- refused: setting
SET GLOBAL threads = 1

-- refused: setting
SET VARIABLE x = 1

-- refused: setting
SET search_path = 'main'

-- refused: setting
SET schema = 'main'

-- refused: setting
SET temp_directory = '«folder»/tmp'

-- refused: setting
SET log_query_path = '«folder»/log'

-- refused: setting
RESET threads

-- refused: setting
PRAGMA threads = 1

-- refused: setting
PRAGMA enable_logging

-- refused: setting
PRAGMA database_list

-- refused: setting
PRAGMA table_info('t')

-- refused: setting
PRAGMA version

-- refused: setting
PRAGMA enable_profiling

-- refused: setting
PRAGMA profiling_output = '«folder»/profile'

-- refused: setting
CALL enable_logging()

-- refused: setting
CALL pragma_version()

-- refused: setting
CALL duckdb_settings()

-- refused: setting
SELECT current_setting('threads')

-- refused: setting
SELECT set_config('threads', '1', false)

-- refused: setting
SELECT getvariable('x')

-- refused: setting
SELECT getenv('HOME')

-- refused: setting
SELECT write_log('x')

-- refused: setting
SELECT error('x')

-- refused: secret
SELECT * FROM duckdb_secrets()

-- refused: secret
SELECT * FROM duckdb_settings()

-- refused: secret
SELECT * FROM duckdb_databases()

-- refused: secret
SELECT * FROM duckdb_databases

-- refused: secret
SELECT * FROM pragma_database_list

-- refused: secret
SELECT * FROM pragma_database_list()

-- refused: secret
SELECT * FROM duckdb_logs

-- refused: secret
SELECT * FROM duckdb_extensions()

-- refused: secret
SELECT * FROM duckdb_temporary_files()

-- refused: secret
SELECT * FROM duckdb_memory()

-- refused: secret
SELECT * FROM duckdb_variables()

-- refused: secret
SELECT * FROM which_secret('s3://x', 's3')

-- refused: secret
SELECT * FROM pg_catalog.pg_settings

-- refused: secret
SELECT * FROM pg_settings

-- refused: secret
SELECT * FROM pragma_user_agent()

-- refused: secret
SELECT * FROM pragma_storage_info('t')

-- refused: secret
SELECT * FROM duckdb_prepared_statements()

-- refused: secret
SELECT * FROM duckdb_external_file_cache()

-- refused: secret
SELECT pg_conf_load_time()

-- refused: secret
SELECT * FROM system.main.duckdb_logs

-- refused: show
SHOW TABLES

-- refused: show
SHOW ALL TABLES

-- refused: show
SHOW DATABASES

-- refused: show
SHOW t

-- refused: show
DESCRIBE t

-- refused: show
DESCRIBE SELECT 1

-- refused: show
SUMMARIZE t

-- refused: show
SUMMARIZE SELECT 1

-- refused: show
SELECT * FROM (DESCRIBE t)

-- refused: show
SELECT * FROM (SHOW DATABASES)

-- refused: show
SELECT * FROM (SUMMARIZE t)

-- refused: show
EXPLAIN SELECT 1

-- refused: show
EXPLAIN ANALYZE SELECT sleep_ms(5000)

-- refused: show
EXPLAIN ANALYZE DELETE FROM t

-- refused: extension
INSTALL httpfs

-- refused: extension
INSTALL httpfs FROM community

-- refused: extension
INSTALL '«folder»/x.duckdb_extension'

-- refused: extension
FORCE INSTALL httpfs

-- refused: extension
LOAD httpfs

-- refused: extension
LOAD '«folder»/x.duckdb_extension'

-- refused: extension
UPDATE EXTENSIONS

-- refused: transaction
BEGIN

-- refused: transaction
BEGIN TRANSACTION READ WRITE

-- refused: transaction
COMMIT

-- refused: transaction
ROLLBACK

-- refused: transaction
ABORT

-- refused: transaction
USE other

-- refused: transaction
CHECKPOINT

-- refused: transaction
FORCE CHECKPOINT

-- refused: transaction
VACUUM

-- refused: transaction
VACUUM ANALYZE t

-- refused: transaction
ANALYZE

-- refused: parameter
SELECT ?

-- refused: parameter
SELECT $1

-- refused: parameter
SELECT $name

-- refused: parameter
SELECT a FROM t WHERE a = ?1

-- refused: deep
SELECT «10000 parentheses»

-- refused: deep
SELECT «10000 NOTs» true

-- refused: deep
SELECT «20000 brackets»

-- refused: deep
SELECT «900 brackets»

-- trapped: view
SELECT * FROM waiting_view

-- trapped: view
SELECT * FROM "Waiting_View_Of_View"

-- trapped: view
SELECT a FROM main.waiting_view

-- trapped: view
SELECT * FROM t JOIN waiting_view USING (a)

-- trapped: view
SELECT count(*) FROM (SELECT 1 FROM settings_view) AS x

-- trapped: view
SELECT * FROM settings_view

-- limited: endless
«endless» SELECT count(*) FROM n

-- limited: endless
«endless» SELECT * FROM n

-- limited: endless
SELECT count(*) FROM range(1000000000000)

-- limited: endless
SELECT * FROM range(1000000000000)

-- limited: endless
SELECT sum(a.i * b.i) FROM range(10000000) AS a(i), range(10000000) AS b(i)

-- limited: endless
SELECT i FROM range(10000000000) AS n(i) ORDER BY hash(i)

-- limited: endless
SELECT DISTINCT hash(i) FROM range(10000000000) AS n(i)

-- limited: endless
SELECT unnest(range(1000000000))

-- limited: endless
SELECT * FROM generate_series(1, 1000000000000)

-- limited: endless
SELECT list(i) FROM range(10000000000) AS n(i)

-- limited: join without a condition
SELECT count(*) FROM c a, c b, c d, c e

-- limited: join without a condition
SELECT a.x FROM c a, c b, c d ORDER BY hash(a.x + b.x)

-- limited: join without a condition
SELECT DISTINCT a.x, b.x, d.x FROM c a, c b, c d

-- limited: large value
SELECT repeat('x', 1000000000)

-- limited: large value
SELECT repeat(repeat('x', 100000), 100000)

-- limited: large value
SELECT string_agg(repeat('x', 100000)) FROM c

-- limited: large value
SELECT list_resize([1], 1000000000)

-- limited: large value
SELECT range(1000000000)

-- limited: large value
SELECT rpad('x', 1000000000, 'y')

-- limited: large value
SELECT «30000 columns»

-- limited: slow pattern
SELECT regexp_matches(repeat('a', 10000000), '(a+)+$') FROM c

-- limited: slow pattern
SELECT repeat('a', 50000) LIKE repeat('%a', 5000) FROM c

-- limited: slow pattern
SELECT max(levenshtein(repeat('a', 5000), repeat('b', 5000))) FROM c

-- limited: slow pattern
SELECT max(factorial(20)) FROM c a, c b, c d

-- limited: words of a string or a name
SELECT 'COPY t TO; DELETE FROM t sleep_ms(5) ? read_text'

-- limited: words of a string or a name
SELECT a AS "sleep_ms(5); DROP TABLE t" FROM t

-- limited: words of a string or a name
SELECT t.a /* DELETE FROM t */ FROM t -- sleep_ms(5)

-- limited: words of a string or a name
SELECT 'DELETE' AS "delete", 'x' AS "into"

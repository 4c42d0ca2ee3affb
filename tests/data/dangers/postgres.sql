-- What generated SQL could try on a Postgres target, as superuser or as a role that may only read. A paragraph is
-- one statement; its first line says what has to become of it, and of what kind it is:
--   refused   by the checks, and by the target layer alone
--   trapped   reaches a function of the database through something else: refused by the target layer
--   limited   it may pass the checks; on the target it ends in time and in bounds, with an error or with rows
-- «folder» is a folder that the server may write to, «port» one that listens; «NUL», «CR», «ZWSP», «NBSP», «BOM» and
-- «RLO» are those characters. What the statements name is made in tests/support/dangers.py.

-- refused: write
INSERT INTO t VALUES (9)

-- refused: write
INSERT INTO t VALUES (9) RETURNING a

-- refused: write
INSERT INTO t SELECT 9 ON CONFLICT DO NOTHING

-- refused: write
INSERT INTO t TABLE t

-- refused: write
UPDATE t SET a = 9

-- refused: write
UPDATE ONLY t SET a = 9 FROM t AS o WHERE o.a = t.a RETURNING *

-- refused: write
DELETE FROM t

-- refused: write
DELETE FROM t USING t AS o WHERE t.a = o.a

-- refused: write
TRUNCATE t

-- refused: write
TRUNCATE TABLE ONLY t RESTART IDENTITY CASCADE

-- refused: write
MERGE INTO t USING t AS s ON false WHEN NOT MATCHED THEN INSERT VALUES (9)

-- refused: write
MERGE INTO t USING t AS s ON true WHEN MATCHED THEN DELETE RETURNING *

-- refused: write in a CTE
WITH x AS (INSERT INTO t VALUES (9) RETURNING a) SELECT * FROM x

-- refused: write in a CTE
WITH x AS (UPDATE t SET a = 9 RETURNING a) SELECT * FROM x

-- refused: write in a CTE
WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x

-- refused: write in a CTE
WITH x AS (MERGE INTO t USING t AS s ON false WHEN NOT MATCHED THEN INSERT VALUES (9) RETURNING *) SELECT * FROM x

-- refused: write in a CTE
WITH a AS (SELECT 1), b AS (DELETE FROM t) SELECT * FROM a

-- refused: write in a CTE
SELECT * FROM (WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x) AS y

-- refused: write in a CTE
WITH x AS MATERIALIZED (INSERT INTO t VALUES (9) RETURNING a) SELECT 1

-- refused: write behind a CTE
WITH x AS (SELECT 9 AS a) INSERT INTO t SELECT a FROM x

-- refused: write behind a CTE
WITH x AS (SELECT 1 AS a) DELETE FROM t USING x

-- refused: new table
SELECT a INTO u FROM t

-- refused: new table
SELECT a INTO TEMP u FROM t

-- refused: new table
SELECT a INTO UNLOGGED TABLE u FROM t UNION SELECT 1

-- refused: new table
WITH x AS (SELECT 1 AS a) SELECT * INTO u FROM x

-- refused: new table
CREATE TABLE u AS SELECT 1

-- refused: new table
CREATE TEMP TABLE u (a int)

-- refused: new table
CREATE UNLOGGED TABLE IF NOT EXISTS u AS TABLE t

-- refused: new table
CREATE MATERIALIZED VIEW u AS SELECT 1

-- refused: new table
REFRESH MATERIALIZED VIEW kept

-- refused: definition
DROP TABLE t

-- refused: definition
DROP SCHEMA public CASCADE

-- refused: definition
ALTER TABLE t ADD COLUMN b int

-- refused: definition
ALTER TABLE guarded DISABLE ROW LEVEL SECURITY

-- refused: definition
CREATE VIEW w AS SELECT 1

-- refused: definition
CREATE OR REPLACE VIEW paid AS SELECT 9 AS a

-- refused: definition
CREATE INDEX ON t (a)

-- refused: definition
CREATE SEQUENCE q

-- refused: definition
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'

-- refused: definition
CREATE EXTENSION vector

-- refused: definition
CREATE EXTENSION dblink

-- refused: definition
CREATE LANGUAGE plpython3u

-- refused: definition
CREATE RULE r AS ON SELECT TO t DO INSTEAD SELECT 9 AS a

-- refused: definition
CREATE TRIGGER r AFTER INSERT ON t EXECUTE FUNCTION f()

-- refused: definition
CREATE EVENT TRIGGER r ON ddl_command_start EXECUTE FUNCTION f()

-- refused: definition
CREATE CAST (int AS t) WITH INOUT

-- refused: definition
CREATE SCHEMA x CREATE TABLE x.y (a int)

-- refused: definition
COMMENT ON TABLE t IS 'x'

-- refused: definition
SECURITY LABEL ON TABLE t IS 'x'

-- refused: definition
IMPORT FOREIGN SCHEMA s FROM SERVER x INTO public

-- refused: roles and rights
CREATE ROLE danger SUPERUSER LOGIN

-- refused: roles and rights
ALTER ROLE CURRENT_USER SUPERUSER

-- refused: roles and rights
ALTER ROLE CURRENT_USER SET default_transaction_read_only = off

-- refused: roles and rights
DROP OWNED BY CURRENT_USER

-- refused: roles and rights
REASSIGN OWNED BY CURRENT_USER TO danger

-- refused: roles and rights
GRANT ALL ON t TO PUBLIC

-- refused: roles and rights
REVOKE ALL ON t FROM PUBLIC

-- refused: roles and rights
SET ROLE postgres

-- refused: roles and rights
SET SESSION AUTHORIZATION postgres

-- refused: roles and rights
RESET ROLE

-- refused: roles and rights
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC

-- refused: server
ALTER SYSTEM SET shared_preload_libraries = 'evil'

-- refused: server
ALTER SYSTEM RESET ALL

-- refused: server
ALTER DATABASE postgres SET search_path = 'x'

-- refused: server
CREATE DATABASE danger

-- refused: server
DROP DATABASE postgres

-- refused: server
CREATE TABLESPACE x LOCATION '«folder»'

-- refused: server
CHECKPOINT

-- refused: server
LOAD 'evil'

-- refused: file
COPY t TO '«folder»/danger'

-- refused: file
COPY (SELECT 1) TO '«folder»/danger'

-- refused: file
COPY t FROM '/etc/passwd'

-- refused: file
COPY t TO PROGRAM 'touch «folder»/danger'

-- refused: file
COPY t FROM PROGRAM 'touch «folder»/danger; echo 9'

-- refused: file
COPY (SELECT 1) TO STDOUT

-- refused: file
COPY t FROM STDIN

-- refused: network
CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=«port» dbname=x' PUBLICATION p

-- refused: network
CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '«port»')

-- refused: network
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (password 'x')

-- refused: network
SELECT * FROM dblink('host=127.0.0.1 port=«port»', 'SELECT 1') AS d(a int)

-- refused: network
SELECT dblink_connect('host=127.0.0.1 port=«port»')

-- refused: network
SELECT dblink_exec('host=127.0.0.1 port=«port»', 'DROP TABLE t')

-- refused: network
SELECT http_get('http://127.0.0.1:«port»/')

-- refused: network
SELECT postgres_fdw_get_connections()

-- refused: file function
SELECT pg_read_file('/etc/passwd')

-- refused: file function
SELECT pg_read_file('PG_VERSION', 0, 100, true)

-- refused: file function
SELECT pg_read_binary_file('/etc/passwd')

-- refused: file function
SELECT convert_from(pg_read_binary_file('postgresql.conf'), 'utf8')

-- refused: file function
SELECT * FROM pg_ls_dir('/')

-- refused: file function
SELECT * FROM pg_ls_waldir()

-- refused: file function
SELECT * FROM pg_ls_logdir()

-- refused: file function
SELECT * FROM pg_ls_tmpdir()

-- refused: file function
SELECT * FROM pg_stat_file('/etc/passwd')

-- refused: file function
SELECT pg_current_logfile()

-- refused: file function
SELECT pg_file_write('«folder»/danger', 'x', false)

-- refused: file function
SELECT pg_file_unlink('PG_VERSION')

-- refused: file function
SELECT pg_file_rename('PG_VERSION', 'x')

-- refused: file function
SELECT pg_relation_filepath('t')

-- refused: file function
SELECT pg_relation_size('t'), pg_database_size('postgres')

-- refused: file function
SELECT * FROM pg_hba_file_rules

-- refused: file function
SELECT * FROM pg_file_settings

-- refused: file function
SELECT * FROM pg_config

-- refused: large object
SELECT lo_create(0)

-- refused: large object
SELECT lo_creat(-1)

-- refused: large object
SELECT lo_from_bytea(0, 'x')

-- refused: large object
SELECT lo_put(1, 0, 'x')

-- refused: large object
SELECT lo_get(1)

-- refused: large object
SELECT lo_unlink(1)

-- refused: large object
SELECT lo_truncate(lo_open(1, 131072), 0)

-- refused: large object
SELECT lowrite(lo_open(1, 131072), 'x')

-- refused: large object
SELECT loread(lo_open(1, 262144), 10)

-- refused: large object
SELECT lo_import('/etc/passwd')

-- refused: large object
SELECT lo_export(1, '«folder»/danger')

-- refused: large object
SELECT data FROM pg_largeobject

-- refused: sequence
SELECT nextval('s')

-- refused: sequence
SELECT setval('s', 99)

-- refused: sequence
SELECT setval('s'::regclass, 99, false)

-- refused: sequence
SELECT currval('s'), lastval()

-- refused: sequence
SELECT pg_sequence_last_value('s')

-- refused: sleep
SELECT pg_sleep(20)

-- refused: sleep
SELECT PG_SLEEP (20)

-- refused: sleep
SELECT "pg_sleep"(20)

-- refused: sleep
SELECT pg_catalog.pg_sleep(20)

-- refused: sleep
SELECT pg_catalog . "pg_sleep" (20)

-- refused: sleep
SELECT pg_sleep /* hidden */ (20)

-- refused: sleep
SELECT pg_sleep
(20)

-- refused: sleep
SELECT pg_sleep--
(20)

-- refused: sleep
SELECT pg_sleep_for('20 seconds')

-- refused: sleep
SELECT pg_sleep_until(now() + interval '20 seconds')

-- refused: sleep
SELECT * FROM pg_sleep(20)

-- refused: sleep
SELECT * FROM t, LATERAL pg_sleep(20)

-- refused: sleep
SELECT * FROM ROWS FROM (pg_sleep(20)) AS s

-- refused: sleep
SELECT a FROM t ORDER BY pg_sleep(20)::text

-- refused: sleep
SELECT a FROM t WHERE pg_sleep(20) IS NULL

-- refused: sleep
SELECT a FROM t GROUP BY a HAVING pg_sleep(20) IS NOT NULL

-- refused: sleep
SELECT a FROM t LIMIT (SELECT length(pg_sleep(20)::text))

-- refused: sleep
SELECT count(*) FILTER (WHERE pg_sleep(20) IS NULL) FROM t

-- refused: sleep
SELECT sum(a) OVER (ORDER BY pg_sleep(20)::text) FROM t

-- refused: sleep
SELECT CASE WHEN a = 1 THEN pg_sleep(20) END FROM t

-- refused: sleep
SELECT ARRAY[pg_sleep(20)]

-- refused: sleep
VALUES (1), (length(pg_sleep(20)::text))

-- refused: sleep
WITH pg_sleep(a) AS (SELECT 1) SELECT pg_sleep(20)

-- refused: sleep
SELECT (SELECT pg_sleep(20))

-- refused: sleep
SELECT 1 UNION SELECT 2 FROM pg_sleep(20)

-- refused: sleep
SELECT a FROM t TABLESAMPLE bernoulli (length(pg_sleep(20)::text))

-- refused: sleep
SELECT a FROM t JOIN (SELECT pg_sleep(20)) AS s ON true

-- refused: sleep
SELECT pg_stat_wait()

-- refused: hidden name
SELECT U&"pg\005fsleep"(20)

-- refused: hidden name
SELECT u&"pg!005fsleep" UESCAPE '!' (20)

-- refused: hidden name
SELECT E'a'
'x\'' || pg_sleep(20)::text || 'b'

-- refused: hidden name
SELECT E'\'' || pg_sleep(20) || ''

-- refused: hidden name
SELECT '\', pg_sleep(20), '\'

-- refused: hidden name
SELECT $a$ x $a$, pg_sleep(20)

-- refused: hidden name
SELECT $$ ' $$, pg_sleep(20), $$ ' $$

-- refused: hidden name
SELECT $×$ ' $×$, pg_sleep(20), $×$ ' $×$

-- refused: hidden name
SELECT $«NBSP»$ ' $«NBSP»$, pg_sleep(20), $«NBSP»$ ' $«NBSP»$

-- refused: hidden name
SELECT '/*', pg_sleep(20), '*/'

-- refused: hidden name
SELECT /* /* */ '*/', pg_sleep(20) --' */ pg_sleep(20)

-- refused: hidden name
SELECT 1 --«CR», pg_sleep(20)

-- refused: hidden name
SELECT "a""", pg_sleep(20), """b"

-- refused: hidden name
SELECT 1 AS x$a$, pg_sleep(20), 1 AS y$a$

-- refused: hidden name
SELECT {# , pg_sleep(20), #} 1

-- refused: hidden name
SELECT 1 {% , pg_sleep(20) %}

-- refused: hidden name
SELECT pg_sl«ZWSP»eep(20)

-- refused: hidden name
SELECT«NBSP»pg_sleep(20)

-- refused: hidden name
«BOM»SELECT pg_sleep(20)

-- refused: hidden name
SELECT рg_sleep(20)

-- refused: hidden name
SELECT ｐｇ＿ｓｌｅｅｐ(20)

-- refused: hidden name
SELECT 1«NUL», pg_sleep(20)

-- refused: hidden name
SELECT B'1', pg_sleep(20), X'1F'

-- refused: hidden name
SELECT N'\', pg_sleep(20), '\'

-- refused: lock
SELECT * FROM t FOR UPDATE

-- refused: lock
SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED

-- refused: lock
SELECT * FROM t FOR SHARE NOWAIT

-- refused: lock
SELECT * FROM t FOR KEY SHARE OF t

-- refused: lock
SELECT * FROM (SELECT * FROM t FOR UPDATE) AS s

-- refused: lock
WITH x AS (SELECT * FROM t FOR UPDATE) SELECT * FROM x

-- refused: lock
LOCK TABLE t IN ACCESS EXCLUSIVE MODE

-- refused: lock
SELECT pg_advisory_lock(1)

-- refused: lock
SELECT pg_advisory_xact_lock(1, 2)

-- refused: lock
SELECT pg_try_advisory_lock(1)

-- refused: lock
SELECT pg_try_advisory_lock_shared(1)

-- refused: lock
SELECT pg_advisory_unlock_all()

-- refused: notice
NOTIFY danger

-- refused: notice
NOTIFY danger, 'x'

-- refused: notice
SELECT pg_notify('danger', 'x')

-- refused: notice
LISTEN danger

-- refused: notice
UNLISTEN *

-- refused: notice
SELECT pg_listening_channels()

-- refused: notice
SELECT pg_notification_queue_usage()

-- refused: setting
SET TRANSACTION READ WRITE

-- refused: setting
SET transaction_read_only = off

-- refused: setting
SET LOCAL statement_timeout = 0

-- refused: setting
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE

-- refused: setting
SET search_path = x

-- refused: setting
SET TIME ZONE 'UTC'

-- refused: setting
RESET ALL

-- refused: setting
SHOW ALL

-- refused: setting
SHOW data_directory

-- refused: setting
DISCARD ALL

-- refused: setting
SELECT set_config('transaction_read_only', 'off', false)

-- refused: setting
SELECT set_config('statement_timeout', '0', false), pg_sleep(20)

-- refused: setting
SELECT current_setting('data_directory')

-- refused: setting
SELECT current_setting('is_superuser', true)

-- refused: setting
SELECT name, setting FROM pg_settings

-- refused: setting
UPDATE pg_settings SET setting = 0

-- refused: transaction
BEGIN

-- refused: transaction
START TRANSACTION READ WRITE

-- refused: transaction
COMMIT

-- refused: transaction
COMMIT AND CHAIN

-- refused: transaction
END

-- refused: transaction
ROLLBACK

-- refused: transaction
ABORT

-- refused: transaction
SAVEPOINT s

-- refused: transaction
ROLLBACK TO SAVEPOINT s

-- refused: transaction
RELEASE s

-- refused: transaction
PREPARE TRANSACTION 'x'

-- refused: transaction
COMMIT PREPARED 'x'

-- refused: transaction
SET CONSTRAINTS ALL IMMEDIATE

-- refused: transaction
SELECT pg_export_snapshot()

-- refused: transaction
SELECT txid_current()

-- refused: transaction
SELECT pg_current_xact_id()

-- refused: code
DO $$ BEGIN PERFORM pg_sleep(20); END $$

-- refused: code
DO LANGUAGE plpgsql 'BEGIN DELETE FROM t; END'

-- refused: code
CALL writing()

-- refused: code
PREPARE p AS SELECT 1

-- refused: code
EXECUTE p

-- refused: code
DEALLOCATE ALL

-- refused: code
DECLARE c CURSOR FOR SELECT 1

-- refused: code
DECLARE c CURSOR WITH HOLD FOR SELECT pg_sleep(20)

-- refused: code
FETCH ALL FROM farm_result

-- refused: code
MOVE ALL IN farm_result

-- refused: code
CLOSE ALL

-- refused: code
EXPLAIN SELECT 1

-- refused: code
EXPLAIN ANALYZE SELECT 1

-- refused: code
EXPLAIN (ANALYZE) DELETE FROM t

-- refused: code
EXPLAIN ANALYZE CREATE TABLE u AS SELECT 1

-- refused: maintenance
VACUUM

-- refused: maintenance
VACUUM FULL t

-- refused: maintenance
ANALYZE

-- refused: maintenance
ANALYZE t (a)

-- refused: maintenance
REINDEX TABLE t

-- refused: maintenance
CLUSTER t

-- refused: text run as a query
SELECT query_to_xml('INSERT INTO t VALUES (9) RETURNING a', true, true, '')

-- refused: text run as a query
SELECT query_to_xml_and_xmlschema('SELECT pg_sleep(20)', true, true, '')

-- refused: text run as a query
SELECT query_to_xmlschema('SELECT pg_sleep(20)', true, true, '')

-- refused: text run as a query
SELECT cursor_to_xml('farm_result', 1, true, true, '')

-- refused: text run as a query
SELECT table_to_xml('pg_authid', true, true, '')

-- refused: text run as a query
SELECT schema_to_xml('public', true, true, '')

-- refused: text run as a query
SELECT database_to_xml(true, true, '')

-- refused: text run as a query
SELECT * FROM ts_stat('SELECT pg_sleep(20)::text::tsvector')

-- refused: text run as a query
SELECT ts_rewrite('a'::tsquery, 'SELECT pg_sleep(20)::text, 1')

-- refused: text run as a query
SELECT * FROM crosstab('SELECT pg_sleep(20)') AS c(a int)

-- refused: text run as a query
SELECT * FROM connectby('t', 'a', 'a', '1', 0) AS c(a int, b int, c int)

-- refused: text run as a query
SELECT xpath_table('a', 'b', 't', '/', 'pg_sleep(20) IS NULL')

-- refused: other sessions
SELECT pg_terminate_backend(pid) FROM pg_stat_activity

-- refused: other sessions
SELECT pg_cancel_backend(1)

-- refused: other sessions
SELECT usename, query FROM pg_stat_activity

-- refused: other sessions
SELECT * FROM pg_stat_get_activity(NULL)

-- refused: other sessions
SELECT * FROM pg_locks

-- refused: other sessions
SELECT pg_blocking_pids(1)

-- refused: other sessions
SELECT pg_log_backend_memory_contexts(1)

-- refused: other sessions
SELECT pg_isolation_test_session_is_blocked(1, '{}')

-- refused: server function
SELECT pg_reload_conf()

-- refused: server function
SELECT pg_rotate_logfile()

-- refused: server function
SELECT pg_switch_wal()

-- refused: server function
SELECT pg_create_restore_point('x')

-- refused: server function
SELECT pg_backup_start('x')

-- refused: server function
SELECT pg_promote()

-- refused: server function
SELECT pg_wal_replay_pause()

-- refused: server function
SELECT pg_create_physical_replication_slot('danger')

-- refused: server function
SELECT pg_create_logical_replication_slot('danger', 'test_decoding')

-- refused: server function
SELECT pg_drop_replication_slot('danger')

-- refused: server function
SELECT pg_logical_slot_get_changes('danger', NULL, NULL)

-- refused: server function
SELECT pg_logical_emit_message(false, 'a', 'b')

-- refused: server function
SELECT pg_stat_reset()

-- refused: server function
SELECT pg_stat_reset_shared('wal')

-- refused: server function
SELECT pg_stat_clear_snapshot()

-- refused: server function
SELECT pg_import_system_collations('public')

-- refused: server function
SELECT pg_extension_config_dump('t', '')

-- refused: server function
SELECT pg_prewarm('t')

-- refused: server function
SELECT binary_upgrade_set_next_pg_type_oid(1)

-- refused: server function
SELECT brin_summarize_new_values('t')

-- refused: server function
SELECT gin_clean_pending_list('t')

-- refused: server function
SELECT pg_replication_origin_create('danger')

-- refused: server function
SELECT pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')

-- refused: secret
SELECT usename, passwd FROM pg_shadow

-- refused: secret
SELECT * FROM pg_catalog.pg_authid

-- refused: secret
SELECT * FROM "pg_authid"

-- refused: secret
TABLE pg_authid

-- refused: secret
SELECT (SELECT rolpassword FROM pg_authid LIMIT 1)

-- refused: secret
SELECT * FROM pg_user_mappings

-- refused: secret
SELECT * FROM pg_user_mapping

-- refused: secret
SELECT * FROM information_schema.user_mapping_options

-- refused: secret
SELECT * FROM information_schema.foreign_server_options

-- refused: secret
SELECT srvoptions FROM pg_foreign_server

-- refused: secret
SELECT subconninfo FROM pg_subscription

-- refused: secret
SELECT * FROM pg_db_role_setting

-- refused: secret
SELECT * FROM pg_stats

-- refused: secret
SELECT * FROM pg_statistic

-- refused: secret
SELECT prosrc FROM pg_proc

-- refused: secret
SELECT * FROM pg_stat_ssl

-- refused: secret
SELECT * FROM pg_roles

-- refused: secret
SELECT * FROM pg_prepared_statements

-- refused: secret
SELECT * FROM pg_cursors

-- refused: secret
SELECT * FROM pg_shmem_allocations

-- refused: secret
SELECT pg_get_functiondef('writes'::regproc)

-- refused: secret
SELECT inet_server_addr(), inet_server_port()

-- refused: secret
SELECT pg_postmaster_start_time()

-- refused: several statements
SELECT 1; SELECT 2

-- refused: several statements
SELECT 1; DROP TABLE t

-- refused: several statements
SELECT 1;;;DELETE FROM t

-- refused: several statements
SELECT 1;--
DELETE FROM t

-- refused: several statements
SELECT 1 /* fine */; /* */ UPDATE t SET a = 1 --

-- refused: several statements
COMMIT; INSERT INTO t VALUES (9)

-- refused: several statements
SELECT 1; COMMIT; INSERT INTO t VALUES (9)

-- refused: several statements
SET transaction_read_only = off; INSERT INTO t VALUES (9)

-- refused: several statements
SELECT 1«CR»;«CR»DELETE FROM t

-- refused: several statements
SELECT ';'; DELETE FROM t

-- refused: several statements
SELECT $$;$$; DELETE FROM t

-- refused: several statements
SELECT 1; ROLLBACK; CREATE ROLE danger SUPERUSER LOGIN

-- refused: several statements
SELECT 1) TO STDOUT; DROP TABLE t; --

-- refused: parameter
SELECT $1

-- refused: parameter
SELECT * FROM t WHERE a = $2

-- refused: function of the database
SELECT writes()

-- refused: function of the database
SELECT public.writes()

-- refused: function of the database
SELECT * FROM writes()

-- refused: function of the database
SELECT definer()

-- refused: function of the database
SELECT loudest(a) FROM t

-- refused: function of the database
SELECT loud(t) FROM t

-- refused: deep
SELECT «10000 parentheses»

-- refused: deep
SELECT «10000 NOTs» true

-- refused: deep
SELECT «30000 columns»

-- trapped: function of a row
SELECT t.loud FROM t

-- trapped: function of a row
SELECT (t).loud FROM t

-- trapped: function of a row
SELECT (x.t).loud FROM (SELECT t FROM t) AS x

-- trapped: function of a row
SELECT t."loud" FROM t

-- trapped: function of a row
SELECT a FROM t LIMIT (SELECT t.loud FROM t LIMIT 1)

-- trapped: function of a row
SELECT (ROW(1)::t).loud

-- trapped: view
SELECT * FROM loud_view

-- trapped: view
SELECT a FROM loud_view WHERE a > 0

-- trapped: view
SELECT count(*) FROM (SELECT * FROM loud_view_of_view) AS x

-- trapped: view
SELECT * FROM sleeping_view

-- trapped: view
SELECT * FROM locking_view

-- trapped: operator
SELECT 1 === 1

-- trapped: operator
SELECT a FROM t WHERE a === a

-- trapped: operator
SELECT 1 OPERATOR(public.===) 1

-- trapped: operator
SELECT === 1

-- trapped: operator
SELECT a FROM t WHERE 1 === ANY (ARRAY[a])

-- trapped: cast
SELECT 1::loud_type

-- trapped: cast
SELECT CAST(a AS loud_type) FROM t

-- trapped: cast
SELECT CAST(a AS public."loud_type") FROM t

-- trapped: domain
SELECT 1::loud_domain

-- trapped: domain
SELECT loud_domain '1'

-- trapped: domain
SELECT CAST(a AS loud_domain) FROM t

-- trapped: domain
SELECT a::public.sleeping_domain FROM t

-- trapped: domain
SELECT '{1}'::loud_domain[]

-- trapped: aggregate
SELECT loud_sum(a) FROM t

-- trapped: aggregate
SELECT loud_sum(a) OVER () FROM t

-- trapped: name of a known function
SELECT initcap(1)

-- trapped: policy
SELECT * FROM guarded

-- limited: a comment elsewhere, a statement in another engine
SELECT 1 /*!50000 , pg_sleep(20) */

-- limited: a comment elsewhere, a statement in another engine
SELECT 1 /*+ , pg_sleep(20) */

-- limited: words of a string or a name
SELECT 'x''; DROP TABLE t; --'

-- limited: words of a string or a name
SELECT 1 AS "; DROP TABLE t; --"

-- limited: words of a string or a name
SELECT $a$ pg_sleep(20); $a$

-- limited: words of a string or a name
SELECT E'\'; SELECT pg_sleep(20); --'

-- limited: called stable and yet more
SELECT liar_sleeps()

-- limited: called stable and yet more
SELECT liar_writes()

-- limited: called stable and yet more
SELECT liar_locks()

-- limited: called stable and yet more
SELECT liar_counts()

-- limited: called stable and yet more
SELECT liar_notifies()

-- limited: called stable and yet more
SELECT liar_lifts_limits()

-- limited: called stable and yet more
SELECT definer_writes()

-- limited: what is no secret
SELECT version(), current_user

-- limited: what is no secret
SELECT table_name FROM information_schema.tables

-- limited: what is no secret
SELECT relname FROM pg_class

-- limited: external entity
SELECT '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'::xml

-- limited: external entity
SELECT xpath('/a/text()', '<!DOCTYPE a [<!ENTITY b SYSTEM "http://127.0.0.1:«port»/">]><a>&b;</a>')

-- limited: entities of entities
SELECT '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><a>&d;&d;</a>'::xml

-- limited: endless
WITH RECURSIVE n(i) AS (SELECT 1::numeric UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n

-- limited: endless
WITH RECURSIVE n(i) AS (SELECT 1::numeric UNION ALL SELECT i + 1 FROM n) SELECT i FROM n

-- limited: endless
WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT (i * 3) % 999999937 FROM n) SELECT max(i) FROM n

-- limited: endless
SELECT count(*) FROM generate_series(1, 1e12)

-- limited: endless
SELECT count(*) FROM generate_series(1, 1e12) AS a, generate_series(1, 1e12) AS b

-- limited: endless
SELECT g FROM generate_series(1, 1e12) AS g

-- limited: endless
SELECT generate_series(now(), 'infinity', '1 second')

-- limited: endless
SELECT * FROM t AS a, LATERAL generate_series(1, 1e11) AS b ORDER BY b DESC

-- limited: endless, sorting
SELECT g FROM generate_series(1, 1e12) AS g ORDER BY md5(g::text)

-- limited: endless, sorting
SELECT DISTINCT md5(g::text) FROM generate_series(1, 1e12) AS g

-- limited: endless, sorting
SELECT md5(g::text), count(*) FROM generate_series(1, 1e12) AS g GROUP BY 1

-- limited: endless, sorting
SELECT sum(g) OVER (ORDER BY -g) FROM generate_series(1, 1e12) AS g

-- limited: endless value
SELECT array_agg(g) FROM generate_series(1, 1e12) AS g

-- limited: endless value
SELECT length(string_agg(md5(g::text), '')) FROM generate_series(1, 1e12) AS g

-- limited: endless value
SELECT jsonb_agg(g) FROM generate_series(1, 1e12) AS g

-- limited: endless value
SELECT json_object_agg(g, g) FROM generate_series(1, 1e12) AS g

-- limited: large value
SELECT repeat('x', 1000000000)

-- limited: large value
SELECT repeat('x', 1100000000)

-- limited: large value
SELECT length(repeat(repeat('x', 1000000), 1000))

-- limited: large value
SELECT lpad('x', 1000000000)

-- limited: large value
SELECT rpad('x', 500000000) FROM generate_series(1, 10)

-- limited: large value
SELECT format('%1000000000s', 1)

-- limited: large value
SELECT array_fill(1, ARRAY[200000000])

-- limited: large value
SELECT repeat('x', 10000000) FROM generate_series(1, 1000000)

-- limited: large value
SELECT encode(repeat('x', 400000000)::bytea, 'hex')

-- limited: large value
SELECT replace(repeat('x', 20000), 'x', repeat('y', 50000))

-- limited: large value
SELECT string_to_array(repeat('1,', 20000000), ',')

-- limited: large value
SELECT repeat('a', 200000000)::tsvector

-- limited: large value
SELECT 10::numeric ^ 131071

-- limited: large value
SELECT factorial(100000)

-- limited: large value
SELECT to_char(1, repeat('9', 1000000))

-- limited: slow pattern
SELECT repeat('a', 100000) ~ '(a*)*(a*)*(a*)*(a*)*b'

-- limited: slow pattern
SELECT regexp_replace(repeat('a', 1000000), '((a{1,100}){1,100}){1,100}b', '')

-- limited: slow pattern
SELECT regexp_matches(repeat('ab', 200000), '((a|b)*?(b|a)*?)+$', 'g')

-- limited: slow pattern
SELECT repeat('ab', 1000000) LIKE repeat('%a_', 5000) || 'c'

-- limited: slow pattern
SELECT repeat('a', 50000) SIMILAR TO '((a|aa)+)+b'

-- limited: deep document
SELECT (repeat('[', 100000) || repeat(']', 100000))::json

-- limited: deep document
SELECT (repeat('{"a":', 5000) || '1' || repeat('}', 5000))::jsonb

-- limited: deep document
SELECT jsonb_path_query('[1]', '$.**.**.**.**')

-- limited: deep document
SELECT (repeat('{', 100) || '1' || repeat('}', 100))::int[]

-- limited: join without a condition
SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b, generate_series(1, 100000) AS c

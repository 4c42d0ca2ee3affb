-- What generated SQL could try on a MySQL or MariaDB target, as one who may do everything. A paragraph is one
-- statement; its first line says what has to become of it, and of what kind it is:
--   refused   by the checks, and by the target layer alone
--   trapped   reaches a function of the database through a view: refused by the target layer
--   limited   it may pass the checks; on the target it ends in time and in bounds, with an error or with rows
-- «folder» is a folder that the server may write to; «NUL», «CR», «ZWSP», «NBSP», «BOM» and «RLO» are those
-- characters. What the statements name is made in tests/support/mysql_traps.py; «shop» is the
-- database itself, «other» another one.

-- refused: write
INSERT INTO t VALUES (9)

-- refused: write
INSERT t SELECT 9

-- refused: write
INSERT INTO t SET a = 9

-- refused: write
INSERT IGNORE INTO t VALUES (9) ON DUPLICATE KEY UPDATE a = 1

-- refused: write
INSERT INTO t VALUES (9) RETURNING a

-- refused: write
INSERT DELAYED INTO t VALUES (9)

-- refused: write
UPDATE t SET a = 9

-- refused: write
UPDATE LOW_PRIORITY IGNORE t, c SET t.a = c.x

-- refused: write
DELETE FROM t

-- refused: write
DELETE QUICK t FROM t JOIN c ON t.a = c.x

-- refused: write
DELETE FROM t RETURNING a

-- refused: write
REPLACE INTO t VALUES (9)

-- refused: write
TRUNCATE t

-- refused: write
TRUNCATE TABLE «shop».t

-- refused: write
LOAD DATA INFILE '«folder»/in.csv' INTO TABLE t

-- refused: write
LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t

-- refused: write
LOAD XML INFILE '«folder»/in.xml' INTO TABLE t

-- refused: write behind a CTE
WITH x AS (SELECT 9 AS a) INSERT INTO t SELECT a FROM x

-- refused: write behind a CTE
WITH x AS (SELECT 1 AS a) DELETE FROM t WHERE a IN (SELECT a FROM x)

-- refused: write behind a CTE
WITH x AS (SELECT 1 AS a) UPDATE t SET a = 9 WHERE a IN (SELECT a FROM x)

-- refused: write behind a CTE
WITH x AS (SELECT 1 AS a) REPLACE INTO t SELECT a FROM x

-- refused: write in a subquery
SELECT * FROM (DELETE FROM t RETURNING a) AS x

-- refused: write in a subquery
WITH x AS (INSERT INTO t VALUES (9) RETURNING a) SELECT * FROM x

-- refused: new table
CREATE TABLE u AS SELECT 1

-- refused: new table
CREATE TABLE u (a int)

-- refused: new table
CREATE TEMPORARY TABLE u AS SELECT 1

-- refused: new table
CREATE OR REPLACE TABLE t (a int)

-- refused: new table
CREATE TABLE u LIKE t

-- refused: new table
CREATE VIEW u AS SELECT 1

-- refused: new table
CREATE SEQUENCE u

-- refused: new table
SELECT 1 INTO u

-- refused: new table
SELECT a INTO TABLE u FROM t

-- refused: definition
DROP TABLE t

-- refused: definition
DROP VIEW paid

-- refused: definition
DROP DATABASE «shop»

-- refused: definition
ALTER TABLE t ADD COLUMN b int

-- refused: definition
ALTER TABLE t ENGINE = MyISAM

-- refused: definition
RENAME TABLE t TO u

-- refused: definition
CREATE INDEX i ON t (a)

-- refused: definition
DROP INDEX i ON t

-- refused: definition
CREATE DATABASE u

-- refused: definition
CREATE PROCEDURE p() SELECT 1

-- refused: definition
CREATE FUNCTION f() RETURNS int RETURN 1

-- refused: definition
CREATE FUNCTION sys_exec RETURNS int SONAME 'lib_mysqludf_sys.so'

-- refused: definition
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1

-- refused: definition
CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO DELETE FROM t

-- refused: definition
CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1')

-- refused: definition
ALTER DATABASE «shop» CHARACTER SET latin1

-- refused: definition
COMMENT ON TABLE t IS 'x'

-- refused: file
SELECT a FROM t INTO OUTFILE '«folder»/out'

-- refused: file
SELECT a INTO OUTFILE '«folder»/out' FROM t

-- refused: file
SELECT 'x' INTO DUMPFILE '«folder»/dump'

-- refused: file
(SELECT a FROM t) INTO OUTFILE '«folder»/out'

-- refused: file
SELECT 1 UNION SELECT 2 INTO OUTFILE '«folder»/out'

-- refused: file
SELECT a FROM t INTO/**/OUTFILE '«folder»/out'

-- refused: file
SELECT a FROM t iNtO oUtFiLe '«folder»/out' FIELDS TERMINATED BY ','

-- refused: file
VALUES (1) INTO OUTFILE '«folder»/out'

-- refused: file
TABLE t INTO OUTFILE '«folder»/out'

-- refused: file
SELECT * FROM (SELECT a FROM t INTO OUTFILE '«folder»/out') AS x

-- refused: file
WITH x AS (SELECT 1 AS a) SELECT a FROM x INTO OUTFILE '«folder»/out'

-- refused: file
SELECT a FROM t INTO DUMPFILE 0x2f746d702f78

-- refused: file
SELECT load_file('/etc/passwd')

-- refused: file
SELECT LOAD_FILE(0x2f6574632f706173737764)

-- refused: file
SELECT `load_file`('/etc/passwd')

-- refused: file
SELECT hex(load_file(concat('/etc', '/passwd'))) FROM t

-- refused: file
SELECT load_file/**/('/etc/passwd')

-- refused: file
SELECT a FROM t WHERE a = (SELECT length(load_file('/etc/hosts')))

-- refused: file
SELECT extractvalue(1, concat(0x7e, load_file('/etc/passwd')))

-- refused: sleep
SELECT sleep(5)

-- refused: sleep
SELECT SLEEP (5)

-- refused: sleep
SELECT `sleep`(5)

-- refused: sleep
SELECT `SLEEP` /* x */ (5)

-- refused: sleep
SELECT sleep -- x
(5)

-- refused: sleep
SELECT sleep#
(5)

-- refused: sleep
SELECT a FROM t WHERE sleep(5)

-- refused: sleep
SELECT a FROM t WHERE a = 1 AND (SELECT sleep(5))

-- refused: sleep
SELECT a FROM t ORDER BY sleep(5)

-- refused: sleep
SELECT a FROM t GROUP BY a HAVING sleep(5)

-- refused: sleep
SELECT if(a = 1, sleep(5), 0) FROM t

-- refused: sleep
SELECT CASE WHEN a = 1 THEN sleep(5) END FROM t

-- refused: sleep
SELECT * FROM (SELECT sleep(5)) AS x

-- refused: sleep
SELECT * FROM t JOIN (SELECT sleep(5) AS s) AS x ON true

-- refused: sleep
WITH x AS (SELECT sleep(5)) SELECT * FROM x

-- refused: sleep
SELECT 1 UNION SELECT sleep(5)

-- refused: sleep
SELECT count(*) FROM t WHERE a IN (SELECT sleep(5))

-- refused: sleep
SELECT benchmark(1000000000, md5('x'))

-- refused: sleep
SELECT BENCHMARK(1e9, (SELECT count(*) FROM c))

-- refused: sleep
SELECT `benchmark`(1000000000, sha2('x', 512))

-- refused: sleep
SELECT max(sleep(5)) FROM t

-- refused: sleep
SELECT sleep(5) OVER () FROM t

-- refused: sleep
SELECT master_pos_wait('x', 1, 5)

-- refused: sleep
SELECT master_gtid_wait('0-1-1', 5)

-- refused: sleep
SELECT source_pos_wait('x', 1, 5)

-- refused: sleep
SELECT wait_for_executed_gtid_set('x', 5)

-- refused: sleep
SELECT wait_until_sql_thread_after_gtids('x', 5)

-- refused: sleep
SELECT wsrep_sync_wait_upto_gtid('0-1-1', 5)

-- refused: lock
SELECT get_lock('danger', 1)

-- refused: lock
SELECT `get_lock`('danger', 1)

-- refused: lock
SELECT release_lock('danger')

-- refused: lock
SELECT release_all_locks()

-- refused: lock
SELECT is_free_lock('danger')

-- refused: lock
SELECT is_used_lock('danger')

-- refused: lock
SELECT service_get_write_locks('a', 'b', 1)

-- refused: lock
SELECT a FROM t FOR UPDATE

-- refused: lock
SELECT a FROM t FOR UPDATE NOWAIT

-- refused: lock
SELECT a FROM t FOR UPDATE SKIP LOCKED

-- refused: lock
SELECT a FROM t LOCK IN SHARE MODE

-- refused: lock
SELECT a FROM t FOR SHARE

-- refused: lock
SELECT a FROM t FOR SHARE OF t

-- refused: lock
SELECT * FROM (SELECT a FROM t FOR UPDATE) AS x

-- refused: lock
SELECT a FROM t WHERE a IN (SELECT x FROM c FOR UPDATE)

-- refused: lock
LOCK TABLES t WRITE

-- refused: lock
LOCK INSTANCE FOR BACKUP

-- refused: lock
UNLOCK TABLES

-- refused: lock
FLUSH TABLES WITH READ LOCK

-- refused: lock
BACKUP STAGE START

-- refused: lock
HANDLER t OPEN

-- refused: sequence
SELECT NEXT VALUE FOR s

-- refused: sequence
SELECT nextval(s)

-- refused: sequence
SELECT `nextval`(s)

-- refused: sequence
SELECT setval(s, 99)

-- refused: sequence
SELECT lastval(s)

-- refused: sequence
SELECT PREVIOUS VALUE FOR s

-- refused: sequence
SELECT a + NEXT VALUE FOR s FROM t

-- refused: sequence
SELECT last_insert_id(9)

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
SELECT ";"; DELETE FROM t

-- refused: several statements
SELECT 1 AS `;`; DELETE FROM t

-- refused: several statements
SELECT '\''; DELETE FROM t; -- '

-- refused: several statements
SELECT '\\'; DELETE FROM t

-- refused: several statements
BEGIN NOT ATOMIC DELETE FROM t; END

-- refused: several statements
DELIMITER //
SELECT 1//

-- refused: comment that runs
SELECT 1 /*! INTO OUTFILE '«folder»/out' */

-- refused: comment that runs
SELECT a FROM t /*!50000 FOR UPDATE */

-- refused: comment that runs
SELECT 1 /*!, sleep(5) */

-- refused: comment that runs
SELECT 1 /*M!100000 , sleep(5) */

-- refused: comment that runs
SELECT 1 /*!99999 , sleep(5) */

-- refused: comment that runs
SELECT /*!50000 sleep(5) */

-- refused: comment that runs
/*! DELETE FROM t */

-- refused: comment that runs
SELECT 1 /*!; DELETE FROM t */

-- refused: comment that runs
SELECT a FROM t WHERE 1 /*!OR sleep(5)*/

-- refused: comment that runs
SELECT /*+ MAX_EXECUTION_TIME(0) */ a FROM t

-- refused: comment that runs
SELECT /*+ SET_VAR(sql_mode = '') */ a FROM t

-- refused: comment that runs
SELECT /*+ SET_VAR(max_execution_time = 0) */ a FROM t

-- refused: hidden name
SELECT 1 --(sleep(5))

-- refused: hidden name
SELECT 'a' 'b', sleep(5)

-- refused: hidden name
SELECT 'a\', sleep(5), 'b'

-- refused: hidden name
SELECT "a\", sleep(5), "b"

-- refused: hidden name
SELECT 'it''s', sleep(5)

-- refused: hidden name
SELECT `a``b`, sleep(5) FROM (SELECT 1 AS `a``b`) AS x

-- refused: hidden name
SELECT x'41', sleep(5)

-- refused: hidden name
SELECT _utf8mb4'a', sleep(5)

-- refused: hidden name
SELECT N'a', sleep(5)

-- refused: hidden name
SELECT 1 /* /* */, sleep(5)

-- refused: hidden name
SELECT 1 -- \
, sleep(5)

-- refused: hidden name
SELECT 1 # '
, sleep(5) # '

-- refused: hidden name
SELECT sleep«NBSP»(5)

-- refused: hidden name
SELECT«ZWSP» sleep(5)

-- refused: hidden name
SELECT 1«NUL», sleep(5)

-- refused: hidden name
SELECT 1«BOM», sleep(5)

-- refused: hidden name
SELECT «RLO»sleep(5)

-- refused: hidden name
SELECT {fn sleep(5)}

-- refused: hidden name
SELECT * FROM {oj t LEFT JOIN c ON sleep(5)}

-- refused: hidden name
SELECT «shop».sleep(5)

-- refused: hidden name
SELECT `mysql`.`sleep`(5)

-- refused: hidden name
SELECT \N, sleep(5)

-- refused: function of the database
SELECT loud()

-- refused: function of the database
SELECT `loud`()

-- refused: function of the database
SELECT «shop».loud()

-- refused: function of the database
SELECT sleeping()

-- refused: function of the database
SELECT sleeping() FROM t

-- refused: function of the database
SELECT locking()

-- refused: function of the database
SELECT a FROM t WHERE loud() = a

-- refused: function of the database
SELECT writes()

-- refused: function of the database
CALL writing()

-- refused: function of the database
CALL «shop».writing()

-- refused: function of the database
DO sleep(5)

-- refused: function of the database
DO loud()

-- refused: function of the database
EXECUTE IMMEDIATE 'DELETE FROM t'

-- refused: function of the database
PREPARE p FROM 'DELETE FROM t'

-- refused: function of the database
EXECUTE p

-- refused: function of the database
DEALLOCATE PREPARE p

-- refused: variable
SELECT @a := 5

-- refused: variable
SELECT a, @n := @n + 1 FROM t

-- refused: variable
SELECT 1 INTO @a

-- refused: variable
SELECT a INTO @a FROM t LIMIT 1

-- refused: variable
SELECT @@datadir

-- refused: variable
SELECT @@GLOBAL.secure_file_priv

-- refused: variable
SELECT @@`basedir`

-- refused: variable
SELECT @@hostname, @@version_compile_os

-- refused: variable
SELECT @a

-- refused: variable
SELECT @`a b`

-- refused: variable
SET @a = 1

-- refused: variable
SET GLOBAL general_log = 1

-- refused: variable
SET SESSION max_statement_time = 0

-- refused: variable
SET PASSWORD = 'x'

-- refused: variable
SET sql_mode = ''

-- refused: variable
SET TRANSACTION READ WRITE

-- refused: variable
SET STATEMENT max_statement_time = 0 FOR SELECT sleep(5)

-- refused: variable
SET ROLE admin

-- refused: variable
SET NAMES latin1

-- refused: variable
SET CHARACTER SET latin1

-- refused: variable
SET DEFAULT ROLE ALL TO root

-- refused: secret
SELECT * FROM mysql.user

-- refused: secret
SELECT * FROM `mysql`.`user`

-- refused: secret
SELECT user, password FROM mysql . user

-- refused: secret
SELECT * FROM mysql.global_priv

-- refused: secret
SELECT * FROM mysql.proc

-- refused: secret
SELECT * FROM mysql.general_log

-- refused: secret
SELECT * FROM mysql.servers

-- refused: secret
SELECT * FROM t, mysql.user

-- refused: secret
SELECT * FROM t JOIN mysql.db ON true

-- refused: secret
SELECT * FROM (SELECT * FROM mysql.user) AS x

-- refused: secret
SELECT (SELECT authentication_string FROM mysql.user LIMIT 1)

-- refused: secret
SELECT a FROM t WHERE a IN (SELECT 1 FROM mysql.user)

-- refused: secret
SELECT a FROM t UNION SELECT user FROM mysql.user

-- refused: secret
SELECT a FROM t UNION (SELECT host FROM mysql.user)

-- refused: secret
WITH x AS (SELECT * FROM mysql.user) SELECT * FROM x

-- refused: secret
SELECT * FROM MYSQL.USER

-- refused: secret
TABLE mysql.user

-- refused: secret
SELECT * FROM performance_schema.threads

-- refused: secret
SELECT * FROM performance_schema.session_variables

-- refused: secret
SELECT * FROM sys.session

-- refused: secret
SELECT * FROM sys.host_summary

-- refused: secret
SELECT * FROM information_schema.processlist

-- refused: secret
SELECT * FROM INFORMATION_SCHEMA.PROCESSLIST

-- refused: secret
SELECT * FROM information_schema.`PROCESSLIST`

-- refused: secret
SELECT * FROM information_schema.user_privileges

-- refused: secret
SELECT * FROM information_schema.global_variables

-- refused: secret
SELECT * FROM information_schema.session_variables

-- refused: secret
SELECT * FROM information_schema.system_variables

-- refused: secret
SELECT * FROM information_schema.global_status

-- refused: secret
SELECT * FROM information_schema.innodb_trx

-- refused: secret
SELECT * FROM information_schema.innodb_buffer_page

-- refused: secret
SELECT * FROM information_schema.plugins

-- refused: secret
SELECT * FROM information_schema.user_statistics

-- refused: secret
SELECT * FROM information_schema.applicable_roles

-- refused: secret
SELECT * FROM information_schema.files

-- refused: secret
SELECT * FROM information_schema.routines

-- refused: secret
SELECT * FROM information_schema.events

-- refused: secret
SELECT * FROM information_schema.triggers

-- refused: secret
SELECT * FROM «other».salaries

-- refused: secret
SELECT * FROM t, «other».salaries

-- refused: secret
SELECT * FROM t LEFT JOIN (`«other»`.salaries AS s) ON true

-- refused: secret
SELECT STRAIGHT_JOIN * FROM t STRAIGHT_JOIN «other».salaries

-- refused: show
SHOW TABLES

-- refused: show
SHOW GRANTS

-- refused: show
SHOW VARIABLES

-- refused: show
SHOW GLOBAL STATUS

-- refused: show
SHOW PROCESSLIST

-- refused: show
SHOW CREATE TABLE t

-- refused: show
SHOW CREATE USER root@localhost

-- refused: show
SHOW BINARY LOGS

-- refused: show
SHOW MASTER STATUS

-- refused: show
SHOW ENGINE INNODB STATUS

-- refused: show
DESCRIBE t

-- refused: show
DESC t

-- refused: show
EXPLAIN SELECT * FROM t

-- refused: show
EXPLAIN DELETE FROM t

-- refused: show
ANALYZE SELECT sleep(5)

-- refused: show
ANALYZE FORMAT=JSON DELETE FROM t

-- refused: show
HELP 'select'

-- refused: roles and rights
GRANT ALL ON *.* TO mallory

-- refused: roles and rights
REVOKE ALL ON *.* FROM root@localhost

-- refused: roles and rights
CREATE USER mallory

-- refused: roles and rights
DROP USER root@localhost

-- refused: roles and rights
ALTER USER root@localhost IDENTIFIED BY 'x'

-- refused: roles and rights
RENAME USER root@localhost TO mallory

-- refused: roles and rights
CREATE ROLE danger

-- refused: roles and rights
SET PASSWORD FOR root@localhost = PASSWORD('x')

-- refused: server
SHUTDOWN

-- refused: server
RESTART

-- refused: server
KILL 1

-- refused: server
KILL QUERY 1

-- refused: server
FLUSH PRIVILEGES

-- refused: server
FLUSH LOGS

-- refused: server
FLUSH STATUS

-- refused: server
RESET MASTER

-- refused: server
RESET QUERY CACHE

-- refused: server
PURGE BINARY LOGS BEFORE now()

-- refused: server
INSTALL PLUGIN x SONAME 'x.so'

-- refused: server
INSTALL SONAME 'ha_connect'

-- refused: server
UNINSTALL PLUGIN x

-- refused: server
CHANGE MASTER TO MASTER_HOST = '127.0.0.1'

-- refused: server
START SLAVE

-- refused: server
STOP SLAVE

-- refused: server
BINLOG 'x'

-- refused: server
CACHE INDEX t IN c

-- refused: server
OPTIMIZE TABLE t

-- refused: server
REPAIR TABLE t

-- refused: server
CHECK TABLE t

-- refused: server
CHECKSUM TABLE t

-- refused: server
ANALYZE TABLE t

-- refused: server
USE mysql

-- refused: server
IMPORT TABLE FROM '«folder»/x.sdi'

-- refused: server
CLONE LOCAL DATA DIRECTORY = '«folder»/clone'

-- refused: transaction
BEGIN

-- refused: transaction
START TRANSACTION

-- refused: transaction
START TRANSACTION READ WRITE

-- refused: transaction
COMMIT

-- refused: transaction
ROLLBACK

-- refused: transaction
SAVEPOINT a

-- refused: transaction
ROLLBACK TO a

-- refused: transaction
RELEASE SAVEPOINT a

-- refused: transaction
XA START 'x'

-- refused: transaction
XA RECOVER

-- limited: what is no secret
SELECT connection_id()

-- limited: what is no secret
SELECT uuid_short()

-- limited: what is no secret
SELECT version(), database(), user(), current_user

-- limited: what is no secret
SELECT table_name FROM information_schema.tables

-- refused: about the server
SELECT found_rows()

-- refused: about the server
SELECT row_count()

-- refused: about the server
SELECT system_user()

-- refused: about the server
SELECT name_const('a', sleep(5))

-- refused: about the server
SELECT wsrep_last_written_gtid()

-- refused: about the server
SELECT ps_thread_id(1)

-- refused: about the server
SELECT ps_current_thread_id()

-- refused: about the server
SELECT encode('a', 'b'), des_encrypt('a')

-- refused: about the server
SELECT spider_direct_sql('DELETE FROM t', 'x', 'y')

-- refused: about the server
SELECT spider_bg_direct_sql('DELETE FROM t', 'x', 'y')

-- refused: about the server
SELECT sys_exec('touch «folder»/sys')

-- refused: about the server
SELECT sys_eval('id')

-- refused: about the server
SELECT load_defaults()

-- refused: about the server
SELECT a FROM t PROCEDURE ANALYSE()

-- refused: about the server
SELECT a FROM t PROCEDURE ANALYSE(10, 2000)

-- refused: parameter
SELECT ?

-- refused: parameter
SELECT a FROM t WHERE a = ?

-- refused: parameter
SELECT :name

-- refused: parameter
SELECT a FROM t LIMIT ?

-- trapped: view
SELECT * FROM loud_view

-- trapped: view
SELECT a FROM `loud_view`

-- trapped: view
SELECT * FROM LOUD_VIEW_OF_VIEW

-- trapped: view
SELECT * FROM «shop».loud_view

-- trapped: view
SELECT * FROM t JOIN sleeping_view ON true

-- trapped: view
SELECT * FROM sleeping_view

-- trapped: view
SELECT * FROM locking_view

-- trapped: view
SELECT count(*) FROM (SELECT 1 FROM locking_view) AS x

-- trapped: name of a known function
SELECT mid (a, 1) FROM t

-- trapped: name of a known function
SELECT mid/**/(a, 1) FROM t

-- trapped: name of a known function
SELECT `mid`(a, 1) FROM t

-- limited: deep
SELECT «10000 parentheses»

-- limited: deep
SELECT «10000 NOTs» true

-- limited: endless
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n

-- limited: endless
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n

-- limited: endless
WITH RECURSIVE n AS (SELECT 'x' AS i UNION ALL SELECT concat(i, i) FROM n) SELECT * FROM n

-- limited: join without a condition
SELECT count(*) FROM c a, c b, c d, c e

-- limited: join without a condition
SELECT a.x FROM c a, c b, c d ORDER BY a.x + b.x

-- limited: join without a condition
SELECT DISTINCT a.x, b.x, d.x FROM c a, c b, c d

-- limited: join without a condition
SELECT sum(a.x * b.x) FROM c a CROSS JOIN c b CROSS JOIN c d CROSS JOIN c e CROSS JOIN c f

-- limited: large value
SELECT repeat('x', 1000000000)

-- limited: large value
SELECT space(1000000000)

-- limited: large value
SELECT rpad('x', 1000000000, 'y')

-- limited: large value
SELECT repeat('x', 10000000) FROM c

-- limited: large value
SELECT group_concat(repeat('x', 100000)) FROM c

-- limited: large value
SELECT json_arrayagg(repeat('x', 100000)) FROM c

-- limited: large value
SELECT compress(repeat('x', 10000000)) FROM c

-- limited: large value
SELECT md5(repeat('x', 1000000)) FROM c a, c b

-- limited: slow pattern
SELECT regexp_replace(repeat('a', 100000), '(a+)+$', 'b') FROM c

-- limited: slow pattern
SELECT repeat('a', 40) REGEXP '^(a+)+b$' FROM c

-- limited: slow pattern
SELECT repeat('a', 5000) LIKE repeat('%a', 500) FROM c

-- limited: slow pattern
SELECT max(soundex(repeat('abc', 100000))) FROM c

-- limited: words of a string or a name
SELECT 'INTO OUTFILE; DELETE FROM t /*! */ sleep(5) @a ?'

-- limited: words of a string or a name
SELECT a AS `sleep(5); DROP TABLE t` FROM t

-- limited: words of a string or a name
SELECT t.a /* INTO OUTFILE '/x'; DELETE FROM t */ FROM t -- sleep(5)

-- limited: words of a string or a name
SELECT 'DELETE' AS `delete`, 'x' AS `into`

-- limited: words of a string or a name
SELECT 1 -- «CR», sleep(5)

-- What generated SQL could try on a SQLite target. A paragraph is one statement; its first line says what has to
-- become of it, and of what kind it is:
--   refused   by the checks, and by the target layer alone
--   limited   it may pass the checks; on the target it ends in time and in bounds, with an error or with rows
-- «folder» is the database's own folder; «NUL», «CR», «ZWSP», «NBSP», «BOM» and «RLO» are those characters.

-- refused: write
INSERT INTO t VALUES (9)

-- refused: write
INSERT INTO t VALUES (9) RETURNING a

-- refused: write
INSERT INTO t DEFAULT VALUES

-- refused: write
INSERT INTO t SELECT 9 ON CONFLICT DO UPDATE SET a = 1

-- refused: write
UPDATE t SET a = 9

-- refused: write
UPDATE OR REPLACE t SET a = 9 WHERE a = 1 RETURNING a

-- refused: write
DELETE FROM t RETURNING a

-- refused: write
REPLACE INTO t VALUES (9)

-- refused: write behind a CTE
WITH x AS (SELECT 9) INSERT INTO t SELECT * FROM x

-- refused: write behind a CTE
WITH x AS (SELECT 1 AS a) DELETE FROM t WHERE a IN (SELECT a FROM x)

-- refused: write in a CTE
WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x

-- refused: write in a subquery
SELECT * FROM (INSERT INTO t VALUES (9) RETURNING a)

-- refused: write to the schema table
INSERT INTO sqlite_master VALUES ('table', 'u', 'u', 0, 'CREATE TABLE u (a)')

-- refused: write to the schema table
UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a, b)' WHERE name = 't'

-- refused: write to the schema table
DELETE FROM sqlite_master

-- refused: write to a sequence table
UPDATE sqlite_sequence SET seq = 0

-- refused: write through a virtual table
INSERT INTO docs(docs) VALUES ('rebuild')

-- refused: write through a virtual table
INSERT INTO docs(docs, rank) VALUES ('secure-delete', 1)

-- refused: write to a shadow table
UPDATE docs_data SET block = x'00'

-- refused: definition
DROP TABLE t

-- refused: definition
DROP TABLE IF EXISTS t

-- refused: definition
DROP VIEW paid

-- refused: definition
DROP INDEX t_a

-- refused: definition
ALTER TABLE t RENAME TO u

-- refused: definition
ALTER TABLE t ADD COLUMN b DEFAULT 1

-- refused: definition
ALTER TABLE t DROP COLUMN a

-- refused: definition
CREATE TABLE u (a)

-- refused: definition
CREATE TABLE u AS SELECT * FROM t

-- refused: definition
CREATE INDEX i ON t (a)

-- refused: definition
CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a) WHERE a > 1

-- refused: definition
CREATE VIEW w AS SELECT 1

-- refused: definition
CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; END

-- refused: temporary table
CREATE TEMP TABLE u AS SELECT 1

-- refused: temporary table
CREATE TEMP VIEW t AS SELECT 99 AS a

-- refused: temporary table
CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; END

-- refused: virtual table
CREATE VIRTUAL TABLE f USING fts5(body)

-- refused: virtual table
CREATE VIRTUAL TABLE temp.f USING csv(filename = '/etc/passwd')

-- refused: virtual table
CREATE VIRTUAL TABLE temp.d USING dbstat(main)

-- refused: attached file
ATTACH '«folder»/new.db' AS x

-- refused: attached file
ATTACH DATABASE '«folder»/new.db' AS x KEY 'k'

-- refused: attached file
ATTACH 'file:«folder»/new.db?mode=rwc' AS x

-- refused: attached file
ATTACH '' AS x

-- refused: attached file
ATTACH ':memory:' AS x

-- refused: attached file
SELECT 1 UNION SELECT 2; ATTACH '«folder»/new.db' AS x

-- refused: attached file
DETACH main

-- refused: written file
VACUUM INTO '«folder»/new.db'

-- refused: written file
VACUUM main INTO '«folder»/new.db'

-- refused: written file
/* SELECT */ VACUUM INTO '«folder»/new.db' -- SELECT

-- refused: written file
EXPLAIN VACUUM INTO '«folder»/new.db'

-- refused: maintenance
VACUUM

-- refused: maintenance
REINDEX

-- refused: maintenance
REINDEX t

-- refused: maintenance
ANALYZE

-- refused: maintenance
ANALYZE main.t

-- refused: transaction
BEGIN

-- refused: transaction
BEGIN EXCLUSIVE

-- refused: transaction
COMMIT

-- refused: transaction
ROLLBACK

-- refused: transaction
END TRANSACTION

-- refused: transaction
SAVEPOINT s

-- refused: transaction
RELEASE s

-- refused: setting
PRAGMA query_only = 0

-- refused: setting
PRAGMA writable_schema = 1

-- refused: setting
PRAGMA journal_mode = DELETE

-- refused: setting
PRAGMA main.journal_mode(DELETE)

-- refused: setting
PRAGMA wal_checkpoint(TRUNCATE)

-- refused: setting
PRAGMA trusted_schema = 1

-- refused: setting
PRAGMA temp_store_directory = '«folder»'

-- refused: setting
PRAGMA mmap_size = 1000000000000

-- refused: setting
PRAGMA user_version = 7

-- refused: setting
PRAGMA optimize

-- refused: setting
PRAGMA incremental_vacuum

-- refused: setting
PRAGMA key = 'x'

-- refused: what the engine knows of itself
PRAGMA table_info(t)

-- refused: what the engine knows of itself
PRAGMA database_list

-- refused: setting, as a table
SELECT * FROM pragma_journal_mode('delete')

-- refused: setting, as a table
SELECT * FROM pragma_user_version(7)

-- refused: setting, as a table
SELECT * FROM pragma_wal_checkpoint('TRUNCATE')

-- refused: what the engine knows of itself, as a table
SELECT * FROM pragma_database_list

-- refused: what the engine knows of itself, as a table
SELECT file FROM pragma_database_list() WHERE seq = 0

-- refused: what the engine knows of itself, as a table
SELECT p.* FROM t, pragma_table_info('t') AS p

-- refused: what the engine knows of itself, as a table
SELECT * FROM "pragma_compile_options"

-- refused: what the engine knows of itself, as a table
SELECT * FROM dbstat

-- refused: what the engine knows of itself, as a table
SELECT * FROM sqlite_stmt

-- refused: what the engine knows of itself, as a table
SELECT * FROM sqlite_dbpage

-- refused: what the engine knows of itself, as a table
SELECT * FROM bytecode('SELECT 1')

-- refused: files as a table
SELECT * FROM fsdir('/etc')

-- refused: files as a table
SELECT * FROM zipfile('«folder»/x.zip')

-- refused: loaded code
SELECT load_extension('«folder»/evil.so')

-- refused: loaded code
SELECT "load_extension"('«folder»/evil.so')

-- refused: loaded code
SELECT [load_extension]('«folder»/evil.so', 'init')

-- refused: loaded code
SELECT `load_extension`('«folder»/evil.so')

-- refused: loaded code
SELECT LOAD_EXTENSION /**/ ('«folder»/evil.so')

-- refused: loaded code
SELECT a FROM t ORDER BY load_extension('x')

-- refused: loaded code
SELECT count(*) FILTER (WHERE load_extension('x') IS NULL) FROM t

-- refused: loaded code
WITH load_extension(a) AS (SELECT 1) SELECT load_extension('x') FROM load_extension

-- refused: file function
SELECT writefile('«folder»/new.db', 'x')

-- refused: file function
SELECT readfile('/etc/passwd')

-- refused: file function
SELECT a, (SELECT writefile('«folder»/' || a, a)) FROM t

-- refused: file function
SELECT lsmode(1), sqlar_compress('x')

-- refused: program
SELECT edit('x', 'touch «folder»/new.db')

-- refused: pointer
SELECT fts3_tokenizer('simple')

-- refused: pointer
SELECT fts3_tokenizer('simple', x'4141414141414141')

-- refused: full-text command
SELECT fts5(1)

-- refused: log
SELECT sqlite_log(1, 'x')

-- refused: several statements
SELECT 1; DROP TABLE t

-- refused: several statements
SELECT 1; VACUUM INTO '«folder»/new.db'

-- refused: several statements
SELECT 1;;;;DELETE FROM t

-- refused: several statements
SELECT 1;--
DELETE FROM t

-- refused: several statements
SELECT 1 /* fine */; /* */ UPDATE t SET a = 1 --

-- refused: several statements
SELECT ';'; DELETE FROM t

-- refused: several statements
SELECT 1«CR»;«CR»DELETE FROM t

-- refused: several statements
;SELECT 1; SELECT 2

-- refused: explanation
EXPLAIN SELECT 1

-- refused: explanation
EXPLAIN QUERY PLAN SELECT 1

-- refused: explanation, over the prefix of a dry run
QUERY PLAN SELECT 1

-- refused: parameter
SELECT ?1

-- refused: parameter
SELECT :name, @name, $name

-- refused: hidden by an invisible character
SELECT 1«NUL»; DROP TABLE t

-- refused: hidden by an invisible character
SELECT load_ext«ZWSP»ension('x')

-- refused: hidden by an invisible character
«BOM»DROP TABLE t

-- refused: hidden by an invisible character
DROP«NBSP»TABLE«NBSP»t

-- refused: hidden by an invisible character
SELECT 1 «RLO»; DROP TABLE t

-- refused: letters that look alike
SELECT lоad_extension('x')

-- refused: hidden from a parser by template marks
SELECT 1 {# , load_extension('x') #}

-- refused: hidden from a parser by comments in comments
SELECT 1 /* /* */, load_extension('x') /* */

-- refused: too many columns
SELECT «30000 columns»

-- refused: too deep
SELECT «10000 parentheses»

-- refused: too many signs
SELECT «10000 NOTs» 1

-- limited: a comment elsewhere, a statement in another engine
SELECT 1 /*!50000 , load_extension('x') */

-- limited: a comment elsewhere, a statement in another engine
SELECT 1 /*M! ; DROP TABLE t */

-- limited: words of a string
SELECT 'x''; DROP TABLE t; --'

-- limited: words of a name
SELECT 1 AS "; DROP TABLE t; --"

-- limited: the schema, which the prompt shows anyway
SELECT name, sql FROM sqlite_master

-- limited: endless
«endless» SELECT count(*) FROM n

-- limited: endless
«endless» SELECT i FROM n WHERE i < 0

-- limited: endless, sorting
«endless» SELECT i FROM n ORDER BY random()

-- limited: endless, sorting large values
«endless» SELECT i FROM n ORDER BY hex(randomblob(100000))

-- limited: endless, telling apart
«endless» SELECT DISTINCT hex(randomblob(1000)) FROM n

-- limited: endless, in groups
«endless» SELECT i % 1000003, count(*) FROM n GROUP BY 1

-- limited: endless, with a window
«endless» SELECT sum(i) OVER (ORDER BY i DESC) FROM n

-- limited: endless rows
«endless» SELECT i, i, i FROM n

-- limited: endless rows of large values
«endless» SELECT i, hex(zeroblob(1000000)) FROM n

-- limited: endless text
«endless» SELECT group_concat(i) FROM n

-- limited: endless text
«endless» SELECT length(group_concat(hex(zeroblob(1000)))) FROM n WHERE i < 0 OR hex(i) = 'x'

-- limited: endless array
«endless» SELECT json_group_array(hex(zeroblob(100000))) FROM n

-- limited: endless object
«endless» SELECT json_group_object(i, i) FROM n

-- limited: join without a condition
SELECT count(*) FROM c, c AS d, c AS e, c AS f

-- limited: join without a condition
SELECT max(c.x * d.x * e.x * f.x) FROM c, c AS d, c AS e, c AS f GROUP BY c.x, f.x

-- limited: subqueries that feed each other
SELECT (SELECT count(*) FROM c AS d, c AS e WHERE d.x + e.x > c.x) FROM c, c AS f

-- limited: large value
SELECT zeroblob(2000000000)

-- limited: large value
SELECT hex(randomblob(1000000000))

-- limited: large value
SELECT replace(hex(zeroblob(4000000)), '0', hex(zeroblob(4000000)))

-- limited: large value
SELECT printf('%.*c', 2000000000, 'x')

-- limited: large value
SELECT printf('%1000000000d', 1)

-- limited: large value
SELECT format('%.1000000000f', 1.0)

-- limited: large value
SELECT quote(zeroblob(9000000))

-- limited: large value
SELECT CAST(zeroblob(9000000) AS TEXT) || CAST(zeroblob(9000000) AS TEXT)

-- limited: slow function, deaf to an interrupt
SELECT instr(hex(zeroblob(4000000)), hex(zeroblob(2000000)) || '1')

-- limited: slow pattern
SELECT hex(zeroblob(4000000)) LIKE '%0_0%0_0%0_0%0_0%0_0%0_0%0_0%1'

-- limited: slow pattern
SELECT hex(zeroblob(4000000)) GLOB '*0?0*0?0*0?0*0?0*0?0*0?0*1'

-- limited: deep document
SELECT json('«20000 brackets»')

-- limited: deep document
SELECT value FROM json_tree('«900 brackets»')

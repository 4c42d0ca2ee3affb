"""Reports: search, titles, tags, marks, versions, runs, actions"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

NEW_COLUMNS = (
    ("title", sa.Text()),
    ("starred_at", TIME),
    ("mark", sa.Text()),
    ("author", sa.Text()),
    ("rechecked_at", TIME),
    ("rechecked_fingerprint", sa.Text()),
    ("recheck", sa.JSON()),
)

# (table, index, columns, condition)
NEW_INDEXES = (
    ("queries", "ix_queries_dialect", ["dialect", "id"], None),
    ("queries", "ix_queries_model", ["model", "id"], None),
    ("queries", "ix_queries_mark", ["mark", "id"], "mark IS NOT NULL"),
    ("queries", "ix_queries_starred_at", ["starred_at", "id"], "starred_at IS NOT NULL"),
    ("tasks", "ix_tasks_state_id", ["state", "id"], None),
    ("tasks", "ix_tasks_target_id", ["target", "id"], None),
    ("tasks", "ix_tasks_reason_code", ["reason_code", "id"], "reason_code IS NOT NULL"),
    ("tasks", "ix_tasks_finished_at", ["finished_at"], "finished_at IS NOT NULL"),
    ("answers", "ix_answers_created_at", ["created_at"], None),
)

SQLITE_SEARCH = (
    """CREATE VIRTUAL TABLE queries_search USING fts5(
        title, question, sql, content='queries', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3')""",
    """CREATE TRIGGER queries_search_insert AFTER INSERT ON queries BEGIN
        INSERT INTO queries_search(rowid, title, question, sql)
        VALUES (new.id, new.title, new.question, new.sql); END""",
    """CREATE TRIGGER queries_search_delete AFTER DELETE ON queries BEGIN
        INSERT INTO queries_search(queries_search, rowid, title, question, sql)
        VALUES ('delete', old.id, old.title, old.question, old.sql); END""",
    """CREATE TRIGGER queries_search_update AFTER UPDATE OF title, question, sql ON queries BEGIN
        INSERT INTO queries_search(queries_search, rowid, title, question, sql)
        VALUES ('delete', old.id, old.title, old.question, old.sql);
        INSERT INTO queries_search(rowid, title, question, sql)
        VALUES (new.id, new.title, new.question, new.sql); END""",
    "INSERT INTO queries_search(queries_search) VALUES ('rebuild')",
    """INSERT INTO query_tags (query_id, tag)
        SELECT DISTINCT q.id, tag.value
        FROM queries q JOIN tasks t ON t.id = q.task_id, json_each(t.tags) AS tag
        WHERE tag.value IS NOT NULL AND length(tag.value) <= 500""",
)
# Signs of ASCII part words, as in SQLite's tokenizer; the rest is left to Postgres, which without a locale
# takes it for letters. A tsvector holds at most 1 MB. The words stand in a table of their own, as splitting a
# text takes fifty times as long as looking into it split, which a search for a common word does for many.
POSTGRES_SEARCH = (
    r"""CREATE FUNCTION queries_search_words(title text, question text, query text) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT to_tsvector('simple'::regconfig, regexp_replace(
            left(coalesce(title, '') || ' ' || question || ' ' || query, 200000),
            '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g')) $$""",
    "CREATE TABLE queries_search (query_id bigint PRIMARY KEY, words tsvector NOT NULL)",
    """INSERT INTO queries_search (query_id, words)
        SELECT id, queries_search_words(title, question, sql) FROM queries""",
    "CREATE INDEX ix_queries_search_words ON queries_search USING gin (words)",
    """CREATE FUNCTION queries_search_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            TRUNCATE queries_search;
        ELSIF TG_OP = 'DELETE' THEN
            DELETE FROM queries_search WHERE query_id = old.id;
        ELSE
            INSERT INTO queries_search (query_id, words)
            VALUES (new.id, queries_search_words(new.title, new.question, new.sql))
            ON CONFLICT (query_id) DO UPDATE SET words = excluded.words;
        END IF;
        RETURN NULL; END $$""",
    """CREATE TRIGGER queries_search_row AFTER INSERT OR DELETE OR UPDATE OF title, question, sql ON queries
        FOR EACH ROW EXECUTE FUNCTION queries_search_follow()""",
    """CREATE TRIGGER queries_search_all AFTER TRUNCATE ON queries
        FOR EACH STATEMENT EXECUTE FUNCTION queries_search_follow()""",
    """INSERT INTO query_tags (query_id, tag)
        SELECT DISTINCT q.id, tag.value FROM queries q JOIN tasks t ON t.id = q.task_id,
            json_array_elements_text(t.tags) AS tag(value)
        WHERE tag.value IS NOT NULL AND length(tag.value) <= 500""",
)


def upgrade() -> None:
    for name, kind in NEW_COLUMNS:
        op.add_column("queries", sa.Column(name, kind))
    op.add_column("queries", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.drop_index("ix_tasks_state", table_name="tasks")
    for table, name, columns, condition in NEW_INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    _create_tables()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_SEARCH if sqlite else POSTGRES_SEARCH:
        op.execute(statement)


def _query_id() -> "sa.Column[int]":
    return sa.Column("query_id", BIG_ID, nullable=False)


def _create_tables() -> None:
    op.create_table(
        "query_tags",
        _query_id(),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["query_id"], ["queries.id"], name=op.f("fk_query_tags_query_id_queries")),
        sa.PrimaryKeyConstraint("query_id", "tag", name=op.f("pk_query_tags")),
    )
    op.create_index("ix_query_tags_tag", "query_tags", ["tag", "query_id"])
    op.create_table(
        "query_versions",
        _query_id(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sql", sa.Text(), nullable=False),
        sa.Column("original_sql", sa.Text()),
        sa.Column("author", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.Column("dry_run", sa.Text()),
        sa.Column("schema_fingerprint", sa.Text(), nullable=False),
        sa.Column("canonical_key", sa.Text()),
        sa.Column("lineage", sa.JSON()),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["query_id"], ["queries.id"], name=op.f("fk_query_versions_query_id_queries")
        ),
        sa.PrimaryKeyConstraint("query_id", "version", name=op.f("pk_query_versions")),
    )
    op.create_table(
        "runs",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        _query_id(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("sql", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("started_by", sa.Text()),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("duration_ms", sa.Double()),
        sa.Column("row_limit", sa.Integer(), nullable=False),
        sa.Column("timeout_seconds", sa.Double(), nullable=False),
        sa.Column("row_count", sa.Integer()),
        sa.Column("truncated", sa.Boolean()),
        sa.Column("columns", sa.JSON()),
        sa.Column("rows", sa.JSON()),
        sa.Column("chart", sa.JSON()),
        sa.Column("kept_at", TIME),
        sa.CheckConstraint("state IN ('running', 'done', 'failed', 'cancelled')", name=op.f("ck_runs_state")),
        sa.ForeignKeyConstraint(["query_id"], ["queries.id"], name=op.f("fk_runs_query_id_queries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_query_id", "runs", ["query_id", "id"])
    op.create_table(
        "actions",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER queries_search_{event}")
        op.execute("DROP TABLE queries_search")
    else:
        for trigger in ("row", "all"):
            op.execute(f"DROP TRIGGER queries_search_{trigger} ON queries")
        op.drop_table("queries_search")
        op.execute("DROP FUNCTION queries_search_follow()")
        op.execute("DROP FUNCTION queries_search_words(text, text, text)")
    for table in ("actions", "runs", "query_versions", "query_tags"):
        op.drop_table(table)
    for table, name, _, _ in NEW_INDEXES:
        op.drop_index(name, table_name=table)
    op.create_index("ix_tasks_state", "tasks", ["state"])
    # Not in a batch, which would make the table anew: rows of other tables refer to it.
    for name in (*(name for name, _ in NEW_COLUMNS), "version"):
        op.drop_column("queries", name)

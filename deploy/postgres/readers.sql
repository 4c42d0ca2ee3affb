-- The role farm_readers may read the store's views and plain tables (docs/store.md), and nothing else. As the
-- store's owner, with the right to make roles, or as an administrator; after `farm migrate`, and again does no harm:
--
--   psql --single-transaction -v ON_ERROR_STOP=1 -f deploy/postgres/readers.sql postgresql://farm@db/farm
--
-- Then give each tool or person a login of its own with this role. Views that a later version adds or makes anew are
-- granted to farm_readers by `farm migrate`. Tables are not: what is not named here stays closed.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'farm_readers') THEN
        CREATE ROLE farm_readers NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO farm_readers', current_database());
END $$;

GRANT USAGE ON SCHEMA public TO farm_readers;

GRANT SELECT ON
    acceptance_per_day, batch_costs, batch_progress, column_usage, findings, latency_per_day, model_calls,
    rejection_reasons, reports, table_usage, task_outcomes, usage_per_day
TO farm_readers;

GRANT SELECT ON
    targets, batches, batch_items, tasks, query_tables, query_columns, query_tags, workers, queues
TO farm_readers;

-- Closed, as they may hold rows of your databases, what models said in full, what people did, or keys in URLs:
-- answers, failed_calls, candidates, queries, query_versions (verdicts with evidence), runs (their rows), actions,
-- requests, webhooks. The views show of them what reports and costs need.

-- What PostgreSQL 18 said when asked to prepare the query: yes or no, behind each.
-- Tables: tickets (id uuid, state public.state, level mood, tags text[], extra jsonb, raw json, at inet,
-- opened timestamptz, due date, email address), with types state (open, done), mood (low, high), domain address.

SELECT id FROM tickets WHERE state = 'open' --> yes
SELECT id FROM tickets WHERE state = 'opened' --> no
SELECT id FROM tickets WHERE state IN ('open', 'done') --> yes
SELECT id FROM tickets WHERE state IN ('open', 'closed') --> no
SELECT id FROM tickets WHERE state <> 'closed' --> no
SELECT id FROM tickets WHERE state LIKE 'op%' --> no
SELECT id FROM tickets WHERE state::text LIKE 'op%' --> yes
SELECT id FROM tickets WHERE state = 1 --> no
SELECT id FROM tickets WHERE state = level --> no
SELECT id FROM tickets WHERE state = email --> no
SELECT id FROM tickets WHERE state > 'open' --> yes
SELECT id FROM tickets WHERE state = ANY ('{open,done}'::state[]) --> yes
SELECT id FROM tickets WHERE state = 'open'::public.state --> yes
SELECT id FROM tickets WHERE state = 'shut'::state --> no
SELECT 1::state FROM tickets --> no
SELECT email::state FROM tickets --> yes
SELECT coalesce(state, 'none') FROM tickets --> no
SELECT coalesce(state::text, 'none') FROM tickets --> yes
SELECT CASE WHEN true THEN state ELSE 'done' END FROM tickets --> yes
SELECT CASE WHEN true THEN state ELSE 'other' END FROM tickets --> no
SELECT CASE state WHEN 'open' THEN 1 WHEN 'shut' THEN 2 END FROM tickets --> no
SELECT max(state), count(state), array_agg(state) FROM tickets --> yes
SELECT upper(state) FROM tickets --> no
SELECT state || '!' FROM tickets --> yes
SELECT sum(state) FROM tickets --> no
SELECT string_agg(state, ',') FROM tickets --> no
SELECT enum_range(NULL::state) FROM tickets --> yes
SELECT state, count(*) FROM tickets GROUP BY state ORDER BY state --> yes
SELECT state FROM tickets UNION SELECT 'x' FROM tickets --> no
SELECT state FROM tickets UNION SELECT email FROM tickets --> no
SELECT t.state FROM (SELECT state FROM tickets) t WHERE t.state = 'shut' --> no
SELECT state = 'shut' FROM open_tickets --> no
SELECT email LIKE '%@x', email = 'anything', lower(email) FROM tickets --> yes
SELECT email = 5 FROM tickets --> no
SELECT tags = 'a' FROM tickets --> no
SELECT tags = '{a}' FROM tickets --> yes
SELECT 'a' = ANY (tags) FROM tickets --> yes
SELECT tags @> '{a}' FROM tickets --> yes
SELECT tags @> 'a' FROM tickets --> no
SELECT ARRAY[1, 'a']::text[] --> yes
SELECT ARRAY['1', 'a']::int[] --> no
SELECT extra = 'open' FROM tickets --> no
SELECT extra = '"open"' FROM tickets --> yes
SELECT extra->'a' = '1', extra->>'a' = 'b' FROM tickets --> yes
SELECT extra->'a' = 'b' FROM tickets --> no
SELECT extra @> '{"a": [1, null]}' FROM tickets --> yes
SELECT extra @> '{a: 1}' FROM tickets --> no
SELECT extra @> '{"a": 1}'::jsonb FROM tickets --> yes
SELECT at = '10.0.0.1', at << '10.0.0.0/8' FROM tickets --> yes
SELECT at = '10.0.0.x' FROM tickets --> no
SELECT due - '30 days' FROM tickets --> no
SELECT due - INTERVAL '30 days' FROM tickets --> yes
SELECT opened - '30 days' FROM tickets --> no
SELECT opened > '30 days' FROM tickets --> no
SELECT opened - opened > '30 days' FROM tickets --> yes
SELECT DISTINCT raw FROM tickets --> no
SELECT DISTINCT extra FROM tickets --> yes
SELECT DISTINCT * FROM tickets --> no
SELECT raw FROM tickets ORDER BY raw --> no
SELECT count(*) FROM tickets GROUP BY raw --> no
SELECT raw->>'a' FROM tickets GROUP BY raw->>'a' --> yes
SELECT count(DISTINCT raw) FROM tickets --> no
SELECT json_agg(raw) FROM tickets --> yes
SELECT json_agg(raw ORDER BY raw) FROM tickets --> no
SELECT rank() OVER (PARTITION BY raw ORDER BY due) FROM tickets --> no
SELECT raw FROM tickets UNION SELECT raw FROM tickets --> no
SELECT raw FROM tickets UNION ALL SELECT raw FROM tickets --> yes
SELECT DISTINCT ON (due) raw FROM tickets ORDER BY due --> yes
SELECT DISTINCT ON (raw) due FROM tickets --> no
SELECT count(*) OVER (ORDER BY due RANGE BETWEEN 7 PRECEDING AND CURRENT ROW) FROM tickets --> no
SELECT count(*) OVER (ORDER BY due RANGE BETWEEN '7 days' PRECEDING AND CURRENT ROW) FROM tickets --> yes
SELECT count(*) OVER (ORDER BY due RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) FROM tickets --> yes
SELECT count(*) OVER (ORDER BY due ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) FROM tickets --> yes
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY due - due) FROM tickets --> yes
SELECT percentile_cont(0.5, 1) FROM tickets --> no
SELECT mode() FROM tickets --> no
SELECT mode() WITHIN GROUP (ORDER BY state) FROM tickets --> yes
SELECT rank(1) WITHIN GROUP (ORDER BY 1) FROM tickets --> yes
SELECT rank(1) OVER () FROM tickets --> no
SELECT string_agg(email, ',') WITHIN GROUP (ORDER BY email) FROM tickets --> no
SELECT s.id FROM (SELECT id, id FROM tickets) s --> no
SELECT due FROM (SELECT id, id, due FROM tickets) s --> yes
SELECT id FROM tickets WHERE email <> ALL (ARRAY['a', 'b']) --> yes
SELECT id FROM tickets WHERE due BETWEEN SYMMETRIC '2024-02-01' AND '2024-01-01' --> yes
SELECT id FROM tickets WHERE NOT state = ANY (ARRAY['open', 'done']::state[]) --> yes
SELECT id FROM tickets WHERE state = ANY (ARRAY['open', 'done']) --> no

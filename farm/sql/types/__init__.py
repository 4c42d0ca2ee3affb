"""Types of expressions, where the dialect insists on them (Postgres)."""

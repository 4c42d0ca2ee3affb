"""DuckDB files as targets."""

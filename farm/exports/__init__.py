"""Whole results as files: CSV, JSON lines and Parquet, written while the rows come."""

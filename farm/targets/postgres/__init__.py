"""Postgres databases as targets, and the scratch servers where their schemas stand in for them."""

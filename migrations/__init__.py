"""Alembic migrations of the store; `farm migrate` applies them."""

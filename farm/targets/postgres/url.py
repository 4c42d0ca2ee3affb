"""A Postgres server's URL, pointed at another of its databases."""

from urllib.parse import urlsplit

from farm.targets.urls import normal


def with_database(url: str, name: str) -> str:
    """The URL of the database `name` on the same server."""
    parts = urlsplit(normal(url))
    query = f"?{parts.query}" if parts.query else ""
    return f"postgresql://{parts.netloc}/{name}{query}"

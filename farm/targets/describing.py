"""A target as somebody describes it: by its URL, by its DDL, or by both."""

from dataclasses import replace

from farm.errors import BadInput
from farm.redaction import masked
from farm.targets import urls
from farm.targets.engine import open_engine
from farm.targets.target import DIALECTS, Target

NAME_LIMIT_CHARS = 100


def require_dialect(name: str) -> None:
    """Raise BadInput for a dialect that is not known."""
    if name not in DIALECTS:
        raise BadInput(f"there is no dialect {name!r} here; known are {', '.join(DIALECTS)}")


def describe(name: str, *, dialect: str, url: str | None, ddl: str | None, notes: str) -> Target:
    """A target from its URL or its DDL; raises BadInput for what is missing or cannot be read."""
    if not name.replace("-", "_").isidentifier() or len(name) > NAME_LIMIT_CHARS:
        raise BadInput(
            f"{name!r:.120} is no name for a target; use letters, digits, - and _, {NAME_LIMIT_CHARS} at most"
        )
    if dialect not in DIALECTS:
        raise BadInput(f"there is no dialect {dialect!r} here; known are {', '.join(DIALECTS)}")
    if url is None and not (ddl or "").strip():
        raise BadInput(
            f"target {name} needs a schema: give its DDL (CREATE TABLE …) or the URL of its database"
        )
    if url is not None and urls.dialect_of(url) != dialect:
        raise BadInput(f"target {name} is said to be {dialect}, but its URL is {masked(url)}")
    url = None if url is None else urls.normal(url)
    target = Target(name=name, dialect=dialect, ddl=ddl or "", notes=notes, url=url)
    if not (ddl or "").strip():
        engine = open_engine(target, purpose="run")
        if engine is None:
            raise BadInput(f"the database of target {name} cannot be opened from its URL")
        try:
            target = replace(target, ddl=engine.introspect())
        finally:
            engine.close()
    return target

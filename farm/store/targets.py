"""Targets in the store: name, dialect, schema and notes. A target's URL is a secret and is never here."""

from sqlalchemy import Connection, insert, select, update

from farm.errors import UnknownTarget
from farm.store.engine import Store, now
from farm.store.tables import TargetRow
from farm.targets.target import Target


def save(store: Store, target: Target) -> None:
    """Add the target, or bring the one of that name to this schema and these notes."""
    values = {
        "dialect": target.dialect,
        "ddl": target.ddl,
        "fingerprint": target.fingerprint,
        "notes": target.notes,
        "updated_at": now(),
    }
    with store.write() as connection:
        changed = connection.execute(update(TargetRow).where(TargetRow.name == target.name).values(values))
        if not changed.rowcount:
            connection.execute(insert(TargetRow).values(name=target.name, created_at=now(), **values))


def load(store: Store, name: str) -> Target:
    """The target of that name; raises UnknownTarget, naming those that exist."""
    with store.read() as connection:
        return read(connection, name)


def read(connection: Connection, name: str) -> Target:
    """The target of that name, over a given connection; raises UnknownTarget."""
    row = connection.execute(select(TargetRow.__table__).where(TargetRow.name == name)).one_or_none()
    if row is None:
        raise unknown(name, _names(connection))
    return Target(name=row.name, dialect=row.dialect, ddl=row.ddl, notes=row.notes)


def names(store: Store) -> list[str]:
    """The names of all targets, in order."""
    with store.read() as connection:
        return _names(connection)


def dialects(store: Store) -> dict[str, str]:
    """The dialects of all targets, by name, in order."""
    with store.read() as connection:
        rows = connection.execute(select(TargetRow.name, TargetRow.dialect).order_by(TargetRow.name))
        return {row.name: row.dialect for row in rows}


def _names(connection: Connection) -> list[str]:
    return list(connection.scalars(select(TargetRow.name).order_by(TargetRow.name)))


def unknown(name: str, known: list[str]) -> UnknownTarget:
    """The error for a name that no target has."""
    have = f"known are {', '.join(known)}" if known else "none is known yet"
    return UnknownTarget(f"there is no target {name!r} ({have}); add it with `farm target add {name} …`")

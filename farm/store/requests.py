"""Requests that bring a key along: one that is sent again is answered as before, and does nothing more."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from farm.errors import BadInput
from farm.store.engine import now
from farm.store.tables import RequestRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyed:
    """A request's key, and a digest of all that it asks for."""

    key: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What came of a request: a batch, of whose tasks so many were `added` and `known`."""

    batch_id: int
    added: int
    known: int


class KeyReused(BadInput):
    """The key was sent before, with a request for something else."""


def find(connection: Connection, request: Keyed) -> Made | None:
    """What came of the request with this key; None for a new one. Raises KeyReused."""
    row = connection.execute(
        select(RequestRow.digest, RequestRow.batch_id, RequestRow.added, RequestRow.known).where(
            RequestRow.key == request.key
        )
    ).one_or_none()
    if row is None:
        return None
    if row.digest != request.digest:
        raise KeyReused(
            f"the key {request.key!r:.120} came with another request before (batch {row.batch_id}); "
            "choose a new key for each new request"
        )
    return Made(batch_id=row.batch_id, added=row.added, known=row.known)


def keep(connection: Connection, request: Keyed, made: Made) -> None:
    """Remember what came of a request, in the transaction that makes it so."""
    connection.execute(
        insert(RequestRow).values(
            key=request.key,
            digest=request.digest,
            batch_id=made.batch_id,
            added=made.added,
            known=made.known,
            created_at=now(),
        )
    )

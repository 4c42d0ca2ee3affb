"""The action log: what people did to the farm, the newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from farm.storable import storable
from farm.store.engine import now
from farm.store.tables import ActionRow

DETAIL_LIMIT_CHARS = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """Something that somebody did; `detail` says to what, in plain values."""

    id: int
    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


def record(connection: Connection, *, actor: str, action: str, detail: Mapping[str, Any]) -> None:
    """Note an action in the transaction that does it, so that neither is there without the other.

    `detail` is kept as JSON; texts in it are cut at 2,000 characters, for it is a log and no store.
    """
    said = {name: _bounded(value) for name, value in detail.items()}
    connection.execute(insert(ActionRow).values(at=now(), actor=actor, action=action, detail=said))


def _bounded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    kept = storable(value)
    return kept if len(kept) <= DETAIL_LIMIT_CHARS else f"{kept[:DETAIL_LIMIT_CHARS]}…"


def page(
    connection: Connection,
    *,
    after: int | None = None,
    actor: str | None = None,
    action: str | None = None,
    limit: int = 50,
) -> list[Action]:
    """Actions, the newest first, at most `limit`; `after` is the id of the last one of the page before."""
    query = select(ActionRow.__table__).order_by(ActionRow.id.desc()).limit(limit)
    if after is not None:
        query = query.where(ActionRow.id < after)
    if actor is not None:
        query = query.where(ActionRow.actor == actor)
    if action is not None:
        query = query.where(ActionRow.action == action)
    return [Action(**row._mapping) for row in connection.execute(query)]

"""Counters that never fall and miss nothing, for those who watch the farm (farm.metrics).

1. Whoever changes the store counts what that was in the same transaction, as one row of `counter_steps`. It
   is a row of its own, so that no two workers wait for each other as they would for a total that all share.
2. Every few seconds the rows are added to `counters` and taken away, in one transaction (`fold`).
3. Who reads adds up both, within one snapshot (`read`): no sum is ever seen half made.

So a task that is requeued still counts as it ended before, a lost lease counts nothing, and a commit that was
repeated counts once. See `farm.store.counted` for what is counted.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from farm.store.counted import Amount, Counted, as_json, merged, of_json, total
from farm.store.engine import Store
from farm.store.tables import CounterRow, CounterStepRow

STEPS_AT_ONCE = 2_000
MOST_MODELS = 100
ADVISORY_LOCK = 7_215_331_026


def add(connection: Connection, amounts: Iterable[Amount]) -> None:
    """Count something, if the transaction commits."""
    if counted := total(amounts):
        connection.execute(insert(CounterStepRow).values(amounts=as_json(counted)))


def read(connection: Connection) -> Counted:
    """All counters as they stand; give it a connection of `Store.read()`."""
    totals = _totals(connection)
    steps = connection.scalars(select(CounterStepRow.amounts).order_by(CounterStepRow.id))
    totals.update(merged(totals, map(of_json, steps), most_models=MOST_MODELS))
    return totals


def fold(store: Store, *, most: int = STEPS_AT_ONCE) -> bool:
    """Add the oldest steps to the totals; True while there may be more. Several processes may do so."""
    with store.read() as connection:
        if connection.execute(select(CounterStepRow.id).limit(1)).first() is None:
            return False
    with store.write() as connection:
        if not _alone(connection):
            return False
        oldest = select(CounterStepRow.id).order_by(CounterStepRow.id).limit(most)
        taken = connection.execute(
            delete(CounterStepRow)
            .where(CounterStepRow.id.in_(oldest))
            .returning(CounterStepRow.id, CounterStepRow.amounts)
        ).all()
        steps = [of_json(row.amounts) for row in sorted(taken, key=lambda row: row.id)]
        _save(connection, merged(_totals(connection), steps, most_models=MOST_MODELS))
    return len(taken) == most


def _totals(connection: Connection) -> Counted:
    rows = connection.execute(select(CounterRow.name, CounterRow.labels, CounterRow.amount))
    return Counter({(row.name, *json.loads(row.labels)): row.amount for row in rows})


def _save(connection: Connection, added: Counted) -> None:
    rows = [
        {"name": name, "labels": json.dumps(labels), "amount": amount}
        for (name, *labels), amount in added.items()
    ]
    if not rows:
        return
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    into = dialect.insert(CounterRow)
    more = {"amount": CounterRow.amount + into.excluded.amount}
    connection.execute(into.on_conflict_do_update(index_elements=["name", "labels"], set_=more), rows)


def _alone(connection: Connection) -> bool:
    """Whether no other process folds; SQLite has one writer at a time."""
    if connection.dialect.name == "sqlite":
        return True
    mine = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(connection.execute(mine, {"key": ADVISORY_LOCK}).scalar_one())

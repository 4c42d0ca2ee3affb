"""Accepted queries put straight into a store, as search and pages find them."""

from typing import Any

from sqlalchemy import insert, update
from support.store import accepted, add, claim, finish

from farm.store.engine import Store, now
from farm.store.tables import QueryRow, QueryTagRow, QueryVersionRow

TRACED: dict[str, Any] = {"columns": [], "joins": [], "filters": [], "functions": []}


def keep(
    store: Store,
    question: str,
    sql: str,
    *,
    tags: tuple[str, ...] = (),
    tables: tuple[str, ...] | None = None,
    **values: Any,
) -> int:
    """Accept one query; returns its id. `values` are columns of `queries`."""
    [task_id] = add(store)
    if tables is not None:
        values["lineage"] = {"tables": list(tables), **TRACED}
    later = {name: values.pop(name) for name in ("mark", "starred_at", "version", "title") if name in values}
    finish(store, accepted(claim(store, [task_id])[task_id], sql, question=question, **values))
    with store.write() as connection:
        query_id = connection.execute(
            update(QueryRow)
            .where(QueryRow.task_id == task_id)
            .values(task_id=task_id, **later)
            .returning(QueryRow.id)
        ).scalar_one()
        if tags:
            connection.execute(insert(QueryTagRow), [{"query_id": query_id, "tag": tag} for tag in tags])
        for version in range(1, 1 + later.get("version", 0)):
            connection.execute(insert(QueryVersionRow).values(version_row(query_id, version, sql)))
    return query_id


def version_row(query_id: int, version: int, sql: str) -> dict[str, Any]:
    """A row of `query_versions`."""
    verdict: dict[str, Any] = {"accepted": True, "dry_run": None, "findings": [], "ms": 1.0}
    return {
        "query_id": query_id,
        "version": version,
        "sql": sql,
        "note": "",
        "verdict": verdict,
        "schema_fingerprint": "f",
        "created_at": now(),
    }


def set_values(store: Store, query_id: int, **values: Any) -> None:
    """Change columns of a query behind the farm's back."""
    with store.write() as connection:
        connection.execute(update(QueryRow).where(QueryRow.id == query_id).values(values))

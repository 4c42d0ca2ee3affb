"""Queries that differ in spelling alone are told to be the same; nothing is dropped."""

from support.store import SHOP, accepted, add, claim, finish, rejected, row

from farm.batch import Batch
from farm.store import alike, reports, results, targets
from farm.store.engine import Store
from farm.targets.target import Target


def keep(store: Store, key: str | None, target: str = "shop") -> int:
    """Accept a query with this key; returns its task."""
    [task_id] = add(store)
    held = claim(store, [task_id])[task_id]
    finish(store, accepted(held, f"SELECT {task_id}", canonical_key=key, target=target))
    return task_id


def same_as(store: Store, *, unique: bool = False) -> dict[int, int | None]:
    """By the id of each query, the one that it is the same as."""
    with store.read() as connection:
        return {each.id: each.same_as for each in reports.find(connection, unique=unique)}


def test_a_query_points_to_the_first_one_with_its_key(store: Store):
    targets.save(store, Target(name="bank", dialect="sqlite", ddl=SHOP.ddl))
    ids = [keep(store, key) for key in ("1:a", "1:b", "1:a", None, None, "1:a")]
    keep(store, "1:a", target="bank")
    first, *_ = [result.query_id for result in _results(store, ids)]
    assert first is not None
    told = same_as(store)
    assert [told[first + place] for place in range(7)] == [None, None, first, None, None, first, None]
    assert set(same_as(store, unique=True)) == {first + place for place in (0, 1, 3, 4, 6)}
    with store.read() as connection:
        third = reports.get(connection, first + 2)
    assert third is not None
    assert (third.same_as, third.canonical_key, third.sql) == (first, "1:a", f"SELECT {ids[2]}")


def test_a_task_keeps_its_own_result_beside_the_one_it_repeats(store: Store):
    one, two = (keep(store, "1:a") for _ in range(2))
    first, second = _results(store, [one, two])
    assert (first.sql, first.same_as) == (f"SELECT {one}", None)
    assert (second.sql, second.same_as) == (f"SELECT {two}", first.query_id)


def test_a_batch_counts_what_was_there_before(store: Store):
    keep(store, "1:a")
    ids = add(store, 5)
    held = claim(store, ids)
    keys = ("1:a", "1:b", "1:b", None)
    finish(store, *(accepted(held[each], canonical_key=key) for each, key in zip(ids, keys, strict=False)))
    finish(store, rejected(held[ids[4]]))
    batch_id = row(store, ids[0]).batch_id
    with store.read() as connection:
        assert [alike.duplicates(connection, batch_id + each) for each in (-1, 0, 1)] == [0, 2, 0]
    assert Batch(store, batch_id).duplicates() == 2


def _results(store: Store, ids: list[int]) -> list[results.TaskResult]:
    with store.read() as connection:
        return results.by_id(connection, ids)

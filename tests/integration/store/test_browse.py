"""Leafing through tasks: filters narrow, pages follow each other, and no search goes on for ever."""

from typing import Any

import pytest
from support.store import accepted, add, claim, finish, rejected, task

from farm.store import browse, enqueue, targets
from farm.store.browse import Count, Patience
from farm.store.engine import Store
from farm.store.states import TaskState
from farm.store.task_selection import Selection
from farm.targets.target import Target
from jobs.task import Task

ALL = tuple(TaskState)


def chosen(**filters: Any) -> Selection:
    return Selection(**{"states": ALL, **filters})


def page(store: Store, selection: Selection, **options: Any) -> browse.TaskPage:
    with store.read() as connection:
        return browse.page(connection, selection, **options)


def found(store: Store, **filters: Any) -> list[int]:
    return [line.id for line in page(store, chosen(**filters)).tasks]


def count(store: Store, selection: Selection, **options: Any) -> Count:
    with store.read() as connection:
        return browse.count(connection, selection, **options)


@pytest.fixture
def mixed(store: Store) -> dict[str, int]:
    """Tasks that each differ in one thing."""
    targets.save(store, Target(name="bank", dialect="sqlite", ddl="CREATE TABLE t (a)"))
    ids = dict(zip(("waits", "good", "bad", "worse"), add(store, 4), strict=True))
    held = claim(store, [ids["good"], ids["bad"], ids["worse"]])
    finish(
        store, accepted(held[ids["good"]]), rejected(held[ids["bad"]], "no_sql"), rejected(held[ids["worse"]])
    )
    [ids["big"]] = add(store, queue="big")
    enqueue.enqueue(store, [(Task(question="Größte BANK in Łódź?", target="bank"), "default")])
    ids["other"] = max(found(store))
    return ids


def test_the_newest_come_first_with_what_became_of_them(store: Store, mixed: dict[str, int]):
    lines = {line.id: line for line in page(store, chosen()).tasks}
    assert list(lines) == sorted(mixed.values(), reverse=True)
    good, bad = lines[mixed["good"]], lines[mixed["bad"]]
    assert (good.state, good.query_id is not None, good.reason) == (TaskState.ACCEPTED, True, None)
    assert (bad.state, bad.query_id, bad.reason_code, bad.reason) == (
        TaskState.REJECTED,
        None,
        "no_sql",
        "it does not parse",
    )


def test_each_filter_narrows(store: Store, mixed: dict[str, int]):
    assert found(store, states=(TaskState.REJECTED,)) == [mixed["worse"], mixed["bad"]]
    assert found(store, states=(TaskState.ACCEPTED, TaskState.REJECTED)) == [
        mixed["worse"],
        mixed["bad"],
        mixed["good"],
    ]
    assert found(store, target="bank") == [mixed["other"]]
    assert found(store, queue="big") == [mixed["big"]]
    assert found(store, reason_code="no_sql") == [mixed["bad"]]
    assert found(store, text="Łódź größte" if store.dialect == "sqlite" else "Łódź bank") == [mixed["other"]]
    assert found(store, text="GRÖSSTE") == []
    assert found(store, task_ids=(mixed["big"], mixed["bad"])) == [mixed["big"], mixed["bad"]]
    assert found(store, task_ids=()) == []


def test_filters_narrow_each_other(store: Store, mixed: dict[str, int]):
    with store.read() as connection:
        batch = browse.page(connection, chosen(task_ids=(mixed["big"],))).tasks
    assert len(batch) == 1
    assert found(store, states=(TaskState.REJECTED,), reason_code="syntax") == [mixed["worse"]]
    assert found(store, states=(TaskState.ACCEPTED,), reason_code="syntax") == []
    assert found(store, target="shop", text="3?") == [mixed["worse"]]
    assert found(store, target="bank", text="3?") == []
    assert found(store, target="shop", states=(TaskState.ACCEPTED,)) == [mixed["good"]]


def test_a_batch_is_told_also_of_tasks_that_were_known_before(store: Store):
    [known] = add(store)
    new = enqueue.enqueue(store, [(task(0), "default"), (task("new"), "default")])
    ids = found(store, batch_id=new.batch_id)
    assert len(ids) == 2
    assert known in ids
    assert found(store, batch_id=new.batch_id + 1) == []


def test_pages_follow_each_other_without_gaps(store: Store):
    ids = add(store, 7)
    for filters in ({}, {"text": "question"}, {"target": "shop"}, {"states": (TaskState.QUEUED,)}):
        seen: list[int] = []
        after = None
        for _ in range(3):
            one = page(store, chosen(**filters), after=after, limit=3)
            seen += [line.id for line in one.tasks]
            after = one.after
            assert not one.cut_short
        assert (seen, after) == (ids[::-1], None), filters


def test_a_search_that_finds_little_stops_and_says_where_to_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(browse, "FIRST_STEP", 2)
    ids = add(store, 10)
    first = page(store, chosen(text="Question 0"), patience=Patience(tasks=6))
    assert (first.tasks, first.after, first.cut_short, first.looked_at) == ((), ids[4], True, 6)
    rest = page(store, chosen(text="Question 0"), after=first.after, patience=Patience(tasks=6))
    assert ([line.id for line in rest.tasks], rest.after, rest.cut_short) == ([ids[0]], None, False)


def test_a_search_that_takes_long_stops_too(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(browse, "FIRST_STEP", 2)
    ids = add(store, 10)
    found = page(store, chosen(text="nowhere"), patience=Patience(seconds=-1))
    assert (found.after, found.cut_short, found.looked_at) == (ids[8], True, 2)
    assert count(store, chosen(text="nowhere"), seconds=-1) == Count(tasks=0, exact=False)


def test_several_states_are_found_through_their_index(store: Store, mixed: dict[str, int]):
    both = chosen(states=(TaskState.QUEUED, TaskState.REJECTED))
    expected = sorted((mixed[name] for name in ("waits", "bad", "worse", "big", "other")), reverse=True)
    assert [line.id for line in page(store, both).tasks] == expected
    assert both.driver() == "states"
    first = page(store, both, limit=2)
    assert [line.id for line in page(store, both, after=first.after).tasks] == expected[2:]
    assert count(store, both) == Count(tasks=5, exact=True)
    assert count(store, both, cap=4) == Count(tasks=4, exact=False)
    assert count(store, chosen(states=())) == Count(tasks=0, exact=True)


def test_matches_are_counted_up_to_a_cap(store: Store, mixed: dict[str, int]):
    add(store, 5)
    assert count(store, chosen()) == Count(tasks=11, exact=True)
    assert count(store, chosen(), cap=11) == Count(tasks=11, exact=True)
    assert count(store, chosen(), cap=10) == Count(tasks=10, exact=False)
    assert count(store, chosen(text="question")) == Count(tasks=10, exact=True)
    assert count(store, chosen(text="question"), cap=9) == Count(tasks=9, exact=False)
    assert count(store, chosen(states=(TaskState.REJECTED,), text="3?")) == Count(tasks=1, exact=True)
    assert count(store, chosen(task_ids=())) == Count(tasks=0, exact=True)


def test_ids_are_handed_out_in_parts_that_make_the_whole(store: Store, mixed: dict[str, int]):
    add(store, 5)
    seen: list[int] = []
    after = None
    with store.read() as connection:
        while True:
            some, after = browse.ids(connection, chosen(text="question"), after=after, limit=2)
            seen += some
            if after is None:
                break
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 10


def test_the_reasons_there_are_are_told(store: Store, mixed: dict[str, int]):
    with store.read() as connection:
        assert browse.reason_codes(connection) == ["no_sql", "syntax"]


def test_without_failures_there_are_no_reasons(store: Store):
    add(store, 2)
    with store.read() as connection:
        assert browse.reason_codes(connection) == []

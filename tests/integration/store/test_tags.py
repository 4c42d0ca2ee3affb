"""Tags: from tasks, and by hand."""

import pytest
from sqlalchemy import select
from support.reports import keep
from support.store import accepted, add, claim, finish

from farm.errors import BadInput
from farm.store import reports, tags
from farm.store.engine import Store
from farm.store.tables import QueryRow


def tags_by_task(store: Store) -> dict[int, list[str]]:
    with store.read() as connection:
        rows = connection.execute(select(QueryRow.task_id, QueryRow.id))
        ids = {row.task_id: row.id for row in rows}
        found = reports.tags_of(connection, list(ids.values()))
    return {task: found.get(query, []) for task, query in ids.items()}


def test_a_query_has_the_tags_of_its_task(store: Store):
    tagged = add(store, 2, tags=("monthly", "the board's"))
    [bare] = add(store)
    held = claim(store, [*tagged, bare])
    finish(store, *(accepted(held[each]) for each in (*tagged, bare)))
    assert tags_by_task(store) == {
        tagged[0]: ["monthly", "the board's"],
        tagged[1]: ["monthly", "the board's"],
        bare: [],
    }


def test_a_tag_that_is_too_long_for_an_index_stays_with_its_task(store: Store):
    endless = "".join(map(chr, range(0x4E00, 0x4E00 + 4_000)))  # does not compress
    [tagged] = add(store, tags=("monthly", endless))
    finish(store, accepted(claim(store, [tagged])[tagged]))
    assert tags_by_task(store) == {tagged: ["monthly"]}


def test_a_tag_that_no_database_holds_is_not_there_to_be_taken_away(store: Store):
    query_id = keep(store, "A?", "SELECT 1", tags=("old",))
    with store.write() as connection:
        assert not tags.remove(connection, query_id, "old\0")


def test_tags_are_added_once_and_taken_away(store: Store):
    query_id = keep(store, "A?", "SELECT 1", tags=("old",))
    with store.write() as connection:
        assert tags.add(connection, query_id, "  new   tag ")
        assert not tags.add(connection, query_id, "new tag")
        assert tags.remove(connection, query_id, "old")
        assert not tags.remove(connection, query_id, "old")
        assert reports.tags_of(connection, [query_id]) == {query_id: ["new tag"]}


@pytest.mark.parametrize("tag", ["", "  ", "a,b", "x" * 61, "\0"])
def test_what_is_no_tag_is_refused(store: Store, tag: str):
    query_id = keep(store, "A?", "SELECT 1")
    with pytest.raises(BadInput, match="is no tag"), store.write() as connection:
        tags.add(connection, query_id, tag)


def test_a_query_takes_only_so_many_tags(store: Store):
    query_id = keep(store, "A?", "SELECT 1", tags=tuple(f"t{n}" for n in range(tags.TAGS_LIMIT)))
    with store.write() as connection:
        assert not tags.add(connection, query_id, "t0")
        with pytest.raises(BadInput, match="50 tags already"):
            tags.add(connection, query_id, "one more")

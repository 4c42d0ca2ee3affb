"""What people did to the farm, as the log tells it."""

from datetime import timedelta

from farm.store import actions
from farm.store.engine import Store, now


def record(store: Store, *names: str, actor: str = "ada") -> None:
    with store.write() as connection:
        for name in names:
            actions.record(connection, actor=actor, action=name, detail={"queue": "default"})


def test_what_was_done_is_told_the_newest_first(store: Store):
    record(store, "pause", "resume")
    with store.read() as connection:
        newest, oldest = actions.page(connection)
    assert (newest.action, oldest.action) == ("resume", "pause")
    assert (newest.actor, newest.detail) == ("ada", {"queue": "default"})
    assert timedelta(0) <= now() - newest.at < timedelta(minutes=1)


def test_a_page_goes_on_after_the_last_one_of_the_page_before(store: Store):
    record(store, "a", "b", "c")
    with store.read() as connection:
        first = actions.page(connection, limit=2)
        rest = actions.page(connection, limit=2, after=first[-1].id)
    assert [one.action for one in (*first, *rest)] == ["c", "b", "a"]


def test_one_actor_or_one_action_can_be_looked_for(store: Store):
    record(store, "pause", "resume")
    record(store, "pause", actor="bob")
    with store.read() as connection:
        assert [one.action for one in actions.page(connection, actor="bob")] == ["pause"]
        assert [one.actor for one in actions.page(connection, action="pause")] == ["bob", "ada"]
        assert actions.page(connection, actor="nobody") == []


def test_an_action_that_was_not_done_is_not_told(store: Store):
    try:
        with store.write() as connection:
            actions.record(connection, actor="ada", action="pause", detail={})
            raise RuntimeError
    except RuntimeError:
        pass
    with store.read() as connection:
        assert actions.page(connection) == []


def test_texts_that_no_database_would_keep_are_mended_and_bounded(store: Store):
    with store.write() as connection:
        detail = {"text": "a\0b\ud800", "long": "x" * 10_000, "count": 7}
        actions.record(connection, actor="ada", action="requeue", detail=detail)
    with store.read() as connection:
        [only] = actions.page(connection)
    assert only.detail["text"] == "a\N{REPLACEMENT CHARACTER}b?"
    assert only.detail["long"] == "x" * actions.DETAIL_LIMIT_CHARS + "…"
    assert only.detail["count"] == 7

"""Which queries serve as examples."""

from support.reports import keep, set_values
from support.store import SHOP

from farm.sql.verdict import Finding, Verdict
from farm.store import exemplars, targets
from farm.store.engine import Store, now
from farm.targets.target import Target


def questions(store: Store, fingerprint: str = SHOP.fingerprint, limit: int = 10) -> list[str]:
    with store.read() as connection:
        return [question for question, _ in exemplars.good(connection, "shop", fingerprint, limit)]


def test_only_queries_marked_good_for_the_target_serve_the_newest_first(store: Store):
    targets.save(store, Target(name="bank", dialect="sqlite", ddl=SHOP.ddl))
    keep(store, "first", "SELECT 1", mark="good")
    keep(store, "bad", "SELECT 2", mark="bad")
    keep(store, "unmarked", "SELECT 3")
    keep(store, "elsewhere", "SELECT 4", mark="good", target="bank")
    keep(store, "second", "SELECT 5", mark="good")
    assert questions(store) == ["second", "first"]
    assert questions(store, limit=1) == ["second"]
    with store.read() as connection:
        assert exemplars.good(connection, "shop", SHOP.fingerprint)[0] == ("second", "SELECT 5")


def test_they_are_given_in_the_targets_own_dialect(store: Store):
    keep(store, "q", "SELECT 1::int", mark="good", original_sql="SELECT 1", original_dialect="sqlite")
    with store.read() as connection:
        assert exemplars.good(connection, "shop", SHOP.fingerprint) == [("q", "SELECT 1")]


def test_on_another_schema_only_those_serve_that_were_checked_again_and_pass(store: Store):
    failed = Verdict(findings=(Finding(code="unknown_column", message="gone"),))
    for name, verdict in (("passes", Verdict()), ("fails", failed), ("unchecked", None)):
        query_id = keep(store, name, "SELECT 1", mark="good")
        if verdict is not None:
            set_values(
                store,
                query_id,
                recheck=verdict.to_dict(),
                rechecked_fingerprint="new",
                rechecked_at=now(),
            )
    assert questions(store, "new") == ["passes"]
    assert sorted(questions(store)) == ["fails", "passes", "unchecked"]

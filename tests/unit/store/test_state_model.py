"""Every interleaving of workers, kills and losses of Redis: nothing lost, doubled or paid twice.

The model is tests/support/state_model.py; its actions and the search through them stand beside it. It takes
its moves from the table of transitions that the store is held to (tests/integration/store/test_states.py),
and is held against that table here.
"""

from dataclasses import replace
from functools import cache

import pytest
from support.state_actions import ACTIONS, STARTS
from support.state_model import Bounds, Rules, Setting
from support.state_search import FORBIDDEN, LOST, Explored, explore

from farm.store.states import TRANSITIONS

FAULTS = Bounds(workers=3, kills=4, expiries=2, releases=0, requeues=0, max_attempts=3)
PEOPLE = Bounds(workers=3, kills=2, expiries=1, releases=1, requeues=1, max_attempts=2)
SMALL = Bounds(workers=2, kills=2, expiries=1, releases=0, requeues=0, max_attempts=2)
REQUEUED = replace(SMALL, kills=1, requeues=1)


@pytest.fixture(scope="module")
def faults() -> Explored:
    """Kills and late workers beyond what the attempts allow; nobody intervenes."""
    return explore(Setting(bounds=FAULTS))


@pytest.fixture(scope="module")
def people() -> Explored:
    """Fewer faults, but people and draining workers who cancel, stop, release and requeue."""
    return explore(Setting(bounds=PEOPLE))


def test_nothing_is_lost_doubled_or_paid_twice_under_faults(faults: Explored) -> None:
    assert faults.broken == {}
    assert faults.states > 50_000, "the bounds have shrunk"


def test_nothing_is_lost_doubled_or_paid_twice_while_people_intervene(people: Explored) -> None:
    assert people.broken == {}
    assert people.states > 200_000, "the bounds have shrunk"


def test_every_transition_of_the_table_happens_in_the_model(people: Explored) -> None:
    assert people.moves == TRANSITIONS


def test_every_action_happens_but_those_of_a_finish_in_two_steps(people: Explored) -> None:
    assert {action.name for action in ACTIONS} - people.actions == {"insert the query"}
    assert set(STARTS) <= people.actions


def test_a_call_that_is_cut_off_in_every_attempt_is_paid_for_in_every_attempt(faults: Explored) -> None:
    """The bound on payments is reached, so it is not one that nothing comes near."""
    assert faults.most_payments == FAULTS.max_attempts


explored = cache(explore)
FENCE = {"outcome_needs_the_token": False, "outcome_needs_the_lease": False}
FENCE_LETS_THROUGH = {
    FORBIDDEN,
    "accepted without its query",
    "dead without a reason",
    "settled by an earlier round",
}


@pytest.mark.parametrize(
    ("broken_rule", "bounds", "caught"),
    [
        (
            "claims_the_queued_only",
            SMALL,
            {FORBIDDEN, "accepted without its query", "attempts miscounted", "dead without a reason"},
        ),
        ("outcome_needs_the_token", REQUEUED, {"settled by an earlier round"}),
        ("outcome_needs_the_lease", SMALL, {FORBIDDEN, "dead without a reason"}),
        ("finishes_at_once", SMALL, {"accepted without its query"}),
        ("calls_only_while_leased", SMALL, {"paid too often"}),
        ("keeps_answers", SMALL, {"paid too often"}),
        ("reads_kept_answers", SMALL, {"paid too often", "paid after the answer was kept"}),
        ("goes_on_with_the_kept_answer", SMALL, {"a query without its answer"}),
        ("requeue_starts_a_new_round", REQUEUED, {"settled by an earlier round"}),
        ("frees_the_leases_of_the_dead", SMALL, {LOST}),
        ("issues_hints_again", SMALL, {LOST}),
        ("attempts_are_bounded", SMALL, {"too many attempts"}),
        ("last_attempt_is_worked_alone", SMALL, {"dead by another task's doing"}),
        ("rest_does_not_count", SMALL, {"dead by another task's doing"}),
        ("release_counts_back_what_was_counted", replace(SMALL, releases=1), {"attempts miscounted"}),
    ],
)
def test_a_rule_that_is_broken_is_caught(broken_rule: str, bounds: Bounds, caught: set[str]) -> None:
    whole = explored(Setting(bounds=bounds))
    mutant = explore(Setting(bounds=bounds, rules=Rules(**{broken_rule: False})))
    assert whole.broken == {}
    assert set(mutant.broken) == caught


def test_the_unique_key_holds_off_a_second_query_where_the_fence_is_broken() -> None:
    """Token and lease guard the decision, the unique key the query: it takes both faults to store two."""
    one_key_less = {"one_query_per_task": False}
    assert broken_by(one_key_less) == set()
    assert broken_by(FENCE) == FENCE_LETS_THROUGH
    assert broken_by(FENCE | one_key_less) == FENCE_LETS_THROUGH | {"doubled"}


def broken_by(rules: dict[str, bool]) -> set[str]:
    return set(explore(Setting(bounds=REQUEUED, rules=Rules(**rules))).broken)

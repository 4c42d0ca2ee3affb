"""Which tasks get a hint, and in which order."""

import pytest

from farm.queue.reconciler import missing


@pytest.mark.parametrize(
    ("waiting", "hinted", "issued"),
    [
        ([], set(), []),
        ([(1, 0, "shop"), (2, 0, "shop")], set(), [(1, 0), (2, 0)]),
        ([(1, 0, "shop"), (2, 0, "shop")], {"task-1"}, [(2, 0)]),
        ([(1, 0, "shop"), (2, 0, "shop")], {"task-1", "task-2", "task-3"}, []),
        ([(1, 0, "shop")], {"1", "task-11", "TASK-1"}, [(1, 0)]),
        ([(1, 0, "shop"), (2, 5, "shop"), (3, -5, "shop")], set(), [(2, 5), (1, 0), (3, -5)]),
        (
            [(1, 0, "shop"), (2, 0, "bank"), (3, 0, "shop"), (4, 0, "bank")],
            set(),
            [(2, 0), (4, 0), (1, 0), (3, 0)],
        ),
        ([(1, 0, "bank"), (2, 9, "shop"), (3, 9, "bank")], set(), [(3, 9), (2, 9), (1, 0)]),
    ],
)
def test_tasks_without_a_hint_go_urgent_first_and_target_by_target(waiting, hinted, issued):
    assert missing(waiting, hinted) == issued

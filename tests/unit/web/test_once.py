"""A form that is sent again is done once."""

import threading

import pytest

from farm.web.once import Once


def test_the_first_result_is_kept():
    once, made = Once[int](), iter(range(9))
    assert [once.run("k", lambda: next(made)) for _ in range(3)] == [0, 0, 0]
    assert once.run("other", lambda: next(made)) == 1
    assert (once.get("k"), once.get("nothing")) == (0, None)


def test_without_a_key_everything_is_done_anew():
    once, made = Once[int](), iter(range(9))
    assert [once.run(key, lambda: next(made)) for key in ("", "", "x" * 65)] == [0, 1, 2]


def test_what_failed_may_be_tried_again():
    once = Once[int]()
    with pytest.raises(ZeroDivisionError):
        once.run("k", lambda: 1 // 0)
    assert once.run("k", lambda: 7) == 7


def test_a_form_that_is_sent_after_its_time_is_a_new_one():
    now, made = [0.0], iter(range(9))
    once = Once[int](lasts_seconds=30, clock=lambda: now[0])
    for now[0], found in ((0.0, 0), (30.0, 0), (31.0, 1), (60.0, 1), (62.0, 2)):
        assert once.run("k", lambda: next(made)) == found


def test_a_second_one_waits_for_the_first():
    once, began, go_on, results = Once[int](), threading.Event(), threading.Event(), list[int]()

    def slow() -> int:
        began.set()
        assert go_on.wait(30)
        return 1

    first = threading.Thread(target=lambda: results.append(once.run("k", slow)))
    first.start()
    assert began.wait(30)
    second = threading.Thread(target=lambda: results.append(once.run("k", lambda: 2)))
    second.start()
    go_on.set()
    first.join(30)
    second.join(30)
    assert results == [1, 1]


def test_only_the_latest_forms_are_remembered():
    once = Once[int](kept=2)
    for number in range(4):
        once.run(f"k{number}", lambda: 1)
    assert [once.get(f"k{number}") for number in range(4)] == [None, None, 1, 1]

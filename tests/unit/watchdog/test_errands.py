"""Errands hold nobody up: whoever asks gets an answer in time or none."""

import threading
import time
from collections.abc import Iterator

import pytest
from support.late import LATE_SECONDS

from farm.errors import Unavailable
from farm.watchdog.errands import Errands, Question


@pytest.fixture
def errands() -> Iterator[Errands]:
    errands = Errands()
    yield errands
    errands.close()


class Store:
    """Answers with how often it was asked, when its gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        assert self.gate.wait(10)
        return self.asked


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.gate.set()


def test_errands_are_done_in_their_order(errands):
    done: list[int] = []
    for number in range(100):
        errands.send(lambda number=number: done.append(number))
    assert errands.wait(30)
    assert done == list(range(100))


def test_an_errand_that_fails_does_not_stop_the_next(errands):
    failed = errands.send(lambda: 1 / 0)
    assert errands.send(lambda: 7).result(30) == 7
    assert isinstance(failed.exception(), ZeroDivisionError)


def test_nobody_waits_for_errands_longer_than_they_want(errands, store):
    errands.send(store)
    begun = time.monotonic()
    assert not errands.wait(0.05)
    assert time.monotonic() - begun < 1 + LATE_SECONDS
    store.gate.set()
    assert errands.wait(30)


def test_a_question_is_answered(errands, store):
    store.gate.set()
    question = Question(errands, store)
    assert [question.answer(), question.answer()] == [1, 2]


def test_an_error_is_raised_and_the_question_asked_again(errands):
    answers = iter([ValueError("no"), 3])

    def ask() -> int:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    question = Question(errands, ask)
    with pytest.raises(ValueError, match="no"):
        question.answer()
    assert question.answer() == 3


def test_a_late_answer_is_waited_for_once_asked_for_once_and_used_when_it_is_there(errands, store):
    question = Question(errands, store)
    with pytest.raises(Unavailable):
        question.answer(0.1)
    begun = time.monotonic()
    for _ in range(100):
        with pytest.raises(Unavailable):
            question.answer(10)
    assert time.monotonic() - begun < 1 + LATE_SECONDS
    store.gate.set()
    assert errands.wait(30)
    assert question.answer() == 1
    assert question.answer() == 2


def test_its_thread_ends_with_what_was_sent_before(errands):
    done: list[int] = []
    errands.send(lambda: done.append(1))
    errands.close()
    assert errands.wait(30)
    assert done == [1]
    deadline = time.monotonic() + 5
    while any(thread.name == "errands" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)

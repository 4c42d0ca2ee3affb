"""Requests with a key of their own: made once, however often and however closely they are sent."""

import threading

import pytest
from sqlalchemy import func, select
from support.store import opened, task

from farm.store.enqueue import enqueue
from farm.store.requests import Keyed, KeyReused
from farm.store.tables import BatchRow, RequestRow

ONE = Keyed(key="monday", digest="abc")


@pytest.fixture
def store(database_url):
    with opened(database_url) as store:
        yield store


def batches(store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(BatchRow)).scalar_one()


def asked(count: int = 2):
    return [(task(number), "default") for number in range(count)]


def test_a_request_that_is_sent_again_gives_the_same_batch(store):
    first, again = (enqueue(store, asked(), request=ONE) for _ in range(2))
    assert not first.repeated
    assert again.repeated
    assert (again.batch_id, again.added, again.known) == (first.batch_id, 2, 0)
    assert batches(store) == 1


def test_another_request_under_the_same_key_is_refused_and_does_nothing(store):
    first = enqueue(store, asked(), request=ONE)
    with pytest.raises(KeyReused, match=f"'monday' came with another request before .batch {first.batch_id}"):
        enqueue(store, asked(), request=Keyed(key="monday", digest="other"))
    assert batches(store) == 1


def test_what_fails_is_not_remembered(store):
    def broken():
        yield from asked(1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        enqueue(store, broken(), request=ONE)
    with store.read() as connection:
        assert connection.scalars(select(RequestRow.key)).all() == []
    assert not enqueue(store, asked(), request=ONE).repeated


def test_two_that_are_sent_at_once_make_one_batch(store):
    made = []
    at_once = threading.Barrier(2)

    def send() -> None:
        at_once.wait()
        made.append(enqueue(store, asked(50), request=ONE))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.repeated for one in made) == [False, True]
    assert made[0].batch_id == made[1].batch_id
    assert batches(store) == 1

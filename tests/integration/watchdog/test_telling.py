"""Webhooks sent by a farm that runs: while it works, at the end of a burst, and never unsigned."""

import pytest
from support.receiver import SECRET, receiving
from support.store import opened, task

from farm.settings import Settings
from farm.store import steering, webhooks, workers
from farm.store.enqueue import enqueue
from farm.watchdog.telling import Telling


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def store(sqlite_url):
    with opened(sqlite_url) as store:
        yield store


def ask(store, receiver):
    """A batch that has ended, and tells the receiver."""
    batch = enqueue(store, [(task(1), "default")], webhook_urls=[receiver.url]).batch_id
    with store.write() as connection:
        steering.cancel(connection, batch)


def states(store):
    with store.read() as connection:
        return [webhook.state for webhook in webhooks.of_batch(connection, 1)]


def test_a_burst_ends_after_it_has_told_of_its_batches(yard, work, receiver):
    with yard.store.write() as connection:
        workers.set_scale(connection, "default", 0)
    ask(yard.store, receiver)

    def scenario():
        yield lambda: True

    assert work(yard, scenario(), webhook_hosts=(receiver.place,), webhook_secret=SECRET)
    assert states(yard.store) == ["delivered"]


def test_a_farm_that_runs_tells_by_itself_and_outlives_what_goes_wrong(store, receiver, monkeypatch):
    monkeypatch.setattr("farm.watchdog.telling.PASS_SECONDS", 0.01)
    monkeypatch.setattr("farm.watchdog.telling.AWAY_SECONDS", 0.01)
    real, failures = webhooks.waiting, iter([ZeroDivisionError])

    def waiting(connection):
        for failure in failures:
            raise failure
        return real(connection)

    monkeypatch.setattr(webhooks, "waiting", waiting)
    ask(store, receiver)
    telling = Telling(Settings(webhook_hosts=(receiver.place,), webhook_secret=SECRET), store)
    assert receiver.came.acquire(timeout=30)
    telling.stop()
    assert states(store) == ["delivered"]
    assert len(receiver.received) == 1


@pytest.mark.parametrize("off", [{"webhook_hosts": None, "webhook_secret": SECRET}, {"webhook_secret": None}])
def test_a_farm_without_hosts_or_secret_sends_nothing(store, receiver, off):
    ask(store, receiver)
    telling = Telling(Settings(**{"webhook_hosts": (receiver.place,), **off}), store)
    telling.stop(last_pass=True)
    assert (receiver.received, states(store)) == ([], ["waiting"])

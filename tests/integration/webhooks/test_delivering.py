"""Webhooks from a batch's end to a receiver: signed, at least once, by whichever supervisor is there."""

import base64
import hashlib
import hmac
import json
import logging
import socket
import subprocess
import sys
import threading

import pytest
from sqlalchemy import text
from support.receiver import SECRET, receiving
from support.store import accepted, add, answer, claim, finish, opened, rejected, save_answer, task
from support.yard import wait_until

from farm.store import steering, webhooks
from farm.store.engine import now
from farm.store.enqueue import enqueue
from farm.store.task_selection import Selection
from farm.webhooks.delivering import AT_ONCE, LEASE_SECONDS, Deliverer
from farm.webhooks.sending import send

OTHER = "whsec_" + base64.b64encode(b"another secret of 32 bytes here!").decode()


@pytest.fixture
def store(database_url):
    with opened(database_url) as store:
        yield store


@pytest.fixture
def sqlite(sqlite_url):
    with opened(sqlite_url) as store:
        yield store


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def deliverer(store, receiver, **options):
    options = {"secrets": (SECRET,), "hosts": (receiver.place,), **options}
    return Deliverer(store, spread=lambda low, high: 1.0, **options)


def asked(store, receiver, tasks, **options):
    """A batch of these tasks that tells the receiver of its end; returns its id."""
    pairs = [(one, "default") for one in tasks]
    return enqueue(store, pairs, webhook_urls=[receiver.url], **options).batch_id


def ids(store, batch):
    with store.read() as connection:
        query = text("SELECT task_id FROM batch_items WHERE batch_id = :batch ORDER BY position")
        return list(connection.scalars(query, {"batch": batch}))


def work(store, task_ids, outcome=accepted):
    finish(store, *(outcome(one) for one in claim(store, task_ids).values()))


def requeue(store, batch):
    """As `farm requeue --batch` does it."""
    with store.write() as connection:
        assert steering.requeue(connection, Selection(batch_id=batch, states=steering.REQUEUEABLE))
        webhooks.requeued(connection, batch)


def hurry(store):
    """Let every message be due now."""
    with store.write() as connection:
        connection.execute(text("UPDATE webhooks SET next_at = created_at WHERE state = 'pending'"))


def standing(store, batch):
    with store.read() as connection:
        (found,) = webhooks.of_batch(connection, batch)
    return found


def said(received):
    return json.loads(received.body)["data"]


def test_the_end_of_a_batch_is_told_once_with_exact_counts(sqlite, receiver):
    teller = deliverer(sqlite, receiver)
    batch = asked(sqlite, receiver, [task(1), task(2)], name="monday")
    first, second = ids(sqlite, batch)
    work(sqlite, [first])
    save_answer(sqlite, answer(first))
    assert teller.tick() == 0
    work(sqlite, [second], rejected)
    assert [teller.tick() for _ in range(3)] == [1, 0, 0]
    (request,) = receiver.received
    told = json.loads(request.body)
    assert told["type"] == "batch.ended"
    assert told["timestamp"] == told["data"]["ended_at"] >= told["data"]["created_at"]
    assert {name: told["data"][name] for name in ("id", "name", "ending", "total", "counts")} == {
        "id": batch,
        "name": "monday",
        "ending": 1,
        "total": 2,
        "counts": {"queued": 0, "leased": 0, "accepted": 1, "rejected": 1, "dead": 0},
    }
    assert (told["data"]["prompt_tokens"], told["data"]["cost_usd"]) == (100, 0.5)
    assert standing(sqlite, batch).state == "delivered"
    assert request.path == "/told?token=c4nary"


def test_a_message_bears_the_signature_of_each_secret(sqlite, receiver):
    asked(sqlite, receiver, [task(1)])
    work(sqlite, [1])
    deliverer(sqlite, receiver, secrets=(SECRET, OTHER)).tick()
    (request,) = receiver.received
    signed = b".".join((request.id.encode(), request.headers["webhook-timestamp"].encode(), request.body))
    keys = [base64.b64decode(secret[len("whsec_") :]) for secret in (SECRET, OTHER)]
    expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    assert request.headers["webhook-signature"] == " ".join(f"v1,{one}" for one in expected)
    assert request.headers["content-type"] == "application/json"


def test_a_batch_waits_for_tasks_that_another_batch_added(store, receiver):
    """Also where one that was seen to have ended is requeued before the last one ends."""
    teller = deliverer(store, receiver)
    shared = add(store, 2)
    batch = asked(store, receiver, [task(0), task(1), task(2)])
    own = ids(store, batch)[2]
    work(store, [own])
    assert teller.tick() == 0
    work(store, shared[:1], rejected)
    assert teller.tick() == 0
    with store.write() as connection:
        assert steering.requeue(connection, Selection(task_ids=tuple(shared[:1]), states=("rejected",))) == 1
    work(store, shared[1:])
    assert teller.tick() == 0
    work(store, shared[:1])
    assert teller.tick() == 1


def test_a_batch_whose_tasks_are_all_done_already_ends_at_once(sqlite, receiver):
    work(sqlite, add(sqlite, 2))
    batch = asked(sqlite, receiver, [task(0), task(1)])
    assert deliverer(sqlite, receiver).tick() == 1
    data = said(receiver.received[0])
    assert (data["id"], data["total"]) == (batch, 2)
    assert data["ended_at"] == data["created_at"]


def test_a_cancelled_batch_has_ended(sqlite, receiver):
    batch = asked(sqlite, receiver, [task(1), task(2)])
    with sqlite.write() as connection:
        steering.cancel(connection, batch)
    assert deliverer(sqlite, receiver).tick() == 1
    assert said(receiver.received[0])["counts"]["dead"] == 2


def test_a_requeued_batch_tells_its_next_ending_under_another_id(sqlite, receiver):
    teller = deliverer(sqlite, receiver)
    batch = asked(sqlite, receiver, [task(1)])
    work(sqlite, [1], rejected)
    teller.tick()
    requeue(sqlite, batch)
    assert standing(sqlite, batch).state == "waiting"
    assert teller.tick() == 0
    work(sqlite, [1])
    teller.tick()
    assert [said(one)["ending"] for one in receiver.received] == [1, 2]
    assert len(set(receiver.ids)) == 2


def test_a_batch_that_is_requeued_while_it_is_told_keeps_its_next_ending(store, receiver):
    receiver.script = [None]
    batch = asked(store, receiver, [task(1)])
    work(store, [1], rejected)
    telling = threading.Thread(target=deliverer(store, receiver).tick)
    telling.start()
    assert receiver.came.acquire(timeout=30)
    requeue(store, batch)
    work(store, [1])
    with store.write() as connection:
        (webhook,) = webhooks.waiting(connection)
        assert webhooks.end(connection, webhook, now(), "{}")
    receiver.let_go.set()
    telling.join(30)
    assert (standing(store, batch).state, standing(store, batch).ending) == ("pending", 2)


def test_what_fails_is_tried_again_with_the_same_id_and_body(sqlite, receiver):
    receiver.script = [500, (429, {"retry-after": "100"}), (302, {"location": "/elsewhere"})]
    teller = deliverer(sqlite, receiver)
    batch = asked(sqlite, receiver, [task(1)])
    work(sqlite, [1])
    pauses = []
    for reason in ("answered 500", "answered 429", "answered 302: redirects are not followed"):
        assert teller.tick() == 1
        assert teller.tick() == 0
        found = standing(sqlite, batch)
        assert (found.state, found.reason) == ("pending", reason)
        with sqlite.read() as connection:
            pauses.append((found.next_at - webhooks.clock(connection)).total_seconds())
        hurry(sqlite)
    assert teller.tick() == 1
    assert standing(sqlite, batch).state == "delivered"
    assert pauses == pytest.approx([5, 100, 45], abs=4)
    assert [len({one.id for one in receiver.received}), len({one.body for one in receiver.received})] == [
        1,
        1,
    ]
    assert len(receiver.received) == 4


@pytest.mark.parametrize(("script", "attempts"), [([410], 1), ([500] * 12, 12)])
def test_what_is_unwanted_or_fails_for_a_day_is_given_up_with_the_reason(sqlite, receiver, script, attempts):
    receiver.script = list(script)
    teller = deliverer(sqlite, receiver)
    batch = asked(sqlite, receiver, [task(1)])
    work(sqlite, [1])
    for _ in script:
        teller.tick()
        hurry(sqlite)
    assert teller.tick() == 0
    found = standing(sqlite, batch)
    assert (found.state, found.attempt, found.status_code) == ("failed", attempts, script[-1])
    assert f"answered {script[-1]}" in found.reason
    with sqlite.read() as connection:
        assert webhooks.counts(connection)["failed"] == 1


def test_two_supervisors_tell_each_batch_once(store, receiver):
    for number in range(6):
        asked(store, receiver, [task(number)])
    work(store, range(1, 7))
    start = threading.Barrier(2)

    def tell():
        start.wait(30)
        teller = deliverer(store, receiver)
        for _ in range(3):
            teller.tick()

    tellers = [threading.Thread(target=tell) for _ in range(2)]
    for one in tellers:
        one.start()
    for one in tellers:
        one.join(60)
    assert sorted(said(one)["id"] for one in receiver.received) == [1, 2, 3, 4, 5, 6]
    with store.read() as connection:
        assert webhooks.counts(connection) == {"waiting": 0, "pending": 0, "failed": 0}


def test_what_a_killed_supervisor_had_begun_is_sent_again_under_the_same_id(sqlite_url, sqlite, receiver):
    receiver.script = [None]
    batch = asked(sqlite, receiver, [task(1)])
    work(sqlite, [1])
    program = (
        "import sys; from farm.store.engine import Store; from farm.webhooks.delivering import Deliverer; "
        "Deliverer(Store.open(sys.argv[1]), hosts=(sys.argv[2],), secrets=(sys.argv[3],)).tick()"
    )
    with subprocess.Popen([sys.executable, "-c", program, sqlite_url, receiver.place, SECRET]) as supervisor:
        assert receiver.came.acquire(timeout=30)
        supervisor.kill()
    receiver.let_go.set()
    teller = deliverer(sqlite, receiver)
    assert teller.tick() == 0, "it may still be under way"
    with sqlite.read() as connection:
        lease = standing(sqlite, batch).next_at - webhooks.clock(connection)
    assert 0 < lease.total_seconds() <= LEASE_SECONDS
    hurry(sqlite)
    assert teller.tick() == 1
    assert (len(receiver.received), len(set(receiver.ids))) == (2, 1)
    assert (standing(sqlite, batch).state, standing(sqlite, batch).attempt) == ("delivered", 2)


def test_no_host_that_is_not_allowed_any_more_is_told(sqlite, receiver):
    batch = asked(sqlite, receiver, [task(1)])
    work(sqlite, [1])
    deliverer(sqlite, receiver, hosts=("hooks.example.com",)).tick()
    assert receiver.received == []
    assert "is not among FARM_WEBHOOK_HOSTS" in standing(sqlite, batch).reason


def test_no_allowed_name_leads_to_this_machine(sqlite, receiver, monkeypatch):
    """As a name could that somebody else looks after."""
    import socket

    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
    name = f"http://hooks.example.com:{receiver.port}"
    enqueue(sqlite, [(task(1), "default")], webhook_urls=[f"{name}/"])
    work(sqlite, [1])
    deliverer(sqlite, receiver, hosts=(name,)).tick()
    assert receiver.received == []
    assert "hooks.example.com stands for a loopback address" in standing(sqlite, 1).reason


@pytest.mark.parametrize("change", [webhooks.requeued, webhooks.send_again])
def test_who_changes_a_batchs_webhooks_holds_them_in_the_order_of_all(postgres_database, change):
    """In another order, two who each hold what the other one wants are a deadlock."""
    with opened(postgres_database) as store:
        batch = enqueue(store, [(task(1), "default")], webhook_urls=["https://b/", "https://a/"]).batch_id
        with store.write() as connection:  # which moves the first one behind the second
            connection.execute(text("UPDATE webhooks SET state = 'failed' WHERE id = 2"))
            connection.execute(text("UPDATE webhooks SET state = 'failed' WHERE id = 1"))

        def do():
            with store.write() as connection:
                change(connection, batch)

        changing = threading.Thread(target=do)
        with store.engine.connect() as holder, holder.begin():
            holder.execute(text("SELECT id FROM webhooks WHERE id = 1 FOR UPDATE"))
            changing.start()
            wait_until(lambda: waiting_for_locks(store), "the other to wait for the first one")
            holder.execute(text("SELECT id FROM webhooks WHERE id = 2 FOR UPDATE NOWAIT"))
        changing.join(30)
        assert not changing.is_alive()


def waiting_for_locks(store):
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
    with store.engine.connect() as connection:
        return connection.scalar(text(query + "current_database()"))


def test_what_is_logged_and_shown_holds_no_secret(sqlite, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    receiver.script = [500, 410]
    teller = deliverer(sqlite, receiver)
    asked(sqlite, receiver, [task(1)])
    asked(sqlite, receiver, [task(2)])
    work(sqlite, [1, 2])
    teller.tick()
    hurry(sqlite)
    teller.tick()
    assert "will be tried again: answered 500" in caplog.text
    assert "was given up" in caplog.text
    assert "was delivered" in caplog.text
    for secret in ("c4nary", SECRET, SECRET.removeprefix("whsec_"), "v1,"):
        assert secret not in caplog.text
        assert secret not in (standing(sqlite, 1).reason or "")


def test_names_that_nobody_answers_for_keep_no_other_receiver_waiting(sqlite, receiver, monkeypatch):
    look_up, told = socket.getaddrinfo, threading.Event()

    def slow(host, *more, **options):
        if host == "localhost":
            return look_up("127.0.0.1", *more, **options)
        told.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setitem(send.__kwdefaults__, "timeout_seconds", 1.0)
    names = [f"{number}.example" for number in range(AT_ONCE - 1)]
    urls = [f"https://{name}/" for name in names] + [f"http://localhost:{receiver.port}/"]
    batch = enqueue(sqlite, [(task("Who?"), "default")], webhook_urls=urls).batch_id
    with sqlite.write() as connection:
        steering.cancel(connection, batch)
    hosts = (*names, f"localhost:{receiver.port}")
    telling = threading.Thread(target=deliverer(sqlite, receiver, hosts=hosts).tick)
    telling.start()
    try:
        assert receiver.came.acquire(timeout=30)
        telling.join(30)
        assert not telling.is_alive(), "the next pass does not wait either"
    finally:
        told.set()
        telling.join(30)

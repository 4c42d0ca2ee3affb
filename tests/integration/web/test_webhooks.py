"""Asking over HTTP to be told of a batch's end, and seeing how that stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.receiver import SECRET, receiving
from support.store import SHOP
from support.web import client

from farm.api import Farm
from farm.store import steering, targets
from farm.webhooks.delivering import Deliverer

DOC = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
QUESTION = {"question": "Revenue?", "target": "shop"}
SETTINGS = {"webhook_hosts": ("hooks.example.com",), "webhook_secret": SECRET}


def farm(url, home, **settings):
    made = Farm.connect(home=home, database_url=url, **{**SETTINGS, **settings})
    targets.save(made.store, SHOP)
    return made


def create(api, *urls, **more):
    return api.post("/api/v1/batches", params={"webhook": urls}, json=QUESTION, **more)


def cancel(farm, batch):
    with farm.store.write() as connection:
        steering.cancel(connection, batch)


def test_a_webhook_is_kept_with_its_batch_and_told_without_its_path(sqlite_url, tmp_path):
    with farm(sqlite_url, tmp_path) as made, client(made) as api:
        key = {"Idempotency-Key": "monday"}
        asked = ["https://hooks.example.com/c4nary?x=1", "https://hooks.example.com/c4nary?x=2"]
        first, again = (create(api, *asked, headers=key) for _ in range(2))
        assert (first.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        said = api.get("/api/v1/batches/1")
        page = api.get("/batches/1").text
        counts = api.get("/api/v1/status").json()["webhooks"]
    assert [(one["address"], one["state"]) for one in said.json()["webhooks"]] == [
        ("https://hooks.example.com/…", "waiting"),
        ("https://hooks.example.com/…", "waiting"),
    ]
    assert "https://hooks.example.com/… is told when the batch has ended." in page
    assert "c4nary" not in said.text + page
    assert counts == {"waiting": 2, "pending": 0, "failed": 0}


@pytest.mark.parametrize(
    ("settings", "url", "said"),
    [
        (
            {"webhook_hosts": None},
            "https://hooks.example.com/",
            "webhooks are off here: set FARM_WEBHOOK_HOSTS",
        ),
        ({"webhook_secret": None}, "https://hooks.example.com/", "set FARM_WEBHOOK_SECRET"),
        ({}, "https://elsewhere.example/", "https://elsewhere.example is not among FARM_WEBHOOK_HOSTS"),
    ],
)
def test_an_address_that_cannot_be_told_is_refused_and_nothing_is_enqueued(
    sqlite_url, tmp_path, settings, url, said
):
    with farm(sqlite_url, tmp_path, **settings) as made, client(made) as api:
        refused = create(api, url)
        assert refused.status_code == 422
        (fault,) = refused.json()["errors"]
        assert fault["parameter"] == "webhook"
        assert said in fault["detail"]
        assert api.get("/api/v1/batches").json()["batches"] == []


def test_how_a_message_fares_is_seen(sqlite_url, tmp_path):
    with receiving() as receiver, farm(sqlite_url, tmp_path, webhook_hosts=(receiver.place,)) as made:
        receiver.script = [503, 410]
        with client(made) as api:
            assert create(api, receiver.url).status_code == 201
            cancel(made, 1)
            teller = Deliverer(made.store, hosts=(receiver.place,), secrets=(SECRET,))
            seen = []
            for _ in range(2):
                teller.tick()
                (standing,) = api.get("/api/v1/batches/1").json()["webhooks"]
                seen.append((standing["state"], standing["attempts"], standing["next_at"] is not None))
                page = api.get("/batches/1").text
                assert standing["reason"] in page
                with made.store.write() as connection:
                    connection.exec_driver_sql("UPDATE webhooks SET next_at = created_at")
            assert api.post("/api/v1/batches/1/resend", json={}).json() == {"webhooks": 1}
            teller.tick()
            assert api.get("/api/v1/batches/1").json()["webhooks"][0]["state"] == "delivered"
            assert api.post("/api/v1/batches/9/resend", json={}).status_code == 404
    assert {standing["message_id"]} == set(receiver.ids)
    assert len(receiver.received) == 3
    assert seen == [("pending", 1, True), ("failed", 2, False)]


def test_a_batch_that_is_requeued_by_its_number_tells_its_next_end(sqlite_url, tmp_path):
    with farm(sqlite_url, tmp_path) as made, client(made) as api:
        create(api, "https://hooks.example.com/")
        cancel(made, 1)
        Deliverer(made.store, hosts=("elsewhere.example",), secrets=(SECRET,)).tick()
        assert [one.state for one in made.batch(1).webhooks()] == ["pending"]
        assert api.post("/api/v1/batches/1/requeue", json={}).json() == {"tasks": 1}
        assert [(one.state, one.ending) for one in made.batch(1).webhooks()] == [("waiting", 2)]


def test_the_receiver_of_the_docs_takes_what_is_signed_and_nothing_else(sqlite_url, tmp_path):
    (block,) = re.findall(r"^```python\n(.*?)^```", DOC, flags=re.MULTILINE | re.DOTALL)
    assert '("127.0.0.1", 9000)' in block
    told = block.replace("HTTPServer((", "server = HTTPServer((").replace(
        "9000), Receiver).", "0), Receiver)\n"
    )
    program = told.replace("serve_forever()", "print(server.server_port, flush=True)\nserver.serve_forever()")
    environment = {**os.environ, "FARM_WEBHOOK_SECRET": SECRET}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            place = f"127.0.0.1:{server.stdout.readline().strip()}"
            with farm(sqlite_url, tmp_path, webhook_hosts=(place,)) as made:
                with client(made) as api:
                    create(api, f"http://{place}/farm")
                cancel(made, 1)
                forged = "whsec_" + "A" * 44
                for secret in (forged, SECRET):
                    Deliverer(made.store, hosts=(place,), secrets=(secret,)).tick()
                    (standing,) = made.batch(1).webhooks()
                    with made.store.write() as connection:
                        connection.exec_driver_sql("UPDATE webhooks SET next_at = created_at")
                    if secret == forged:
                        assert standing.reason == "answered 401"
            assert standing.state == "delivered"
            assert server.stdout.readline().split()[0] == standing.message_id
        finally:
            server.kill()

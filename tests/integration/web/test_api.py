"""The HTTP API: asking, following, fetching and steering, as a client does it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from support.scene import play
from support.store import opened
from support.web import client

from farm.api import Farm
from farm.health.status import status
from farm.store import actions
from farm.store.states import TaskState

V1 = "/api/v1"
JSONL = {"content-type": "application/x-ndjson"}
CSV = {"content-type": "text/csv"}


@pytest.fixture(scope="module")
def played(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a farm in which much has happened."""
    home = tmp_path_factory.mktemp("played")
    shutil.copy(sqlite_template, home / "farm.db")
    with Farm.connect(home=home) as farm:
        play(farm, home)
    return home


@pytest.fixture
def home(played: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy = shutil.copytree(played, tmp_path / "home")
    urls = copy / "targets.toml"
    urls.write_text(urls.read_text("utf-8").replace(played.as_posix(), copy.as_posix()), "utf-8")
    return copy


@pytest.fixture
def farm(home: Path) -> Iterator[Farm]:
    with Farm.connect(home=home) as farm:
        yield farm


@pytest.fixture
def api(farm: Farm) -> Iterator[TestClient]:
    with client(farm) as api:
        api.base_url = f"{api.base_url}{V1}"
        yield api


def post(api: TestClient, path: str, body: Any = None, **more: Any) -> Response:
    return api.post(path, json={} if body is None else body, **more)


def question(text: str = "How many orders?", **more: Any) -> dict[str, Any]:
    return {"question": text, "target": "shop", **more}


def problem(answer: Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert (answer.status_code, said["status"], said["type"]) == (
        status,
        status,
        f"urn:sqlfarm:problem:{kind}",
    )
    return said


# Asking


def test_one_question_becomes_a_batch_that_its_location_shows(api):
    made = post(api, "/batches", question(), params={"name": "monday"})
    assert made.status_code == 201
    assert (made.json()["added"], made.json()["known"]) == (1, 0)
    assert made.headers["location"] == f"{V1}/batches/{made.json()['id']}"
    shown = api.get(f"/batches/{made.json()['id']}").json()
    assert (shown["name"], shown["total"], shown["counts"]["queued"]) == ("monday", 1, 1)


def test_several_are_asked_in_order_and_what_is_known_is_not_asked_again(api):
    made = post(api, "/batches", [question("a?"), question("b?"), question("a?")]).json()
    assert (made["added"], made["known"]) == (2, 1)
    results = api.get(f"/batches/{made['id']}/results").json()["results"]
    assert [one["question"] for one in results] == ["a?", "b?", "a?"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"question": "a?"}\n\n{"question": "b?", "target": "shop"}\n', JSONL),
        ("question,target\na?,\nb?,shop\n", CSV),
    ],
)
def test_a_file_is_taken_as_the_body(api, body, kind):
    made = api.post("/batches", content=body, headers=kind, params={"target": "shop"})
    assert made.json()["added"] == 2


def test_bad_rows_are_all_told_by_their_lines_and_nothing_is_enqueued(api, farm):
    before = status(farm)["tasks"]
    body = '{"question": "a?", "target": "shop"}\n{"question": ""}\nno json\n'
    said = problem(api.post("/batches", content=body, headers=JSONL), 422, "bad-rows")
    assert [fault["line"] for fault in said["errors"]] == [2, 3]
    assert said["error_count"] == 2
    assert status(farm)["tasks"] == before


def test_bad_rows_of_an_array_are_told_by_pointers(api):
    said = problem(post(api, "/batches", [question(), question(target="shopp"), 7]), 422, "bad-rows")
    assert [fault["pointer"] for fault in said["errors"]] == ["#/1", "#/2"]
    assert "there is no target 'shopp'" in said["errors"][0]["detail"]


def test_a_dialect_for_all_is_refused_once_and_not_with_every_row(api):
    sent = {"params": {"dialect": "oracle"}}
    assert (
        "there is no dialect 'oracle'"
        in problem(post(api, "/batches", question(), **sent), 422, "bad-input")["detail"]
    )


def test_a_blank_name_is_refused_in_plain_words(api):
    said = problem(post(api, "/batches", question(), params={"name": " "}), 400, "bad-request")
    assert said["detail"] == "name: this is blank; write a name or leave it out"


def test_who_sends_nothing_is_told_what_to_send(api):
    said = problem(api.post("/queues/default/resume"), 415, "unsupported-media-type")
    assert said["detail"].endswith("where there is nothing to say as {}")
    assert post(api, "/queues/default/resume", {}).status_code == 200


def test_the_good_rows_are_enqueued_beside_bad_ones_where_that_is_wanted(api):
    made = post(api, "/batches", [question(), 7], params={"keep_going": "true"}).json()
    assert (made["added"], made["bad_count"], made["bad"][0]["line"]) == (1, 1, 2)


@pytest.mark.parametrize("body", ["", "[", '{"a": NaN', "\ufeff[1", "[" * 100_000])
def test_what_is_no_json_is_refused(api, body):
    answer = api.post("/batches", content=body.encode(), headers={"content-type": "application/json"})
    problem(answer, 400, "bad-request")


def test_the_same_request_under_a_key_gives_the_same_batch(api):
    sent = {"headers": {"Idempotency-Key": "monday"}, "params": {"name": "x"}}
    first, again = (post(api, "/batches", question(), **sent) for _ in range(2))
    assert again.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    "other", [{"json": [question("another?")]}, {"json": question(), "params": {"name": "another"}}]
)
def test_another_request_under_the_same_key_is_refused(api, other):
    key = {"Idempotency-Key": "monday"}
    assert post(api, "/batches", question(), headers=key).status_code == 201
    problem(api.post("/batches", headers=key, **other), 422, "key-reused")


def test_a_key_that_is_none_is_refused(api):
    said = problem(post(api, "/batches", question(), headers={"Idempotency-Key": "a b"}), 400, "bad-request")
    assert said["errors"][0]["header"] == "Idempotency-Key"


@pytest.mark.parametrize("size", ["as it says", "without saying"])
def test_a_body_that_is_too_large_is_refused(tmp_path, sqlite_url, size):
    line = b'{"question": "a?", "target": "shop"}\n' * 100
    with (
        Farm.connect(home=tmp_path, database_url=sqlite_url, upload_limit_mib=0.001) as farm,
        client(farm) as api,
    ):
        sent: Any = line if size == "as it says" else iter([line[:500], line[500:]])
        problem(api.post(f"{V1}/batches", content=sent, headers=JSONL), 413, "too-large")
        assert api.get(f"{V1}/batches").json()["batches"] == []


# Following and fetching


def test_a_batch_says_how_far_it_has_come_and_why_tasks_were_refused(api):
    shown = api.get("/batches/1").json()
    assert (shown["total"], shown["done"], shown["open"]) == (8, 8, 0)
    assert shown["reasons"] == [{"code": "unknown_column", "tasks": 2}]
    assert shown["counts"] == {"queued": 0, "leased": 0, "accepted": 6, "rejected": 2, "dead": 0}
    assert shown["prompt_tokens"] > 0


def test_batches_are_leafed_through(api):
    first = api.get("/batches", params={"limit": 1}).json()
    rest = api.get("/batches", params={"after": first["after"]}).json()
    assert [one["id"] for one in first["batches"] + rest["batches"]] == [2, 1]
    assert rest["after"] is None


def test_results_come_page_by_page_or_all_as_lines_in_the_same_order(api):
    pages, after = [], None
    while after is not None or not pages:
        params = {"limit": 3} if after is None else {"limit": 3, "after": after}
        page = api.get("/batches/1/results", params=params).json()
        pages.append(page["results"])
        after = page["after"]
    lines = api.get("/batches/1/results", params={"format": "jsonl"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [one for page in pages for one in page] == [json.loads(one) for one in lines.text.splitlines()]
    assert [len(page) for page in pages] == [3, 3, 2]


def test_results_can_be_those_in_a_state(api):
    found = api.get("/batches/1/results", params={"state": "rejected"}).json()["results"]
    assert [one["reason_code"] for one in found] == ["unknown_column"] * 2


def test_tasks_are_found_by_what_they_are(api):
    found = api.get("/tasks", params={"state": "failed", "reason": "unknown_column", "batch": 1}).json()
    assert [one["state"] for one in found["tasks"]] == ["rejected"] * 2
    assert [one["id"] for one in api.get("/tasks", params={"id": [1, 3]}).json()["tasks"]] == [3, 1]
    assert api.get("/tasks", params={"q": "revenue MONTH"}).json()["tasks"][0]["question"].startswith("Rev")


def test_a_task_shows_every_attempt(api):
    shown = api.get("/tasks/8").json()
    assert shown["question"] == "Revenue per month?"
    assert len(shown["calls"]) == 1
    assert len(shown["failed_calls"]) == 1


def test_queries_are_searched_and_counted_by_facets(api):
    found = api.get("/queries", params={"q": "revenue", "table": "orders", "facets": "true"}).json()
    assert [one["question"] for one in found["queries"]] == ["Revenue per month?"]
    assert found["queries"][0]["tags"] == ["money"]
    assert {"name": "shop", "count": 1} in found["facets"]["targets"]


def test_queries_are_leafed_through(api):
    every = [one["id"] for one in api.get("/queries").json()["queries"]]
    first = api.get("/queries", params={"limit": 4}).json()
    rest = api.get("/queries", params={"limit": 4, "after": first["after"]}).json()
    assert [one["id"] for one in first["queries"] + rest["queries"]] == every
    assert rest["after"] is None


def test_the_status_is_that_of_the_command_line(api, farm):
    told = api.get("/status").json()
    own = json.loads(json.dumps(status(farm)))
    assert told.keys() == own.keys()
    assert told["tasks"] == own["tasks"]


def test_targets_are_shown_without_their_urls(api):
    found = api.get("/targets").json()["targets"]
    assert [(one["name"], one["runs"]) for one in found] == [("kept-apart", False), ("shop", True)]
    shown = api.get("/targets/shop")
    assert "CREATE TABLE orders" in shown.json()["ddl"]
    assert "sqlite:///" not in shown.text


# Running and checking


def test_a_query_is_run_and_its_rows_come_back(api):
    answer = post(api, "/queries/6/run", {"row_limit": 2}).json()
    assert answer["columns"] == ["month", "revenue"]
    assert answer["rows"] == [["2025-01", 1260.0], ["2025-02", 798.0]]
    assert (answer["row_count"], answer["truncated"]) == (2, True)


def test_a_query_is_run_with_other_values_in_its_place(api):
    named = api.get("/queries/1/parameters").json()["parameters"]
    assert [(one["name"], one["default"]) for one in named] == [("placed_on", "2025-01-01")]
    rows = post(api, "/queries/1/run", {"parameters": {"placed_on": "2025-12-01"}}).json()["rows"]
    assert [row[0] for row in rows] == ["2025-12-10"]


@pytest.mark.parametrize(("form", "first"), [("csv", "month,revenue"), ("jsonl", '{"month": "2025-01"')])
def test_a_whole_result_is_streamed(api, form, first):
    answer = post(api, "/queries/6/run", {"format": form})
    assert answer.text.startswith(first)
    assert len(answer.text.splitlines()) == 12 + (form == "csv")


def test_no_run_has_more_rows_than_the_settings_allow(home):
    with Farm.connect(home=home, row_limit=3) as farm, client(farm) as api:
        assert post(api, f"{V1}/queries/6/run", {"row_limit": 1000}).json()["row_count"] == 3


def test_a_query_whose_target_has_no_database_here_cannot_be_run(api, farm):
    (farm.settings.home / "targets.toml").unlink()
    problem(post(api, "/queries/6/run"), 409, "conflict")


def test_a_query_that_its_database_refuses_is_told_as_such(api, home):
    (home / "shop.db").unlink()
    problem(post(api, "/queries/6/run"), 502, "target-failed")


def test_a_query_is_held_against_the_checks(api):
    verdict = post(api, "/check", {"sql": "SELECT nope FROM orders", "target": "shop"}).json()
    assert not verdict["accepted"]
    assert verdict["findings"][0]["code"] == "unknown_column"
    assert post(api, "/check", {"sql": "SELECT id FROM orders", "target": "shop"}).json()["accepted"]


# Steering


def test_a_batch_is_cancelled_and_its_tasks_requeued_and_the_log_says_who(api, farm):
    assert post(api, "/batches/2/cancel").json() == {"tasks": 1}
    assert post(api, "/batches/2/requeue").json() == {"tasks": 1}
    with farm.store.read() as connection:
        log = [(one.actor, one.action) for one in actions.page(connection, limit=2)]
    assert log == [("local", "requeue"), ("local", "cancel")]


def test_tasks_are_requeued_and_cancelled_by_what_they_are(api, farm):
    assert post(api, "/tasks/requeue", {"batch": 1, "reason": "unknown_column"}).json() == {"tasks": 2}
    assert post(api, "/tasks/cancel", {"ids": [2, 3, 9]}).json() == {"tasks": 3}
    assert farm.task(2).state is TaskState.DEAD


@pytest.mark.parametrize("body", [{}, {"states": ["dead"]}, {"all": False}])
def test_all_tasks_are_meant_only_when_that_is_said(api, body):
    said = problem(post(api, "/tasks/requeue", body), 422, "bad-input")
    assert "all: true" in said["detail"]


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\0"])
def test_words_that_say_nothing_narrow_nothing(api, text):
    problem(post(api, "/tasks/requeue", {"text": text}), 422, "bad-input")


def test_a_queue_is_paused_and_resumed(api):
    assert post(api, "/queues/default/pause").json() == {"name": "default", "paused": True}
    assert api.get("/status").json()["queues"][0]["paused"]
    assert post(api, "/queues/default/resume").json() == {"name": "default", "paused": False}
    problem(post(api, "/queues/nope/pause"), 404, "not-found")


# Errors


@pytest.mark.parametrize(
    "path",
    ["/batches/99", "/batches/99/results", "/tasks/99", "/queries/99", "/targets/x", "/nope", "/tasks/x"],
)
def test_what_is_not_there_is_told(api, path):
    problem(api.get(path), 404, "not-found")


def test_a_parameter_that_is_none_is_refused_with_the_nearest_one(api):
    said = problem(api.get("/tasks", params={"stat": "dead"}), 400, "bad-request")
    assert said["detail"] == "there is no parameter 'stat'; did you mean 'state'?"
    assert said["errors"][0]["parameter"] == "stat"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=1.5", "after=-1", "limit=1&limit=2", "state=no", "id=", "batch="]
)
def test_a_value_that_is_none_is_refused(api, query):
    said = problem(api.get(f"/tasks?{query}"), 400, "bad-request")
    assert said["errors"][0]["parameter"] == query.partition("=")[0]


@pytest.mark.parametrize(
    "query", ["since=0", "since=2025-02-30", "since=20250101", "starred=1", "mark=fine", "tag=%20"]
)
def test_days_and_truths_are_written_in_one_way(api, query):
    problem(api.get(f"/queries?{query}"), 400, "bad-request")


def test_a_field_that_is_none_is_told_by_a_pointer(api):
    said = problem(post(api, "/tasks/requeue", {"ids": [1, "x"], "modle": "m"}), 422, "bad-input")
    assert [fault["pointer"] for fault in said["errors"]] == ["#/ids/1", "#/modle"]


def test_what_is_not_possible_at_an_address_is_told_with_what_is(api):
    answer = api.delete("/batches")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert api.request("BREW", "/batches").status_code == 405


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_bodies_of_other_kinds_are_refused(api, kind):
    answer = api.post("/tasks/requeue", content=b'{"all": true}', headers={"content-type": kind})
    problem(answer, 415, "unsupported-media-type")
    assert answer.headers["accept-post"] == "application/json"


def test_a_store_that_is_away_is_told_with_when_to_try_again(tmp_path, postgres_url, postgres_database):
    name = postgres_database.rpartition("/")[2].partition("?")[0]
    admin = psycopg.connect(postgres_url, autocommit=True)
    with (
        admin,
        opened(postgres_database),
        Farm.connect(home=tmp_path, database_url=postgres_database) as farm,
        client(farm) as api,
    ):
        assert api.get("/readyz").text == "ready\n"
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        answer = api.get(f"{V1}/tasks")
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert (api.get("/healthz").status_code, api.get("/readyz").status_code) == (200, 503)
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        assert api.get("/readyz").status_code == 200


def test_a_store_of_another_version_is_told_and_the_server_is_not_ready(api, farm):
    with farm.store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        connection.exec_driver_sql("DROP TABLE batch_items")
    problem(api.get("/batches"), 503, "unavailable")
    answer = api.get("/../../readyz")
    assert answer.status_code == 503
    assert "revision 0001" in answer.text


def test_a_fault_of_ours_is_told_without_its_details(api, monkeypatch):
    monkeypatch.setattr("farm.store.batches.find", lambda *_, **__: 1 / 0)
    answer = api.get("/batches")
    problem(answer, 500, "broken")
    assert "division" not in answer.text


def test_enqueued_tasks_wear_what_was_said_of_them(api, farm):
    made = post(api, "/batches", question(priority=5, tags=["a", "b"], key="k-1")).json()
    (found,) = api.get(f"/batches/{made['id']}/results").json()["results"]
    shown = api.get(f"/tasks/{found['task_id']}").json()
    assert (shown["key"], shown["priority"], shown["tags"]) == ("k-1", 5, ["a", "b"])

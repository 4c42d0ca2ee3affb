"""Who may ask the HTTP API for what: tokens, roles, cookies, and what other sites have a browser send."""

import re

import pytest
from starlette.testclient import TestClient
from support.web import TOKENS, csrf

from farm.web.access import Role
from farm.web.api.operation import PREFIX, Operation
from farm.web.api.table import OPERATIONS

OF_ROLE = {Role.READER: "read", Role.RUNNER: "run", Role.OPERATOR: "steer"}
CANCEL = f"{PREFIX}/tasks/cancel"
NOTHING = {"ids": [1]}


def ask(api: TestClient, operation: Operation, token: str | None) -> int:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    path = PREFIX + re.sub(r"\{\w+\}", "0", operation.path)
    body = {"json": {}} if operation.body is not None else {}
    return api.request(operation.method, path, headers=headers, **body).status_code


def test_each_operation_is_for_its_role_and_those_above_and_for_no_stranger(browse):
    api = browse(**TOKENS)
    for operation in OPERATIONS:
        if operation.role is None:
            assert ask(api, operation, None) == 200
            continue
        assert ask(api, operation, None) == 401
        assert ask(api, operation, "nobody's") == 401
        for role, token in OF_ROLE.items():
            refused = ask(api, operation, token) == 403
            assert refused == (role < operation.role), (operation.id, role)


def test_what_changes_something_is_not_for_readers():
    assert all(one.role in (Role.RUNNER, Role.OPERATOR) for one in OPERATIONS if one.method == "POST")


def test_who_is_refused_is_told_how_to_come_in(browse):
    answer = browse(**TOKENS).get(f"{PREFIX}/tasks")
    assert answer.headers["www-authenticate"] == 'Bearer realm="farm"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in answer.headers


def test_a_cookie_is_taken_for_reading_and_else_only_with_the_sessions_code(browse):
    signed_in = browse("steer", **TOKENS)
    assert signed_in.get(f"{PREFIX}/tasks").status_code == 200
    assert signed_in.post(CANCEL, json=NOTHING).status_code == 403
    assert signed_in.post(CANCEL, json=NOTHING, headers={"x-csrf-token": "guessed"}).status_code == 403
    code = csrf(signed_in.get("/farm").text)
    assert signed_in.post(CANCEL, json=NOTHING, headers={"x-csrf-token": code}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_what_another_site_has_a_browser_send_is_refused_also_from_an_operator(browse, headers):
    assert browse().post(CANCEL, json=NOTHING, headers=headers).status_code == 403


@pytest.mark.parametrize("header", ["Basic YW5uYTpwYXNz", "Bearer a-proxys-own"])
def test_what_a_browser_or_a_proxy_adds_does_not_speak_for_another_site(browse, header):
    behind = browse(
        web_user_header="X-User", web_user_role="operator", web_trusted_proxies=("testclient",), **TOKENS
    )
    sent = {"x-user": "anna", "authorization": header}
    assert behind.post(CANCEL, json=NOTHING, headers=sent).status_code == 200
    foreign = {**sent, "origin": "https://evil.example"}
    assert behind.post(CANCEL, json=NOTHING, headers=foreign).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_of_another_site_could_send_is_no_body_here(browse, kind):
    api = browse()
    for operation in OPERATIONS:
        if operation.method == "POST":
            path = PREFIX + re.sub(r"\{\w+\}", "0", operation.path)
            answer = api.post(path, content=b'{"all": true}', headers={"content-type": kind})
            assert answer.status_code == 415, operation.id


def test_our_own_pages_and_programs_may(browse):
    api = browse()
    assert api.post(CANCEL, json=NOTHING).status_code == 200
    own = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    assert api.post(CANCEL, json=NOTHING, headers=own).status_code == 200


def test_a_name_that_is_not_the_servers_is_refused(browse):
    assert browse().get(f"{PREFIX}/tasks", headers={"host": "evil.example"}).status_code == 400


def test_who_did_it_stands_in_the_log(browse):
    api = browse(**TOKENS)
    queue = f"{PREFIX}/queues/default/pause"
    assert api.post(queue, json={}, headers={"authorization": "Bearer steer"}).status_code == 200
    assert "operator" in api.get("/actions", headers={"authorization": "Bearer read"}).text

"""Requests as their spans tell them."""

import os

import pytest
from starlette.testclient import TestClient
from support.store import add
from support.traced import Traced
from support.web import client

from farm.errors import BadSetting
from farm.web.app import build


@pytest.fixture
def traced(browser):
    traced = Traced()
    browser.app.state.tracer = traced.tracer
    return traced


def test_a_request_is_named_by_its_route_and_silent_about_what_was_asked(farm, browser, traced):
    [task_id] = add(farm.store, 1)
    assert browser.get(f"/tasks/{task_id}?q=secret-words", headers={"x": "secret-words"}).status_code == 200
    [span] = traced.spans
    assert (span.name, span.kind.name, span.status.is_ok) == ("GET /tasks/{id}", "SERVER", True)
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/tasks/{id}",
        "url.path": f"/tasks/{task_id}",
        "url.scheme": "http",
    }
    assert "secret-words" not in span.to_json()


def test_what_is_not_found_tells_no_path_and_what_breaks_is_an_error(farm, browser, traced):
    assert browser.get("/secret-words").status_code == 404
    assert browser.request("SECRET", "/reports").status_code == 405
    with TestClient(browser.app, base_url="http://127.0.0.1", raise_server_exceptions=False) as other:
        other.app.state.tracer = traced.tracer
        farm.store.read = None  # a defect of ours
        assert other.get("/tasks").status_code == 500
    lost, odd, broken = traced.spans
    assert dict(lost.attributes) == {
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "url.scheme": "http",
    }
    assert (odd.name, odd.attributes["http.request.method"]) == ("_OTHER /reports", "_OTHER")
    assert (broken.name, broken.attributes["error.type"]) == ("GET /tasks", "TypeError")


def test_probes_leave_no_span(browser, traced):
    for path in ("/healthz", "/readyz", "/metrics"):
        browser.get(path)
    assert traced.spans == ()


def test_the_pages_do_not_start_where_traces_cannot_be_made(farm, monkeypatch):
    monkeypatch.setitem(os.environ, "OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(BadSetting, match="zipkin"):
        build(farm)
    monkeypatch.setitem(os.environ, "OTEL_TRACES_EXPORTER", "none")
    with client(farm) as browser:
        assert browser.get("/healthz").status_code == 200

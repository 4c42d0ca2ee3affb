"""What holds for every page: who may come in, which forms are taken, what browsers are told."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from support.web import BASE_URL, TOKENS, csrf, post

import farm.web.app
from farm.api import Farm
from farm.errors import BadInput, NotFound, StoreTrouble, Unavailable
from farm.web.access import Role
from farm.web.page import field, form, page, visitor


def whoami(request: Request) -> Response:
    return PlainTextResponse(f"{visitor(request).name} {visitor(request).role.name}")


async def write(request: Request) -> Response:
    return PlainTextResponse(f"{visitor(request).name} wrote {field(request, 'text')} {len(form(request))}")


def fail(request: Request) -> Response:
    raise {
        "notfound": NotFound("there is no <b>such</b> thing"),
        "bad": BadInput("mend it"),
        "away": Unavailable("come back"),
        "store": StoreTrouble("start the store"),
        "bug": RuntimeError("secret details"),
    }[request.query_params["with"]]


ROUTES = (
    page("/whoami", whoami),
    page("/write", write, role=Role.RUNNER, methods=("POST",), body_limit_bytes=10_000),
    page("/steer", whoami, role=Role.OPERATOR),
    page("/fail", fail),
)


@pytest.fixture(autouse=True)
def _own_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farm.web.app, "PAGES", (*farm.web.app.PAGES, ROUTES))


def test_on_this_machine_one_comes_in_as_the_operator(browse):
    assert browse().get("/whoami").text == "local OPERATOR"


def test_a_stranger_is_led_to_the_sign_in_and_back(browse):
    stranger = browse(**TOKENS)
    led = stranger.get("/whoami?a=1&b=%2F")
    assert (led.status_code, led.headers["location"]) == (303, "/login?next=%2Fwhoami%3Fa%3D1%26b%3D%252F")
    back = post(stranger, led.headers["location"], {"token": "read"}, form="/login")
    assert back.headers["location"] == "/whoami?a=1&b=%2F"
    assert stranger.get("/whoami").text == "reader READER"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\nb"])
def test_signing_in_leads_to_no_other_site(browse, elsewhere):
    stranger = browse(**TOKENS)
    back = stranger.post(
        "/login",
        params={"next": elsewhere},
        data={"token": "read", "csrf": csrf(stranger.get("/login").text)},
    )
    assert back.headers["location"] == "/"


def test_cookies_stay_on_https_where_a_proxy_speaks_it(browse):
    cookies = [
        browse(**TOKENS).get(path, headers=headers).headers["set-cookie"].lower()
        for path in ("/login", "/whoami")
        for headers in ({"x-forwarded-proto": "https"}, {})
    ]
    assert ["; secure" in cookie for cookie in cookies] == [True, False] * 2


def test_a_wrong_token_is_refused(browse):
    stranger = browse(**TOKENS)
    assert post(stranger, "/login", {"token": "reed"}, form="/login").status_code == 401
    assert stranger.get("/whoami").status_code == 303


def test_a_part_of_a_page_leads_the_whole_of_it_to_the_sign_in(browse):
    part = {"hx-request": "true", "hx-current-url": f"{BASE_URL}/batches/7?state=open"}
    stranger = browse(**TOKENS)
    for answer in (stranger.get("/batches/7/live", headers=part), stranger.post("/write", headers=part)):
        assert answer.status_code == 401
        assert answer.headers["hx-redirect"] == "/login?next=%2Fbatches%2F7%3Fstate%3Dopen"


def test_what_one_wrote_is_not_lost_with_the_session(browse):
    signed_out, signed_in_anew = browse(**TOKENS), browse("steer", **TOKENS)
    written = {"sql": "SELECT '<b>'", "token": "not this", "csrf": "of another session"}
    for browser, status in ((signed_out, 401), (signed_in_anew, 403)):
        answer = browser.post("/write", data=written)
        assert answer.status_code == status
        assert "SELECT &#39;&lt;b&gt;&#39;" in answer.text
        assert "not this" not in answer.text
        foreign = browser.post("/write", data=written, headers={"origin": "https://evil.example"})
        assert (foreign.status_code, "SELECT" in foreign.text) == (status, False)
    large = {"sql": "x" * (2 << 20)}
    assert signed_out.post("/write", data=large).status_code == 401


def test_a_sign_in_that_is_overtaken_by_another_tabs_is_asked_for_again(browse):
    browser = browse(**TOKENS)
    old = csrf(browser.get("/login?next=/whoami").text)
    post(browser, "/login", {"token": "read"}, form="/login")
    again = browser.post("/login?next=/whoami", data={"token": "run", "csrf": old})
    assert (again.status_code, "Do it once more" in again.text) == (403, True)
    signed_in = browser.post("/login?next=/whoami", data={"token": "run", "csrf": csrf(again.text)})
    assert signed_in.headers["location"] == "/whoami"
    assert browser.get("/whoami").text == "runner RUNNER"
    browser.cookies.clear()
    anew = browser.post("/login", data={"token": "run", "csrf": old})
    assert browser.post("/login", data={"token": "run", "csrf": csrf(anew.text)}).status_code == 303


def test_signing_out_is_for_good_and_a_token_that_is_no_more_lets_nobody_in(browse):
    reader = browse("read", **TOKENS)
    ((name, kept),) = reader.cookies.items()
    assert (
        browse(**{**TOKENS, "web_reader_token": "read anew"})
        .get("/whoami", headers={"cookie": f"{name}={kept}"})
        .headers["location"]
        .startswith("/login")
    )
    post(reader, "/logout", form="/nowhere")
    assert reader.get("/whoami").status_code == 303


def test_a_token_may_be_sent_with_each_request_without_a_form(browse):
    api = browse(**TOKENS)
    sent = {"authorization": "Bearer run"}
    assert api.get("/whoami", headers=sent).text == "runner RUNNER"
    assert api.post("/write", data={"text": "x"}, headers=sent).text == "runner wrote x 1"
    assert api.post("/write", data={"text": "x"}, headers={"authorization": "Bearer no"}).status_code == 401


def test_a_proxy_names_the_visitor_only_from_a_trusted_address(browse):
    # the test client's address is no address at all
    named = {"x-user": "anna"}
    trusted = browse(web_user_header="X-User", web_trusted_proxies=("testclient",))
    assert trusted.get("/whoami", headers=named).text == "anna RUNNER"
    assert trusted.get("/whoami").status_code == 303
    assert browse(web_user_header="X-User").get("/whoami", headers=named).status_code == 303


@pytest.mark.parametrize("header", ["Basic YW5uYTpwYXNz", "Bearer a-proxys-own", "Bearer run"])
def test_what_a_browser_or_a_proxy_adds_does_not_stand_for_a_forms_code(browse, header):
    behind = browse(web_user_header="X-User", web_trusted_proxies=("testclient",), **TOKENS)
    sent = {"x-user": "anna", "authorization": header}
    assert behind.post("/write", data={"text": "x"}, headers=sent).status_code == 403


@pytest.mark.parametrize(("token", "status"), [("read", 403), ("run", 403), ("steer", 200)])
def test_a_page_may_want_a_role(browse, token, status):
    assert browse(token, **TOKENS).get("/steer").status_code == status


def test_a_reader_cannot_write(browse):
    reader = browse("read", **TOKENS)
    refused = reader.post("/write", data={"csrf": csrf(reader.get("/nowhere").text)})
    assert refused.status_code == 403
    assert "This is for runners" in refused.text


def test_a_form_without_our_code_or_from_another_site_is_refused(browse):
    operator = browse("steer", **TOKENS)
    code = csrf(operator.get("/nowhere").text)
    assert operator.post("/write", data={"text": "x", "csrf": code}).text == "operator wrote x 2"
    assert operator.post("/write", data={"text": "x"}).status_code == 403
    assert operator.post("/write", data={"text": "x", "csrf": code[:-1] + "x"}).status_code == 403
    assert operator.post("/write", data={"text": "x", "csrf": "é"}).status_code == 403
    for header in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert operator.post("/write", data={"csrf": code}, headers=header).status_code == 403
    assert operator.post("/write", headers={"x-csrf-token": code}, data={"text": "y"}).status_code == 200


def test_the_code_of_one_browser_is_of_no_use_to_another(browse):
    code = csrf(browse("steer", **TOKENS).get("/nowhere").text)
    assert browse("steer", **TOKENS).post("/write", data={"csrf": code}).status_code == 403


def test_a_form_that_is_too_large_is_refused_whatever_it_says_of_its_length(browse):
    operator = browse("steer", **TOKENS)
    code = csrf(operator.get("/nowhere").text)
    assert operator.post("/write", data={"text": "x" * 20_000, "csrf": code}).status_code == 413
    pieces = (b"csrf=" + code.encode() + b"&text=" if n == 0 else b"x" * 1_000 for n in range(50))
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert operator.post("/write", content=pieces, headers=form).status_code == 413


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("notfound", 404, "there is no &lt;b&gt;such&lt;/b&gt; thing"),
        ("bad", 400, "mend it"),
        ("away", 503, "come back"),
        ("store", 503, "start the store"),
    ],
)
def test_what_the_farm_refuses_is_told_in_its_words(browse, kind, status, said):
    answer = browse().get("/fail", params={"with": kind})
    assert answer.status_code == status
    assert said in answer.text


def test_a_fault_of_ours_tells_no_details(tmp_path, sqlite_url):
    with Farm.connect(home=tmp_path, database_url=sqlite_url) as farm:
        made = TestClient(farm_app(farm), base_url=BASE_URL, raise_server_exceptions=False)
        with made as browser:
            answer = browser.get("/fail", params={"with": "bug"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"]


def farm_app(farm: Farm) -> Any:
    from farm.web.app import build

    return build(farm)


def test_every_answer_keeps_strangers_scripts_and_frames_out(browse):
    browser = browse()
    for path in ("/whoami", "/nowhere", "/healthz", "/login", "/fail?with=bad"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_name_that_is_not_ours_is_refused(browse):
    """A page of another site that has its name point here (DNS rebinding) gets nothing."""
    assert browse().get("/whoami", headers={"host": "evil.example"}).status_code == 400


def test_cookies_are_kept_from_scripts_and_other_sites(browse):
    cookie = browse().get("/whoami").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_files_are_kept_for_good_under_the_hash_of_what_they_hold(browse):
    browser = browse()
    html = browser.get("/nowhere").text
    (address,) = {part.split('"')[0] for part in html.split('href="')[1:] if "farm.css" in part.split('"')[0]}
    kept = browser.get(address)
    assert kept.status_code == 200
    assert "immutable" in kept.headers["cache-control"]
    older = browser.get("/assets/000000000000/static/farm.css")
    assert (older.status_code, older.headers["cache-control"]) == (200, "no-cache")
    for path in ("static/none.css", "static/../app.py", "static/%2e%2e/app.py", "/etc/passwd"):
        assert browser.get(f"/assets/x/{path}").status_code == 404


def test_the_front_page_is_the_reports(browse):
    assert browse().get("/").headers["location"] == "/reports"

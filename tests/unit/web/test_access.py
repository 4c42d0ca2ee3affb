"""Who may see and do what, by the settings."""

import stat
import sys
from pathlib import Path

import pytest

from farm.errors import BadSetting
from farm.settings import Settings
from farm.web.access import KEY_FILE, Access, Role, Visitor, access_of, is_loopback
from farm.web.session import cookie


def access(home: Path, **settings: object) -> Access:
    return access_of(Settings.load(home=home, **settings))


def test_on_this_machine_alone_everybody_is_the_operator(tmp_path):
    assert access(tmp_path).is_open
    assert not access(tmp_path, web_reader_token="r").is_open
    assert not access(tmp_path, web_user_header="X-User").is_open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "farm.example"])
def test_another_address_wants_a_token_or_a_proxy(tmp_path, host):
    with pytest.raises(BadSetting, match=r"open to everybody.*FARM_WEB_OPERATOR_TOKEN"):
        access(tmp_path, web_host=host)
    assert access(tmp_path, web_host=host, web_runner_token="r").by_token("r")
    assert access(tmp_path, web_host=host, web_user_header="X-User").user_header == "X-User"


def test_a_token_gives_the_role_it_is_set_for_and_no_other_does(tmp_path):
    known = access(tmp_path, web_reader_token="a", web_runner_token="b", web_operator_token="c")
    assert [known.by_token(token).role for token in "abc"] == [Role.READER, Role.RUNNER, Role.OPERATOR]
    assert [known.by_token(token) for token in ("", "A", "d", "abc")] == [None] * 4


def test_farms_of_one_machine_keep_their_cookies_apart(tmp_path):
    one, again, other = (access(tmp_path / name) for name in ("a", "a", "b"))
    assert cookie(one) == cookie(again) != cookie(other)


def test_an_empty_token_is_none(tmp_path):
    assert access(tmp_path, web_operator_token="").is_open


def test_each_role_may_do_what_those_before_it_may():
    runner = Visitor(name="r", role=Role.RUNNER)
    assert [runner.may(role) for role in Role] == [True, True, False]


def test_only_a_trusted_proxy_names_users(tmp_path):
    known = access(
        tmp_path, web_user_header="x-user", web_user_role="reader", web_trusted_proxies=("10.0.0.1",)
    )
    named = known.by_proxy({"x-user": " anna "}, "10.0.0.1")
    assert named == Visitor(name="anna", role=Role.READER)
    assert known.by_proxy({"x-user": "anna"}, "10.0.0.2") is None
    assert known.by_proxy({"x-user": " "}, "10.0.0.1") is None
    assert known.by_proxy({}, None) is None


def test_browsers_call_a_local_server_by_a_local_name(tmp_path):
    assert access(tmp_path).hosts == ("localhost", "127.0.0.1", "[::1]")
    assert access(tmp_path, web_host="0.0.0.0", web_reader_token="r").hosts == ("*",)
    assert access(tmp_path, web_hosts=("farm.example",)).hosts == ("farm.example",)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]")),
        *((host, False) for host in ("0.0.0.0", "localhost.example", "")),
    ],
)
def test_loopback(host, local):
    assert is_loopback(host) is local


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path):
    assert access(tmp_path).key == access(tmp_path).key
    assert access(tmp_path).key != access(tmp_path / "other").key
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [KEY_FILE]
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_a_broken_key_is_told(tmp_path):
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(BadSetting, match="delete it"):
        access(tmp_path)

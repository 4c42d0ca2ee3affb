"""The server itself: where it listens, and that it ends though a stream is open."""

import signal
import socket
import sys
import urllib.request

import pytest
from support.web import served

from farm.api import Farm
from farm.errors import Misuse
from farm.web.serving import address_of, listen


def test_a_server_answers_where_it_says(tmp_path, sqlite_url):
    with (
        Farm.connect(home=tmp_path, database_url=sqlite_url) as farm,
        served(farm) as address,
        urllib.request.urlopen(address + "/healthz", timeout=30) as answer,
    ):
        assert answer.read() == b"ok\n"


def test_a_port_that_is_taken_is_told(tmp_path):
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(Misuse, match=rf"127\.0\.0\.1:{port} \(.*\); set FARM_WEB_PORT"):
            listen("127.0.0.1", port)


def test_addresses_are_written_as_browsers_want_them():
    with listen("127.0.0.1", 0) as four:
        assert address_of(four) == f"http://127.0.0.1:{four.getsockname()[1]}"
    if socket.has_ipv6:
        with listen("[::1]", 0) as six:
            assert address_of(six) == f"http://[::1]:{six.getsockname()[1]}"


def test_a_host_that_there_is_not_is_told():
    with pytest.raises(Misuse, match="FARM_WEB_HOST"):
        listen("no.such.host.invalid", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="ends a process with a Unix signal")
def test_the_command_serves_until_it_is_told_to_stop(farm_command):
    process, address = farm_command
    with urllib.request.urlopen(address + "/login", timeout=30) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0

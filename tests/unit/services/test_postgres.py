"""What the embedded Postgres consists of."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from farm.errors import Unavailable
from farm.services import postgres

unix = pytest.mark.skipif(sys.platform == "win32", reason="it does not run on Windows")


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *versions: str) -> None:
    """A package with these Postgres installations."""
    for version in versions:
        (folder / version / "bin").mkdir(parents=True)
        (folder / version / "bin" / "postgres").touch()
    spec = ModuleSpec("package", None, origin=str(folder / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)


@unix
def test_the_newest_of_several_versions_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "pginstall", "pginstall9", "pginstall18")
    assert postgres.binaries() == tmp_path / "pginstall18" / "bin"


@unix
def test_a_package_without_a_server_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    with pytest.raises(Unavailable, match="holds no Postgres: run `pip install"):
        postgres.binaries()


def test_on_windows_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Unavailable, match="Linux and macOS only"):
        postgres.binaries()


def test_all_of_it_lies_in_the_home(tmp_path: Path) -> None:
    parts = (
        *(postgres.data(tmp_path), postgres.log(tmp_path), postgres.clean_mark(tmp_path)),
        *(postgres.users_lock(tmp_path), postgres.keeper_lock(tmp_path), postgres.server_lock(tmp_path)),
    )
    assert {part.parent for part in parts} == {tmp_path / "scratch"}
    assert len(set(parts)) == len(parts)


def test_an_address_may_hold_odd_characters() -> None:
    assert postgres.url("/a b/ü?&") == "postgresql://farm@/farm?host=/a%20b/%C3%BC%3F%26"


@pytest.mark.parametrize(("length", "fits"), [(85, True), (86, True), (87, False), (500, False)])
def test_a_socket_s_path_has_little_room(length: int, fits: bool) -> None:
    assert postgres.fits_socket("x" * length) is fits

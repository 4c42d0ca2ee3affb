"""Paid answers survive their worker in files of its owner's, and files that nobody can read stay."""

import stat
from pathlib import Path

import pytest
from support.store import answer

from farm.store.spool import Spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "unsaved"


def test_rows_come_back_as_they_were(folder: Path):
    rows = [answer(1, raw="SELECT 'ü' || x\nFROM t"), answer(2, 3, parameters={"seed": 1}, cost_usd=None)]
    path = Spool(folder).keep("w1", rows)
    assert list(Spool(folder).left()) == [(path, rows)]


def test_nothing_is_left_where_nothing_was_kept(folder: Path):
    assert list(Spool(folder).left()) == []


def test_a_file_is_forgotten_once_and_for_all(folder: Path):
    spool = Spool(folder)
    path = spool.keep("w1", [answer(1)])
    spool.drop(path)
    spool.drop(path)
    assert list(spool.left()) == []


def test_only_its_owner_reads_it(folder: Path):
    path = Spool(folder).keep("w1", [answer(1)])
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("text", ["{", "[]\n", '{"task_id": 1}\n', '{"created_at": "then"}\n', "7\n"])
def test_a_file_that_cannot_be_read_is_said_and_stays(folder: Path, text: str, caplog):
    spool = Spool(folder)
    good = spool.keep("w2", [answer(1)])
    bad = folder / "w1.jsonl"
    bad.write_text(text)
    (folder / "w3.unfinished").write_text("{")
    assert [path for path, _ in spool.left()] == [good]
    assert str(bad) in caplog.text
    assert bad.exists()


def test_a_place_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        Spool(tmp_path / "file" / "unsaved").keep("w1", [answer(1)])

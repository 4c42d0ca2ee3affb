"""The command line in this process: quick, over a real store in a home of its own."""

import io
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import store
from support.cli import Ended

from farm import Farm, Task, logs
from farm.cli.main import main
from farm.sql.verdict import Finding, Verdict

Run = Callable[..., Ended]
DDL = "CREATE TABLE orders (id integer PRIMARY KEY, customer text, total real)"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty FARM_HOME; nothing of the caller's settings counts."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FARM_DATABASE_URL", "FARM_REDIS_URL", "FARM_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FARM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FARM_SECRETS_DIR", str(tmp_path / "no-secrets"))
    monkeypatch.setattr(logs, "configure", lambda **_: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def farm(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `farm` with these words to its end."""

    def run(*words: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["farm", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Ended(code=int(end.value.code or 0), out=said.out, err=said.err)

    return run


@pytest.fixture
def opened(home: Path) -> Iterator[Farm]:
    """The same farm from Python, with the target `shop`."""
    with Farm.connect(home=home) as opened:
        opened.add_target("shop", dialect="sqlite", ddl=DDL)
        yield opened


@pytest.fixture
def worked(opened: Farm) -> Farm:
    """With a shop of three orders; task 1 accepted as query 1, task 2 rejected, task 3 waiting."""
    with sqlite3.connect("shop.db") as shop:
        shop.execute(DDL)
        shop.execute("INSERT INTO orders VALUES (1, 'Ada', 10.5), (2, 'Bob', 5), (3, NULL, 20)")
    shop.close()
    opened.add_target("shop", dialect="sqlite", url="sqlite:///shop.db", notes="Totals are in [euros].")
    questions = ("Who bought for how much?", "Nonsense [please]?", "Later?")
    opened.enqueue(Task(question=question, target="shop") for question in questions)
    first, second = store.claim(opened.store, [1, 2]).values()
    store.save_answer(opened.store, store.answer(1), store.answer(2, raw="I cannot"))
    sql = "SELECT customer, total FROM orders ORDER BY id"
    finding = Finding(code="syntax", message="it does not parse", line=1, column=3)
    refused = store.candidate(2, sql="I [cannot]", accepted=False)
    refused["verdict"] = Verdict(findings=(finding,)).to_dict()
    rejected = replace(store.rejected(second), candidates=(refused,))
    store.finish(opened.store, store.accepted(first, sql), rejected)
    return opened

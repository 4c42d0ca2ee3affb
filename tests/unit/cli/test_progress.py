"""Progress off a terminal: a line now and then, on standard error."""

import pytest

from farm.cli.progress import shown
from farm.store.results import Progress


def test_lines_are_few_and_the_last_one_always_comes(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(1000) as show:
        for accepted in range(0, 1001, 10):
            show(Progress(total=1000, accepted=accepted, prompt_tokens=accepted))
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("0 of 1,000 done: 0 accepted, 0 refused, 0 tokens")
    assert lines[1].startswith("1,000 of 1,000 done: 1,000 accepted, 0 refused, 1,000 tokens")


def test_nothing_is_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(1) as show:
        for _ in range(3):
            show(Progress(total=1, rejected=1))
    assert len(capsys.readouterr().err.splitlines()) == 1

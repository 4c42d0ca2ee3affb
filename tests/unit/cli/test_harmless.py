"""Text of strangers moves no cursor."""

from collections.abc import Callable

import pytest
from support import store
from support.cli import Ended

from farm import Farm, Task
from farm.cli.harmless import harmless, harmless_lines

Run = Callable[..., Ended]


@pytest.mark.parametrize("command", ["\x1b", "\x9b", "\x07", "\x00", "\x7f", "\u202e", "\u2066", "\ud800"])
def test_what_a_terminal_obeys_is_replaced(command: str) -> None:
    assert harmless(f"a{command}[31mb") == "a\N{REPLACEMENT CHARACTER}[31mb"
    assert harmless_lines(f"a\n\t{command}[31mb") == "a\n\t\N{REPLACEMENT CHARACTER}[31mb"


def test_text_is_one_line_and_otherwise_as_it_was() -> None:
    assert harmless(" Wieviel\r\n\tUmsatz? [bold]é漢[/] ") == "Wieviel Umsatz? [bold]é漢[/]"


def test_no_command_hands_on_what_a_question_would_have_the_terminal_do(farm: Run, opened: Farm) -> None:
    evil = "What\x1b]0;title\x07\x1b[2J?"
    opened.enqueue([Task(question=evil, target="shop")])
    (claimed,) = store.claim(opened.store, [1]).values()
    store.finish(opened.store, store.accepted(claimed, f"SELECT '{evil}'"))
    for words in (("tasks",), ("queries",), ("show", "1")):
        said = farm(*words)
        assert "\x1b" not in said.out + said.err
        assert "\x07" not in said.out + said.err
        assert "title" in said.out

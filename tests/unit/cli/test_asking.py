"""`farm enqueue`, `requeue`, `cancel`: what files may hold, and what is said of those that may not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import Ended

from farm import Farm, Task
from farm.store import actions

Run = Callable[..., Ended]
pytestmark = pytest.mark.usefixtures("opened")


def write(name: str, text: str | bytes) -> str:
    path = Path(name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def test_a_csv_file_with_all_columns_becomes_a_batch(farm: Run, opened: Farm) -> None:
    rows = 'Question,target,key,priority,tags\n"How many, all in all?",shop,k1,5,"a, b"\n'
    assert farm("enqueue", write("q.csv", rows)).out == "batch 1: 1 task enqueued\n"
    assert opened.task(1).question == "How many, all in all?"
    assert opened.task(1).key == "k1"


@pytest.mark.parametrize(
    "rows", ['{"question": "A?"}\n\n{"question": "B?"}', '\ufeff{"question": "A?"}\n{"question": "B?"}\r\n']
)
def test_lines_of_json_may_come_from_standard_input(farm: Run, rows: str) -> None:
    said = farm("enqueue", "-", "--target", "shop", "--json", stdin=rows)
    assert said.json == {"batch": 1, "added": 2, "known": 0, "bad": []}
    assert said.err == ""


def test_csv_may_come_from_standard_input(farm: Run) -> None:
    said = farm("enqueue", "-", "--format", "csv", stdin="question,target\nA?,shop\n")
    assert (said.code, said.out) == (0, "batch 1: 1 task enqueued\n")


def test_what_is_known_is_not_enqueued_again(farm: Run) -> None:
    rows = '{"question": "A?", "target": "shop"}\n{"question": " A? ", "target": "shop"}\n'
    assert farm("enqueue", "-", stdin=rows).out == "batch 1: 1 task enqueued, 1 known already\n"
    assert farm("enqueue", "-", stdin=rows).out == "batch 2: 0 tasks enqueued, 2 known already\n"


def test_queries_can_be_wanted_in_another_dialect(farm: Run, opened: Farm) -> None:
    rows = "question,target,dialect\nA?,shop,\nB?,shop,duckdb\nC?,shop,sqlite\n"
    assert farm("enqueue", write("q.csv", rows), "--dialect", "mysql").code == 0
    assert [opened.task(number).dialect for number in (1, 2, 3)] == ["mysql", "duckdb", None]
    again = farm("enqueue", write("p.csv", "question,target\nA?,shop\nC?,shop\n"))
    assert again.out == "batch 2: 1 task enqueued, 1 known already\n"
    for words in ((write("q.csv", rows.replace("duckdb", "oracle")),), ("p.csv", "--dialect", "oracle")):
        said = farm("enqueue", *words)
        assert said.code == 2
        assert "there is no dialect 'oracle' here" in said.err


BAD = "question,target\nA?,shop\n,shop\nB?,nowhere\nC?,shop,extra\n"


def test_bad_rows_are_named_by_line_and_nothing_is_enqueued(farm: Run, opened: Farm) -> None:
    said = farm("enqueue", write("q.csv", BAD))
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert [line.partition(":")[2].partition(":")[0] for line in lines[:3]] == [
        " line 3",
        " line 4",
        " line 5",
    ]
    assert "the question is empty" in lines[0]
    assert "no target 'nowhere'" in lines[1]
    assert lines[3] == "farm: nothing was enqueued: 3 rows are bad; mend them, or use --keep-going"
    assert opened.tasks() == []


def test_the_good_rows_beside_bad_ones_are_kept_if_asked(farm: Run, opened: Farm) -> None:
    said = farm("enqueue", write("q.csv", BAD), "--keep-going", "--json")
    assert said.code == 1
    assert (said.json["added"], [row["line"] for row in said.json["bad"]]) == (1, [3, 4, 5])
    assert [task.question for task in opened.tasks()] == ["A?"]


def test_scripts_hear_of_bad_rows_too(farm: Run) -> None:
    said = farm("enqueue", write("q.csv", BAD), "--json")
    assert said.code == 2
    assert (said.json["batch"], said.json["added"], len(said.json["bad"])) == (None, 0, 3)


def test_only_bad_rows_are_no_success_even_if_one_keeps_going(farm: Run) -> None:
    said = farm("enqueue", "-", "--keep-going", stdin="no json\n")
    assert said.code == 2
    assert said.err.splitlines()[-1] == "farm: nothing was enqueued: 1 row is bad, and none is good"


def test_a_flood_of_bad_rows_is_cut(farm: Run) -> None:
    said = farm("enqueue", "-", stdin="[]\n" * 500)
    assert len(said.err.splitlines()) == 22
    assert "480 bad rows more" in said.err


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("none.csv", None, "none.csv cannot be read (No such file or directory)"),
        ("folder.csv", "folder", "folder.csv cannot be read (Is a directory)"),
        ("q.xlsx", "", "q.xlsx is neither .jsonl nor .csv; say which with --format"),
        ("q.csv", "", "q.csv has no column `question` (it is empty)"),
        ("q.csv", "title,target\nA?,shop\n", "q.csv has no column `question`"),
        ("q.csv", "question,color\nA?,red\n", "q.csv has an unknown column 'color'"),
        ("q.csv", b"question,target\n\xff\xfe,shop\n", "q.csv is no UTF-8 text"),
        ("q.csv", 'question,target\n"A?,shop\n', "this is no CSV"),
        ("q.csv", "question,target\n", "there is nothing to enqueue"),
        ("q.jsonl", "\n", "there is nothing to enqueue"),
    ],
)
def test_a_file_that_is_no_list_of_questions_is_refused_in_one_line(
    farm: Run, opened: Farm, name: str, text: str | bytes | None, reason: str
) -> None:
    if text == "folder":
        Path(name).mkdir()
    elif text is not None:
        write(name, text)
    said = farm("enqueue", name)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("farm: ")
    assert reason in said.err
    assert len(said.err.splitlines()) == 1
    assert opened.tasks() == []


def test_a_broken_csv_after_bad_rows_tells_both(farm: Run) -> None:
    said = farm("enqueue", write("q.csv", 'question,target\n,shop\n"A?,shop\n'))
    assert said.code == 2
    assert "line 2: the question is empty" in said.err
    assert "this is no CSV" in said.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--target", "nowhere"), "there is no target 'nowhere' (known are shop)"),
        (("--format", "xml"), "there is no format 'xml'; use jsonl or csv"),
    ],
)
def test_an_option_that_fits_nothing_is_told_once(farm: Run, words: tuple[str, ...], reason: str) -> None:
    said = farm("enqueue", "-", *words, stdin='{"question": "A?"}\n{"question": "B?"}\n')
    assert said.code == 2
    assert reason in said.err
    assert len(said.err.splitlines()) == 1


def test_a_model_that_no_pool_asks_is_named(farm: Run) -> None:
    said = farm("enqueue", "-", "--target", "shop", stdin='{"question": "A?", "model": "unheard-of"}\n')
    assert said.code == 2
    assert "no pool asks the model 'unheard-of'" in said.err


def test_waiting_tasks_can_be_cancelled_and_requeued(farm: Run, opened: Farm) -> None:
    opened.enqueue([Task(question="A?", target="shop"), Task(question="B?", target="shop")])
    assert farm("cancel", "1").out == "2 tasks cancelled\n"
    assert farm("requeue", "1").out == "1 task requeued\n"
    assert farm("requeue", "--state", "rejected", "--all").out == "0 tasks requeued\n"
    assert farm("requeue", "--reason", "cancelled").out == "1 task requeued\n"
    assert farm("cancel", "--task", "2", "--task", "9").out == "1 task cancelled\n"
    assert farm("requeue", "--batch", "1").out == "1 task requeued\n"
    assert {task.state for task in opened.tasks()} == {"queued"}


def test_what_was_done_at_the_command_line_stands_in_the_log(farm: Run, opened: Farm) -> None:
    opened.enqueue([Task(question="A?", target="shop")])
    farm("cancel", "1")
    farm("requeue", "--all", "--state", "dead")
    farm("pause")
    with opened.store.read() as connection:
        told = actions.page(connection)
    assert [(one.action, one.detail) for one in told] == [
        ("pause", {"queue": "default"}),
        ("requeue", {"state": "dead", "tasks": 1}),
        ("cancel", {"batch": 1, "tasks": 1}),
    ]
    assert {one.actor.partition(" ")[2] for one in told} == {"(command line)"}


def test_a_cancel_that_names_nothing_is_refused(farm: Run) -> None:
    said = farm("cancel")
    assert (said.code, "name the batch that is to be cancelled" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "name some, narrow it, or add --all"),
        (("--all", "--state", "accepted"), "only rejected and dead tasks can be requeued, not accepted"),
        (("--all", "--model", "unheard-of"), "no pool asks the model 'unheard-of'"),
    ],
)
def test_a_requeue_that_means_too_much_or_nothing_is_refused(
    farm: Run, words: tuple[str, ...], reason: str
) -> None:
    said = farm("requeue", *words)
    assert said.code == 2
    assert reason in said.err


def test_an_unknown_batch_cannot_be_cancelled(farm: Run) -> None:
    said = farm("cancel", "7")
    assert (said.code, said.err) == (2, "farm: there is no batch 7, or it is empty\n")

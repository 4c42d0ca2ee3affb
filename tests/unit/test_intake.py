"""Reading CSV and JSONL: every bad row is named by its line, and a bad file says why."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from farm import intake
from farm.errors import BadInput
from farm.intake import BadRow, Format
from jobs.task import Task


def read(
    text: str | bytes,
    format: Format,
    *,
    target: str | None = "shop",
    check: Callable[[Task], None] = lambda task: None,
) -> list[Task | BadRow]:
    data = text if isinstance(text, bytes) else text.encode()
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    return list(intake.read(stream, format, default_target=target, check=check))


def questions(rows: list[Task | BadRow]) -> list[str]:
    return [row.question if isinstance(row, Task) else f"line {row.line}" for row in rows]


def lines(rows: list[Task | BadRow]) -> dict[int, str]:
    return {row.line: row.reason for row in rows if isinstance(row, BadRow)}


ALL = Task(question="Q?", target="bank", key="k", model="m", priority=3, tags=("a", "b"))


def test_every_column_is_read_from_csv():
    assert read('question,target,key,model,priority,tags\nQ?,bank,k,m,3,"a,b"\n', "csv") == [ALL]


def test_every_column_is_read_from_jsonl():
    row = '{"question":"Q?","target":"bank","key":"k","model":"m","priority":3,"tags":["a","b"]}'
    assert read(row, "jsonl") == [ALL]


@pytest.mark.parametrize(
    "text",
    [
        "question\nA\nB\n",
        "question\nA\nB",
        "question\r\nA\r\nB\r\n",
        "\ufeffquestion\nA\nB\n",
        '\ufeff"question"\nA\nB\n',
        "Question \nA\nB\n",
        "\n\nquestion\n\nA\n\n\nB\n\n",
        "question,target\nA\nB,\n",
        "question,target\nA,\n , \n,\nB,\n",
    ],
)
def test_csv_may_come_in_many_shapes(text: str):
    assert questions(read(text, "csv")) == ["A", "B"]


@pytest.mark.parametrize(
    "text",
    [
        '{"question":"A"}\n{"question":"B"}\n',
        '{"question":"A"}\r\n{"question":"B"}',
        '\ufeff{"question":"A"}\n{"question":"B"}',
        '\n  \n{"question":"A"}\n\n{"question":"B"}\n\n',
        '  {"question": "A", "target": null}  \n{"question":"B","target":""}',
    ],
)
def test_jsonl_may_come_in_many_shapes(text: str):
    assert questions(read(text, "jsonl")) == ["A", "B"]


def test_rows_without_a_target_take_the_default_and_others_keep_theirs():
    rows = read("question,target\nA,\nB,bank\n", "csv", target="shop")
    assert [row.target for row in rows if isinstance(row, Task)] == ["shop", "bank"]


def test_without_a_default_a_missing_target_is_a_bad_row():
    assert "the target is missing" in lines(read("question\nA\n", "csv", target=None))[2]


def test_a_quoted_line_break_stays_in_the_question_and_lines_are_counted_on():
    text = 'question,priority\n"first\nsecond\nthird",1\nA,high\n"x\ny",low\nB,1\n'
    rows = read(text, "csv")
    assert questions(rows) == ["first\nsecond\nthird", "line 5", "line 6", "B"]


def test_crlf_inside_quotes_is_kept_and_counted_once():
    rows = read('question,priority\r\n"a\r\nb",1\r\nC,high\r\n', "csv")
    assert questions(rows) == ["a\r\nb", "line 4"]


def test_a_bad_row_is_named_by_the_line_it_begins_on():
    rows = read('question,priority\n\nA,1\n\n\n"B\nB",many\n', "csv")
    assert list(lines(rows)) == [6]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,shop,1,surplus", "4 cells for 3 columns"),
        ("A,shop,high", "'high' is not a whole number"),
        ("A,shop,1000", "outside -100 to 100"),
        (",shop,1", "the question is empty"),
        ("A\0B,shop,1", "NUL"),
        ("x" * 9000 + ",shop,1", "9,000 characters"),
    ],
)
def test_a_bad_csv_row_does_not_hide_the_good_ones(row: str, said: str):
    rows = read(f"question,target,priority\nA,shop,1\n{row}\nB,shop,1\n", "csv")
    assert questions(rows) == ["A", "line 3", "B"]
    assert said in lines(rows)[3]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"question":"A"', "this is no JSON"),
        ("question,target", "this is no JSON"),
        ('["A"]', "no JSON object"),
        ('"A"', "no JSON object"),
        ("null", "no JSON object"),
        ("[" * 100_000, "this is no JSON"),
        ("9" * 10_000, "this is no JSON"),
        ('{"question":"A","colour":1}', "unknown column 'colour'"),
        ('{"question":5}', "holds int, not text"),
        ('{"question":"A","priority":Infinity}', "not a whole number"),
        ('{"question":"A","priority":2.5}', "not a whole number"),
        ('{"question":"A\\u0000"}', "NUL"),
        ('{"question":"\\ud83d"}', "half a character"),
        ('{"question":"A","tags":7}', "neither a list"),
        ('{"question":"A","target":{"a":1}}', "holds dict, not text"),
    ],
)
def test_a_bad_jsonl_row_does_not_hide_the_good_ones(row: str, said: str):
    rows = read(f'{{"question":"A"}}\n{row}\n{{"question":"B"}}\n', "jsonl")
    assert questions(rows) == ["A", "line 2", "B"]
    assert said in lines(rows)[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("How many orders?\nHow many customers?\n", "no column `question`"),
        ("question;target\nA;shop\n", "no column `question`.*separate its columns with commas"),
        ("Target\tQuestion\nshop\tA\n", "no column `question`.*separate its columns with commas"),
        ("q\0u\0e\0s\0t\0i\0o\0n\0\n\0A\0\n\0", "no column `question`.*Save it as UTF-8"),
        ("question,colour\nA,red\n", "unknown column 'colour'"),
        ("question,target,question\nA,shop,B\n", "'question' twice"),
        ("question,\nA,\n", "no name above its column 2"),
        (
            'question\nA\n"never closed\nB\n',
            "line 4: this is no CSV .* begins in line 3: is a quote left open",
        ),
        ('question\n"a"b\n', "line 2: this is no CSV"),
        ("question\n" + "x" * (intake.FIELD_LIMIT_CHARS + 1), "line 2: this is no CSV"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_why(text: str, said: str):
    with pytest.raises(BadInput, match=said):
        read(text, "csv")


@pytest.mark.parametrize("text", ['\n[\n {"question": "A"}\n]', '{\n "question": "A"}\n'])
def test_json_that_is_spread_over_lines_is_refused_at_once(text: str):
    with pytest.raises(BadInput, match="write one object per line"):
        read(text, "jsonl")


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_text_that_is_not_utf8_is_refused_with_its_place(format: Format):
    row = b"A" if format == "csv" else b'{"question":"A"}'
    head = b"question\n" if format == "csv" else b""
    with pytest.raises(BadInput, match=r"no UTF-8 text .* near its start"):
        read(head + row + b"\nUmsatz f\xfcr Mai\n", format)
    far = 10_000
    with pytest.raises(BadInput, match=r"no UTF-8 text .* after line \d+") as caught:
        read(head + (row + b"\n") * far + b"Umsatz f\xfcr Mai\n", format)
    place = int(str(caught.value).split("after line ")[1].split(")")[0])
    assert far - 8192 < place <= far + 1, "the text before it is read in blocks"


def test_utf16_is_refused():
    with pytest.raises(BadInput, match="no UTF-8 text"):
        read("question\nA\n".encode("utf-16"), "csv")


def test_what_the_caller_forbids_is_a_bad_row():
    def check(task: Task) -> None:
        if task.target != "shop":
            raise BadInput(f"no target {task.target}")

    rows = read("question,target\nA,shop\nB,bank\n", "csv", check=check)
    assert questions(rows) == ["A", "line 3"]
    assert lines(rows) == {3: "no target bank"}


def test_rows_come_as_they_are_read():
    def endless():
        yield '{"question":"A"}\n'
        raise AssertionError("read further than asked")

    stream: io.TextIOBase = endless()  # type: ignore[assignment]
    assert next(intake.read(stream, "jsonl", default_target="shop", check=lambda task: None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "format"), [("a.csv", "csv"), ("a.CSV", "csv"), ("a.jsonl", "jsonl"), ("a.b.ndjson", "jsonl")]
)
def test_the_format_follows_from_the_name(name: str, format: Format):
    assert intake.format_of(Path(name)) == format


@pytest.mark.parametrize("name", ["a.xlsx", "a", ".csv"])
def test_another_name_needs_the_format_said(name: str):
    with pytest.raises(BadInput, match="--format"):
        intake.format_of(Path(name))


def test_whatever_a_csv_writer_writes_comes_back():
    asked = ['say "hi", twice', "a\nb", " spaced ", "Ærø; ünï\u2028code", "=1+1"]
    out = io.StringIO()
    csv.writer(out).writerows([["question"], *([text] for text in asked)])
    assert questions(read(out.getvalue(), "csv")) == asked


@pytest.mark.parametrize("target", ["{}", "[]", "0", "false"])
def test_what_is_no_text_is_not_taken_for_a_target_that_is_left_out(target):
    (row,) = read(f'{{"question": "Q?", "target": {target}}}', "jsonl")
    assert isinstance(row, BadRow)
    assert "column 'target' holds" in row.reason


def test_values_that_were_read_already_are_taken_as_rows_are():
    rows = intake.of_values(
        [{"question": "A"}, {"question": ""}, 7], default_target="shop", check=lambda task: None
    )
    first, *bad = rows
    assert first == Task(question="A", target="shop")
    assert [row.line for row in bad if isinstance(row, BadRow)] == [2, 3]

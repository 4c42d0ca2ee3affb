"""The demonstration's table reads well, however wide the terminal is."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from farm.cli.demo import table
from farm.demo.grading import Graded
from farm.demo.questions import questions
from farm.store.results import TaskResult
from farm.store.states import TaskState


def graded() -> list[Graded]:
    rows = []
    for number, question in enumerate(questions(), start=1):
        result = TaskResult(
            task_id=number,
            key=question.id,
            question=question.text,
            target="shop",
            state=TaskState.ACCEPTED,
            attempt=1,
            reason_code=None,
            reason=None,
            query_id=number,
            sql=question.gold,
            model="stub-model",
            calls=1,
            prompt_tokens=1,
            completion_tokens=1,
            cost_usd=None,
            created_at=datetime(2025, 1, 1, tzinfo=UTC),
            finished_at=None,
        )
        rows.append(Graded(question=question, result=result, rows=1000, correct=True))
    wrong = replace(rows[1], correct=False)
    refused = replace(rows[2].result, state=TaskState.REJECTED, sql=None)
    return [
        rows[0],
        wrong,
        Graded(question=rows[2].question, result=refused, trouble="no such table"),
        *rows[3:],
    ]


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_fits_and_says_everything(width: int) -> None:
    text = io.StringIO()
    Console(file=text, width=width, color_system=None).print(table(graded(), width=width))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    said = " ".join(text.getvalue().split())
    for word in ("accepted", "correct", "differs", "rejected", "no such table", "1,000"):
        assert word in said
    for question in questions():
        assert question.text.split()[0] in said
    assert "1,0\n" not in text.getvalue()

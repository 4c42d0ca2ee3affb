"""Grading answers against gold: both queries run on the same shop, their results compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from farm.demo.accuracy import same_result
from farm.demo.questions import Question
from farm.errors import TargetTrouble
from farm.store.results import TaskResult
from farm.store.states import TaskState
from farm.targets.engine import Engine, Result, open_engine
from farm.targets.target import Target

ROW_LIMIT = 100_000
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Graded:
    """One question with what became of it; `rows` and `correct` are None where there is no query to run."""

    question: Question
    result: TaskResult
    rows: int | None = None
    correct: bool | None = None
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The figures at the foot of the demonstration."""

    total: int
    accepted: int
    correct: int
    tokens: int

    @property
    def acceptance_rate(self) -> float:
        """Accepted of all questions."""
        return self.accepted / self.total

    @property
    def execution_accuracy(self) -> float:
        """Questions whose query gives the gold query's result, of all questions."""
        return self.correct / self.total


def grade(pairs: Iterable[tuple[Question, TaskResult]], target: Target) -> list[Graded]:
    """Run each accepted query and its gold on the target, and compare the results."""
    engine = open_engine(target, purpose="run")
    if engine is None:
        raise TargetTrouble(f"target {target.name} cannot be run here")
    try:
        return [_grade(question, result, engine) for question, result in pairs]
    finally:
        engine.close()


def _grade(question: Question, result: TaskResult, engine: Engine) -> Graded:
    if result.state is not TaskState.ACCEPTED or result.sql is None:
        return Graded(question=question, result=result, trouble=result.reason)
    gold = _run(engine, question.gold)
    try:
        got = _run(engine, result.sql)
    except TargetTrouble as error:
        return Graded(question=question, result=result, correct=False, trouble=str(error))
    correct = same_result(gold.rows, got.rows, ordered=question.ordered)
    return Graded(question=question, result=result, rows=len(got.rows), correct=correct)


def _run(engine: Engine, sql: str) -> Result:
    return engine.run(sql, row_limit=ROW_LIMIT, timeout_seconds=TIMEOUT_SECONDS)


def score(graded: Iterable[Graded]) -> Score:
    """The figures over all questions."""
    rows = list(graded)
    return Score(
        total=len(rows),
        accepted=sum(row.result.state is TaskState.ACCEPTED for row in rows),
        correct=sum(bool(row.correct) for row in rows),
        tokens=sum(row.result.prompt_tokens + row.result.completion_tokens for row in rows),
    )


def shop_path(home: Path) -> Path:
    """Where the demonstration keeps its shop."""
    return home.absolute() / "shop.db"

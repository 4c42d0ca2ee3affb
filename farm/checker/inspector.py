"""Checks queries for one target in this process: its compiled schema and its warm dry-run engine.

The checker process holds one for each target; tests and the command line may use it directly.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from farm.checker.constraint import grammar_for
from farm.checker.dry_run import DryRun, Engine
from farm.checker.rendering import render, rendered_target
from farm.models.constraint import Form
from farm.sql.assess import assess, judge, judged
from farm.sql.schema import Schema
from farm.sql.verdict import Candidate, Finding, Severity, Verdict
from farm.targets.engine import NoEngine, open_engine
from farm.targets.target import Target

OpenEngine = Callable[[Target], Engine | None]


def open_check_engine(target: Target) -> Engine | None:
    """The engine that dry runs use; None for a Postgres target without a URL, there is no server for it."""
    return open_engine(target, purpose="check")


class Inspector:
    """Raises BadInput when the DDL cannot be compiled; `no_dry_run` is a reason to do without an engine."""

    def __init__(
        self, target: Target, *, open_engine: OpenEngine = open_check_engine, no_dry_run: str | None = None
    ) -> None:
        self.schema = Schema.from_ddl(target.ddl, target.dialect)
        self._target = target
        self._no_dry_run = no_dry_run
        self._dry_run = DryRun(lambda: open_engine(target))
        self._output: Inspector | None = None
        if target.output_dialect is not None:
            output = rendered_target(target, self.schema, target.output_dialect)
            self._output = Inspector(output, open_engine=open_engine, no_dry_run=no_dry_run)

    def check(self, sql: str) -> Verdict:
        """The verdict on one query, taken as it is."""
        try:
            return judge(sql, self.schema, self._dry_run, self._engine_name())
        except NoEngine as absent:
            return _without_engine(judge(sql, self.schema), str(absent))

    def judged(self, sql: str) -> Candidate:
        """One query as it is, with its verdict, key and lineage; if wanted, in another dialect, too."""
        try:
            found = judged(sql, self.schema, self._dry_run, self._engine_name())
        except NoEngine as absent:
            found = judged(sql, self.schema)
            found = replace(found, verdict=_without_engine(found.verdict, str(absent)))
        if self._output is None:
            return found
        return render(found, self.schema, self._output.schema, self._output.check)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Those that need an engine: the target, and what it is in the other dialect that is wanted."""
        return (self._target,) if self._output is None else (self._target, *self._output.targets)

    def assess(self, answer_text: str) -> tuple[Candidate, ...]:
        """The judged candidates of an answer, see farm.sql.assess; in another dialect, if one is wanted."""
        judged = self._assess(answer_text)
        if self._output is None:
            return judged
        output, check = self._output.schema, self._output.check
        return tuple(render(candidate, self.schema, output, check) for candidate in judged)

    def _assess(self, answer_text: str) -> tuple[Candidate, ...]:
        try:
            return assess(answer_text, self.schema, self._dry_run, self._engine_name())
        except NoEngine as absent:
            judged = assess(answer_text, self.schema)
            return tuple(replace(c, verdict=_without_engine(c.verdict, str(absent))) for c in judged)

    def grammar(self, question: str, sql: str, form: Form) -> str | None:
        """What the next answer is to be held to, `sql` having failed; None where nothing fits."""
        grammar = grammar_for(question, sql, self._target, self.schema)
        if grammar is None:
            return None
        return grammar.lark() if form == "lark" else grammar.gbnf()

    def warm(self) -> None:
        """Open the engine now rather than with the first query."""
        with suppress(NoEngine):
            self._engine_name()
        if self._output is not None:
            self._output.warm()

    def close(self) -> None:
        self._dry_run.close()
        if self._output is not None:
            self._output.close()

    def _engine_name(self) -> str:
        if self._no_dry_run is not None:
            raise NoEngine(self._no_dry_run)
        return self._dry_run.name


def _without_engine(verdict: Verdict, reason: str) -> Verdict:
    if not verdict.accepted:
        return verdict
    finding = Finding(
        code="no_dry_run",
        severity=Severity.WARNING,
        message=f"the query was checked without a dry run: {reason}",
    )
    return replace(verdict, findings=(*verdict.findings, finding))

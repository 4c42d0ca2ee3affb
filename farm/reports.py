"""What people do with the queries that were accepted: find, run, judge and correct them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from farm.correcting import Correction, correct, recheck
from farm.errors import BadInput, NotFound
from farm.settings import Settings
from farm.sql.verdict import Verdict
from farm.store import actions, marks, reports, tags, targets
from farm.store.engine import Connection, Store
from farm.store.reports import Attempt, Report
from farm.store.versions import Overtaken
from farm.targets import urls
from farm.targets.engine import Result, open_engine
from farm.targets.target import Target

ACTOR = "local"
"""Who did it, where nobody says."""


class Reports:
    """The accepted queries of a farm, and the targets that they are for; the Farm of `farm.api` is one."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store

    def target(self, name: str) -> Target:
        """The target of that name, with its URL where one is known; raises UnknownTarget."""
        return replace(
            targets.load(self.store, name),
            url=urls.find(self.settings, name),
            evidence=urls.wants_evidence(self.settings, name),
        )

    def targets(self) -> list[Target]:
        """All targets, by name."""
        return [self.target(name) for name in targets.names(self.store)]

    def attempts(self, task_id: int) -> list[Attempt]:
        """Every model call of a task, with the verdicts on what it held."""
        with self.store.read() as connection:
            return reports.attempts(connection, task_id)

    def queries(
        self,
        search: str | None = None,
        *,
        target: str | None = None,
        table: str | None = None,
        column: str | None = None,
        unique: bool = False,
        limit: int | None = None,
    ) -> Iterator[Report]:
        """Accepted queries, newest first, whose title, question or SQL holds every word of `search`.

        `table` and `column` (`orders.total`, or `total` of whichever table) keep those that read them;
        `unique`, of those that differ in spelling alone, only the first.
        """
        with self.store.read() as connection:
            yield from reports.find(
                connection,
                search=search,
                target=target,
                table=table,
                column=column,
                unique=unique,
                limit=limit,
            )

    def query(self, query_id: int) -> Report:
        """One accepted query; raises NotFound."""
        with self.store.read() as connection:
            found = reports.get(connection, query_id)
        if found is None:
            raise NotFound(f"there is no query {query_id}; `farm queries` lists them")
        return found

    def run(
        self, query_id: int, *, row_limit: int | None = None, timeout_seconds: float | None = None
    ) -> Result:
        """Run an accepted query, read-only, against its target. Raises NotFound or TargetTrouble."""
        report = self.query(query_id)
        target = self.target(report.target)
        engine = open_engine(target, purpose="run")
        if engine is None:
            raise BadInput(
                f"target {target.name} has no URL here; add it with `farm target add {target.name} --url …`"
            )
        try:
            return engine.run(
                report.original_sql or report.sql,
                row_limit=row_limit or self.settings.row_limit,
                timeout_seconds=timeout_seconds or self.settings.run_timeout_seconds,
            )
        finally:
            engine.close()

    def star(self, query_id: int, *, starred: bool = True, actor: str = ACTOR) -> None:
        """Star an accepted query, or take its star away; raises NotFound. `actor` is for the action log."""
        self.query(query_id)
        with self.store.write() as connection:
            marks.star(connection, query_id, starred=starred)
            _record(connection, actor, "star" if starred else "unstar", query_id)

    def entitle(self, query_id: int, title: str, *, actor: str = ACTOR) -> None:
        """Give an accepted query a title; an empty one takes it away. Raises NotFound or BadInput."""
        self.query(query_id)
        with self.store.write() as connection:
            marks.entitle(connection, query_id, title)
            _record(connection, actor, "title", query_id, title=title)

    def mark(self, query_id: int, judged: str | None, *, actor: str = ACTOR) -> None:
        """Judge an accepted query 'good' or 'bad', or neither (None). Raises NotFound or BadInput."""
        self.query(query_id)
        with self.store.write() as connection:
            marks.mark(connection, query_id, judged)
            _record(connection, actor, "mark", query_id, mark=judged)

    def tag(self, query_id: int, tag: str, *, remove: bool = False, actor: str = ACTOR) -> bool:
        """Add a tag to an accepted query, or remove it; False: no change. Raises NotFound or BadInput."""
        self.query(query_id)
        with self.store.write() as connection:
            changed = (tags.remove if remove else tags.add)(connection, query_id, tag)
            if changed:
                _record(connection, actor, "untag" if remove else "tag", query_id, tag=tag)
        return changed

    def correct(
        self,
        query_id: int,
        sql: str,
        *,
        note: str = "",
        author: str = ACTOR,
        version: int | None = None,
    ) -> Correction:
        """Make SQL that passes the checks the query's new version; what they refuse changes nothing.

        `version` is the one that was corrected (None: whichever is there now): Overtaken is raised where
        somebody else was faster. Also raises NotFound or BadInput. Not for use inside an event loop.
        """
        report = self.query(query_id)
        if version is not None and version != report.version:
            raise Overtaken(query_id, report.version)
        target = self.target(report.target)
        return correct(self.store, self.settings, report, target, sql, note=note, author=author)

    def recheck(self, query_id: int, *, actor: str = ACTOR) -> Verdict:
        """Check an accepted query against its target's schema as it is now, and keep the verdict with it.

        Raises NotFound, BadInput or Unavailable. Not for use inside an event loop.
        """
        report = self.query(query_id)
        target = self.target(report.target)
        return recheck(self.store, self.settings, report, target, actor=actor)


def _record(connection: Connection, actor: str, action: str, query_id: int, **detail: Any) -> None:
    actions.record(connection, actor=actor, action=action, detail={"query": query_id, **detail})

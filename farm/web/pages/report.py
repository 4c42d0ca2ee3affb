"""One report: what it says, where it came from, what people say of it, and how it was corrected."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from farm.correcting import Correction, is_stale, tidy
from farm.errors import BadInput
from farm.sql.format import pretty
from farm.store import marks, reports, tags, versions
from farm.store.reports import Report
from farm.store.versions import Overtaken
from farm.web.access import Role
from farm.web.changes import changes
from farm.web.page import farm_of, field, form, number, page, see, visitor
from farm.web.pages.runs import run_panel
from farm.web.templating import is_htmx, render

NOTICES = {
    "corrected": "Corrected: this is a new version.",
    "rechecked": "Checked again, against the schema as it is now.",
}


def show(request: Request) -> Response:
    """All about a report."""
    farm = farm_of(request)
    report = farm.query(number(request))
    fingerprint = farm.target(report.target).fingerprint
    with farm.store.read() as connection:
        attempts = reports.attempts(connection, report.task_id)
        alike = reports.alike(connection, report)
        related = reports.related(connection, report)
        own_tags = reports.tags_of(connection, [report.id]).get(report.id, [])
    return render(
        request,
        "report.html",
        report=report,
        here=_path(report),
        notice=NOTICES.get(request.query_params.get("done", "")),
        formatted=_formatted(report.sql, report.dialect),
        attempts=attempts,
        chosen=next((each for each in attempts if each.call_no == report.call_no), None),
        task=farm.task(report.task_id),
        alike=alike,
        related=related,
        tags=own_tags,
        stale=is_stale(report, fingerprint),
        fingerprint=fingerprint,
        title_limit=marks.TITLE_LIMIT_CHARS,
        tag_limit=tags.LENGTH_LIMIT_CHARS,
        **run_panel(request, report),
    )


def _formatted(sql: str, dialect: str) -> str | None:
    """The query in a tidy layout, where that is another one."""
    laid_out = pretty(sql, dialect)
    return None if laid_out.split() == sql.split() and laid_out.count("\n") <= sql.count("\n") else laid_out


def _path(report: Report) -> str:
    return f"/reports/{report.id}"


def star(request: Request) -> Response:
    """Star it, or take the star away."""
    farm, query_id = farm_of(request), number(request)
    farm.star(query_id, starred=field(request, "starred") == "yes", actor=visitor(request).name)
    back = _back(request, query_id)
    if is_htmx(request):
        return render(request, "_star.html", report=farm.query(query_id), here=back)
    return see(back)


def _back(request: Request, query_id: int) -> str:
    """The list that the form was in, or else the report."""
    given = field(request, "next")
    is_ours = given == "/reports" or given.startswith(("/reports?", "/reports/"))
    return given if is_ours else f"/reports/{query_id}"


def entitle(request: Request) -> Response:
    """Give it a title."""
    query_id = number(request)
    farm_of(request).entitle(query_id, field(request, "title"), actor=visitor(request).name)
    return see(f"/reports/{query_id}")


def mark(request: Request) -> Response:
    """Judge it."""
    query_id = number(request)
    farm_of(request).mark(query_id, field(request, "mark") or None, actor=visitor(request).name)
    return see(f"/reports/{query_id}")


def add_tag(request: Request) -> Response:
    """Add a tag, or several with commas between them."""
    query_id, farm = number(request), farm_of(request)
    given = [tag for tag in field(request, "tag").split(",") if tag.strip()]
    if not given:
        raise BadInput("there is no tag; write one, or several with commas between them")
    for tag in given:
        farm.tag(query_id, tag, actor=visitor(request).name)
    return see(f"/reports/{query_id}")


def remove_tag(request: Request) -> Response:
    """Take a tag away."""
    query_id = number(request)
    tag = str(form(request).get("tag", ""))
    farm_of(request).tag(query_id, tag, remove=True, actor=visitor(request).name)
    return see(f"/reports/{query_id}")


def recheck(request: Request) -> Response:
    """Check it against its target's schema as it is now."""
    query_id = number(request)
    farm_of(request).recheck(query_id, actor=visitor(request).name)
    return see(f"/reports/{query_id}", done="rechecked")


def edit(request: Request) -> Response:
    """The form that corrects it."""
    report = farm_of(request).query(number(request))
    return _editor(request, report, sql=report.original_sql or report.sql, note="")


def save(request: Request) -> Response:
    """Check what was written, and keep it as a new version."""
    farm = farm_of(request)
    report = farm.query(number(request))
    sql, note = str(form(request).get("sql", "")), field(request, "note")
    version = field(request, "version")
    read = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None
    try:
        done = farm.correct(report.id, sql, note=note, author=visitor(request).name, version=read)
    except Overtaken as error:
        return _editor(request, report, sql=sql, note=note, status=409, trouble=str(error))
    except BadInput as error:
        return _editor(request, report, sql=sql, note=note, status=400, trouble=str(error))
    if done.version is None:
        return _editor(request, report, sql=sql, note=note, status=422, refused=done)
    return see(_path(report), done="corrected")


def _editor(
    request: Request,
    report: Report,
    *,
    sql: str,
    note: str,
    status: int = 200,
    trouble: str | None = None,
    refused: Correction | None = None,
) -> Response:
    own = report.original_dialect or report.dialect
    return render(
        request,
        "report_edit.html",
        status=status,
        report=report,
        dialect=own,
        sql=sql,
        note=note,
        trouble=trouble,
        overtaken=status == 409,
        verdict=refused.verdict if refused else None,
        lines=tidy(sql).split("\n") if refused else [],
    )


def history(request: Request) -> Response:
    """Its versions, each with what it changed."""
    farm = farm_of(request)
    report = farm.query(number(request))
    with farm.store.read() as connection:
        found = versions.history(connection, report.id)
    olds = [*found[1:], None] if found else []
    steps = [(new, old and changes(_own(old), _own(new))) for new, old in zip(found, olds, strict=True)]
    return render(request, "report_versions.html", report=report, steps=steps)


def _own(version: versions.Version) -> str:
    return version.original_sql or version.sql


def _act(path: str, endpoint: Any) -> BaseRoute:
    return page(f"/reports/{{id}}/{path}", endpoint, role=Role.RUNNER, methods=("POST",))


ROUTES: tuple[BaseRoute, ...] = (
    page("/reports/{id}", show),
    page("/reports/{id}/versions", history),
    page("/reports/{id}/edit", edit, role=Role.RUNNER),
    _act("edit", save),
    _act("star", star),
    _act("title", entitle),
    _act("mark", mark),
    _act("tags", add_tag),
    _act("tags/remove", remove_tag),
    _act("recheck", recheck),
)

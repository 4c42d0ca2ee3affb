"""What the address of the list of reports asks for, and the addresses of lists like it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from farm.storable import comparable
from farm.store.marks import MARKS
from farm.store.selection import Criteria

VALUE_LIMIT_CHARS = 300
SEARCH_LIMIT_CHARS = 1_000
VALUES_LIMIT = 10
PERIODS = {"day": 1, "week": 7, "month": 30}
VIEWS = ("cards", "table")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The fields of the address, as named there; what cannot be is left out. `first` and `last` are days."""

    q: str = ""
    target: str | None = None
    dialect: str | None = None
    model: str | None = None
    table: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    mark: str | None = None
    starred: bool = False
    corrected: bool = False
    when: str | None = None
    first: date | None = None
    last: date | None = None
    view: str = VIEWS[0]

    @classmethod
    def of(cls, query: QueryParams) -> "Asked":
        """Whatever an address says."""
        mark, when, view = query.get("mark"), query.get("when"), query.get("view", "")
        return cls(
            q=_clean(query.get("q", ""), SEARCH_LIMIT_CHARS),
            target=_clean(query.get("target", "")) or None,
            dialect=_clean(query.get("dialect", "")) or None,
            model=_clean(query.get("model", "")) or None,
            table=_several(query, "table"),
            tag=_several(query, "tag"),
            mark=mark if mark in MARKS else None,
            starred=query.get("starred") == "yes",
            corrected=query.get("corrected") == "yes",
            when=when if when in PERIODS else None,
            first=_day(query.get("first", "")),
            last=_day(query.get("last", "")),
            view=view if view in VIEWS else VIEWS[0],
        )

    def criteria(self, now: datetime) -> Criteria:
        """The same for the store; `when` counts back from `now`."""
        since = _start(self.first) if self.first else None
        if self.when is not None:
            since = max(filter(None, (since, now - timedelta(days=PERIODS[self.when]))))
        return Criteria(
            words=self.q,
            target=self.target,
            dialect=self.dialect,
            model=self.model,
            tables=self.table,
            tags=self.tag,
            since=since,
            until=_start(self.last) + timedelta(days=1) if self.last else None,
            mark=self.mark,
            starred=self.starred,
            corrected=self.corrected,
        )

    @property
    def narrows(self) -> bool:
        """Whether anything but the way of showing is asked for."""
        return replace(self, view=VIEWS[0]) != Asked()

    def fields(self) -> list[tuple[str, str]]:
        """The address as fields, those that say nothing left out."""
        return [
            (name, value)
            for name in self.__dataclass_fields__
            for value in _texts(getattr(self, name))
            if (name, value) != ("view", VIEWS[0])
        ]

    def href(self, **changes: Any) -> str:
        """The address with other values; `after` is the id of the last report of the page before."""
        after = changes.pop("after", None)
        fields = replace(self, **changes).fields() + ([("after", str(after))] if after else [])
        return f"/reports?{urlencode(fields)}" if fields else "/reports"

    def with_one(self, name: str, value: str) -> str:
        """The address with one more tag or table."""
        return self.href(**{name: tuple(dict.fromkeys((*getattr(self, name), value)))})

    def chips(self) -> Iterator[tuple[str, str]]:
        """What is asked for, in words, each with the address without it."""
        if self.q:
            yield f"“{self.q}”", self.href(q="")
        for name in ("target", "dialect", "model", "mark"):
            if (value := getattr(self, name)) is not None:
                yield f"{name} {value}", self.href(**{name: None})
        for name in ("table", "tag"):
            for value in (values := getattr(self, name)):
                rest = tuple(other for other in values if other != value)
                yield f"{name} {value}", self.href(**{name: rest})
        if self.starred:
            yield "starred", self.href(starred=False)
        if self.corrected:
            yield "corrected", self.href(corrected=False)
        if self.when is not None:
            yield f"last {self.when}", self.href(when=None)
        if self.first is not None:
            yield f"from {self.first}", self.href(first=None)
        if self.last is not None:
            yield f"to {self.last}", self.href(last=None)


def _texts(value: Any) -> list[str]:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, bool):
        return ["yes"] if value else []
    return [str(value)] if value else []


def _clean(text: str, limit: int = VALUE_LIMIT_CHARS) -> str:
    """Text that every database takes."""
    return comparable(text[:limit]).strip(" \r\n\t")


def _several(query: QueryParams, name: str) -> tuple[str, ...]:
    values = filter(None, map(_clean, query.getlist(name)))
    return tuple(dict.fromkeys(values))[:VALUES_LIMIT]


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9999 else None


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

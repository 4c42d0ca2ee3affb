"""The formats of exports, and what browsers are told of them."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from farm.exports import csv, jsonl, parquet
from farm.exports.rows import Rows

NAME_LIMIT_CHARS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """How a result is written; `title` is what people call it."""

    name: str
    title: str
    media_type: str
    write: Callable[[Rows], Iterator[bytes]]


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(name="csv", title="CSV", media_type="text/csv; charset=utf-8", write=csv.write),
        Format(name="jsonl", title="JSON lines", media_type="application/x-ndjson", write=jsonl.write),
        Format(
            name="parquet",
            title="Parquet",
            media_type="application/vnd.apache.parquet",
            write=parquet.write,
        ),
    )
}


def file_name(report_id: int, title: str, suffix: str) -> str:
    """Such as report-12-revenue-per-month.csv: letters, digits, hyphens alone, whatever the title holds."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:NAME_LIMIT_CHARS].strip("-")
    return f"report-{report_id}{f'-{words}' if words else ''}.{suffix}"

"""Every table and column exists, and means one thing."""

from collections.abc import Iterator
from itertools import islice

from farm.sql.subject import Subject
from farm.sql.verdict import Finding

REPORTED = 10


def known_names(subject: Subject) -> Iterator[Finding]:
    """Tables, columns, aliases and the widths of set operations, looked up in the schema."""
    findings = subject.resolution.findings
    yield from findings[:REPORTED]
    tables = (finding for finding in findings[REPORTED:] if finding.code == "unknown_table")
    yield from islice(tables, REPORTED)

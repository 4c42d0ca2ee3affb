"""What the names of a query mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.sql.names.sources import Columns, Reference, Selection
from farm.sql.verdict import Finding


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """`columns` are the output columns of the whole query. `references` says by the id of a column node what
    it means; `selections` are the SELECTs in the order in which they were left; `outputs` has the columns of
    each query by the id of its node."""

    columns: Columns
    findings: Sequence[Finding]
    references: Mapping[int, Reference]
    selections: Sequence[Selection]
    outputs: Mapping[int, Columns]

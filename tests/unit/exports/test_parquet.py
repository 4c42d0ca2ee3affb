import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from support.given_rows import GivenRows

from farm.errors import BadInput, QueryFailed
from farm.exports import parquet
from farm.exports.parquet import write

pq = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")


def read(rows: GivenRows) -> Any:
    return pq.read_table(io.BytesIO(b"".join(write(rows))))


def test_values_keep_their_types() -> None:
    row = (1, 1.5, "x", Decimal("1.10"), date(2025, 1, 2), datetime(2025, 1, 2, 3), time(1, 2), b"\x00", True)
    aware = datetime(2025, 1, 2, 3, tzinfo=UTC)
    names = tuple("abcdefghij")
    table = read(GivenRows(names, [(*row, aware), (None,) * 10]))
    assert [tuple(found.values()) for found in table.to_pylist()] == [(*row, aware), (None,) * 10]


def test_many_groups_make_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 10)
    table = read(GivenRows(("n",), *([(number,)] * 7 for number in range(20))))
    assert table.num_rows == 140
    assert set(table.column("n").to_pylist()) == set(range(20))


def test_a_column_of_several_kinds_is_text() -> None:
    table = read(GivenRows(("mixed", "huge", "empty"), [(1, 2**80, None), ("a", 1, None)]))
    assert [list(row.values()) for row in table.to_pylist()] == [["1", str(2**80), None], ["a", "1", None]]


def test_columns_of_one_name_stay_two() -> None:
    assert read(GivenRows(("n", "n"), [(1, 2)])).column_names == ["n", "n_2"]


def test_no_rows_still_make_a_file() -> None:
    assert read(GivenRows(("n",))).num_rows == 0


def test_what_fits_no_longer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1)
    with pytest.raises(BadInput, match="column 'n' looked like int"):
        read(GivenRows(("n",), [(1,)], [("x",)]))


def test_after_an_error_nothing_reads_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1)
    pieces = write(GivenRows(("n",), [(1,)], [(2,)], error=QueryFailed("no")))
    whole = next(pieces) + next(pieces)
    with pytest.raises(QueryFailed):
        next(pieces)
    assert whole
    with pytest.raises(Exception, match="footer"):
        pq.read_table(io.BytesIO(whole))


def test_a_cut_is_said() -> None:
    whole = b"".join(write(GivenRows(("n",), [(1,)], truncated=True)))
    assert pq.read_metadata(io.BytesIO(whole)).metadata[b"truncated"] == b"true"

import pytest

from farm.charts import chart
from farm.charts.image import to_png, to_svg

pytest.importorskip("vl_convert", reason="the extra `images` is not installed")
ROWS = [("2025-01", 1), ("2025-02", 3)]


def test_a_chart_is_drawn_without_a_browser() -> None:
    spec = chart(["month", "<script>alert(1)</script>"], ROWS)
    assert spec is not None
    svg = to_svg(spec)
    assert svg.startswith("<svg")
    assert "<script" not in svg
    assert to_png(spec).startswith(b"\x89PNG")


def test_nothing_is_fetched() -> None:
    spec = chart(["month", "n"], ROWS)
    assert spec is not None
    with pytest.raises(ValueError, match="not allowed"):
        to_svg({**spec, "data": {"url": "http://127.0.0.1:9/data.json"}})

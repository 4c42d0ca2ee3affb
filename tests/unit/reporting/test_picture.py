"""Charts that stand in a document: drawn, inert, bounded."""

from base64 import b64decode
from xml.etree import ElementTree

import pytest

from farm.charts import image
from farm.errors import BadInput
from farm.reporting import picture
from farm.reporting.picture import Draughtsman, data_url, specification
from farm.reporting.result import ShownResult

EVIL = '</svg><script>alert(1)</script>"><img src=x onerror=alert(2)>'
SALES = ShownResult(
    columns=("month", EVIL),
    rows=tuple((f"2025-{month:02}", month * 10) for month in range(1, 13)),
    total=12,
    more=False,
)


def of(result: ShownResult, **changes: object) -> ShownResult:
    fields = {name: getattr(result, name) for name in ShownResult.__dataclass_fields__}
    return ShownResult(**(fields | changes))


def test_a_chart_is_a_picture_with_nothing_alive_in_it() -> None:
    draughtsman = Draughtsman()
    drawn = draughtsman.draw(SALES)
    assert drawn is not None
    kind, _, encoded = drawn.url.partition(",")
    assert kind == "data:image/svg+xml;base64"
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(b64decode(encoded)).iter()}
    assert {"svg", "path"} <= tags
    assert not {"script", "foreignObject", "image", "a", "use"} & tags
    assert drawn.alt == f"Lines: {EVIL} by month"
    assert (draughtsman.drawn, draughtsman.is_missing) == (1, False)


def test_a_part_of_a_result_is_not_drawn_as_if_it_were_all() -> None:
    assert Draughtsman().draw(of(SALES, total=13)) is None


def test_what_somebody_chose_is_drawn() -> None:
    chosen = specification(of(SALES, chart={"chart": "bar", "x": "0", "y": "1"}))
    assert chosen is not None
    assert chosen["usermeta"]["kind"] == "bar"
    assert specification(of(SALES, chart={"chart": "table"})) is None
    assert specification(of(SALES, chart={"chart": "no such", "x": "-1"})) is not None


@pytest.mark.parametrize("kept", [{"x": "9" * 5_000}, {"chart": ["bar"]}, {"x": "²", "y": {}}])
def test_a_choice_that_an_earlier_version_kept_unread_spoils_no_document(kept: dict[str, object]) -> None:
    assert specification(of(SALES, chart=kept)) is not None


def test_numbers_alone_are_a_table() -> None:
    assert specification(of(SALES, columns=("n",), rows=((1,),), total=1)) is None


def test_a_drawing_with_too_many_lines_becomes_pixels_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = specification(SALES)
    assert drawing is not None
    monkeypatch.setattr(picture, "LARGEST_SVG_BYTES", 10)
    assert str(data_url(drawing)).startswith("data:image/png;base64,iVBOR")
    monkeypatch.setattr(picture, "LARGEST_PNG_BYTES", 10)
    assert data_url(drawing) is None


def test_without_the_library_it_is_noted_and_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def absent() -> None:
        asked.append(1)
        raise BadInput(image.MISSING)

    monkeypatch.setattr(image, "_library", absent)
    draughtsman = Draughtsman()
    assert draughtsman.draw(SALES) is None
    assert draughtsman.draw(SALES) is None
    assert draughtsman.is_missing
    assert len(asked) == 1

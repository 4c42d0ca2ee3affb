"""Charts drawn without a browser and without the network, through vl-convert."""

from collections.abc import Mapping
from typing import Any

from farm.errors import BadInput

WIDTH = 720
MISSING = (
    "pictures of charts need the package vl-convert-python, which is not installed here; install it with: "
    "pip install 'sqlfarm[images]'"
)


def to_svg(specification: Mapping[str, Any], *, width: int = WIDTH) -> str:
    """A specification of `chart` as SVG text. Raises BadInput where the library is not installed."""
    library = _library()
    drawn: str = library.vegalite_to_svg(_of_width(specification, width), allowed_base_urls=[])
    return drawn


def to_png(specification: Mapping[str, Any], *, width: int = WIDTH, scale: float = 2.0) -> bytes:
    """The same as a picture, on white."""
    library = _library()
    given = _of_width(specification, width)
    given["config"] = {**given.get("config", {}), "background": "white"}
    drawn: bytes = library.vegalite_to_png(given, scale=scale, allowed_base_urls=[])
    return drawn


def _of_width(specification: Mapping[str, Any], width: int) -> dict[str, Any]:
    return {**specification, "width": width}


def _library() -> Any:
    try:
        import vl_convert
    except ModuleNotFoundError:
        raise BadInput(MISSING) from None
    return vl_convert

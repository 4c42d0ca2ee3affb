"""Kinds of values in queries and bodies, each with the schema that says exactly what is taken."""

from datetime import date
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from farm.storable import comparable

MOST_ID = 10**18 - 1
PAGE_LIMIT = 1_000
SOMETHING = r"[^\s\x00\x1c-\x1f\x85\uFEFF]"
"""More than white space, told so that every kind of regular expression means the same by it."""

T = TypeVar("T")


class Given(BaseModel):
    """What a request says; nothing that is not named here is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class NotNull:
    """Marks a type that has None for what is left out: null itself is not taken, nor in its schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        (kind,) = (each for each in get_args(source) if each is not NoneType)
        return handler.generate_schema(kind)


def whole(value: Any) -> Any:
    """A number of a query string: digits alone; one of JSON may be written 12.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and not (
        value.removeprefix("-").isascii() and value.removeprefix("-").isdigit()
    ):
        raise ValueError("this is no whole number")
    return value


def _truth(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise ValueError("write true or false")
        return value == "true"
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("write a day as 2025-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day; write one as 2025-01-31") from None


def _plain(value: Any) -> Any:
    """Text that every database can compare."""
    return comparable(value) if isinstance(value, str) else value


Maybe = Annotated[T | None, NotNull()]
"""A value that may be left out; null is not taken for it."""
Truth = Annotated[bool, BeforeValidator(_truth)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Text = Annotated[str, Field(max_length=1_000), BeforeValidator(_plain)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=SOMETHING), BeforeValidator(_plain)]
Id = Annotated[int, Field(ge=0, le=MOST_ID), BeforeValidator(whole)]
Limit = Annotated[int, Field(ge=1, le=PAGE_LIMIT), BeforeValidator(whole)]

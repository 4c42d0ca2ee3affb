"""Names of Postgres types as people write them, and as the catalog has them."""

import re
from functools import lru_cache

from farm.sql.types.catalog import ENUM, catalog

_SPOKEN = {
    "smallint": "int2",
    "smallserial": "int2",
    "serial2": "int2",
    "int": "int4",
    "integer": "int4",
    "serial": "int4",
    "serial4": "int4",
    "bigint": "int8",
    "bigserial": "int8",
    "serial8": "int8",
    "decimal": "numeric",
    "dec": "numeric",
    "real": "float4",
    "float": "float8",
    "double precision": "float8",
    "boolean": "bool",
    "character varying": "varchar",
    "char varying": "varchar",
    "character": "bpchar",
    "char": "bpchar",
    "nchar": "bpchar",
    "national character": "bpchar",
    "national character varying": "varchar",
    "bit varying": "varbit",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
}
_FULL = {short: full for full, short in _SPOKEN.items() if "serial" not in full}
_FULL |= {"int4": "integer", "numeric": "numeric", "bpchar": "character", "float8": "double precision"}
_MODIFIER = re.compile(r"\s*\([^)]*\)")
_ARRAY = re.compile(r"(\s*\[\d*\])+$|\s+array(\s*\[\d*\])?$")
_INTERVAL = re.compile(r"interval\s.*")


@lru_cache(maxsize=2048)
def type_of(written: str) -> str | None:
    """The catalog's name of a type as DDL or CAST has it; None for one that is not Postgres' own."""
    text = _MODIFIER.sub("", written.lower()).strip().removeprefix("pg_catalog.").strip('"')
    is_array = _ARRAY.search(text)
    text = " ".join(_ARRAY.sub("", text).split())
    if text.startswith("float("):
        text = "float"
    name = _SPOKEN.get(text) or ("interval" if _INTERVAL.match(text) else text)
    if name not in catalog().categories:
        return None
    return f"_{name}" if is_array else name


def without_array(written: str) -> tuple[str, bool]:
    """A type as written without `[]`, and whether it had one."""
    text = _ARRAY.sub("", written.strip())
    return text, text != written.strip()


def spoken(type_: str) -> str:
    """A type as Postgres' own messages call it: `bigint`, `text[]`."""
    if type_.startswith("_"):
        return f"{spoken(type_[1:])}[]"
    return _FULL.get(type_, type_).removeprefix(ENUM)

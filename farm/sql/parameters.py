"""Literals of a query that look like parameters: found by their place in the text, replaced there alone.

A literal counts where it is compared with something, limits the rows, is an interval, or is a date. What is
put in its place is of the same kind and is written anew from its value, so no text of a user stands in a
query as it came.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Literal

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from farm.errors import BadInput
from farm.sql.parsing import tokenize

Kind = Literal["number", "whole", "date", "moment", "month", "year", "interval", "text"]

VALUE_LIMIT_CHARS = 1_000
MOST_PARAMETERS = 50
MOST_LISTED_TOKENS = 4 * MOST_PARAMETERS
UNIT = r"(second|minute|hour|day|week|month|quarter|year)s?"
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
YEAR = re.compile(r"[12]\d{3}", re.ASCII)
INTERVAL = re.compile(rf"[+-]?\d{{1,9}}(\.\d{{1,9}})?\s+{UNIT}", re.IGNORECASE | re.ASCII)
NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})", re.ASCII)
WHOLE = re.compile(r"\d{1,18}", re.ASCII)
WORD = re.compile(r"[^\W\d]\w*")

COMPARISONS = {
    TokenType.EQ,
    TokenType.NEQ,
    TokenType.LT,
    TokenType.LTE,
    TokenType.GT,
    TokenType.GTE,
    TokenType.LIKE,
    TokenType.ILIKE,
    TokenType.GLOB,
    TokenType.BETWEEN,
}
OPENING_WORDS = {"date", "timestamp", "timestamptz", "datetime", "cast"}
"""What may stand between a comparison and its literal: DATE '2025-01-01', date('2025-01-01')."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A literal that may be another one. `start` and `end` are its place in the text, with its sign.

    `name` is a word, no other parameter of the query has it; `default` is its value, without quotes.
    """

    name: str
    kind: Kind
    default: str
    start: int
    end: int

    @property
    def title(self) -> str:
        """The name for people."""
        return self.name.replace("_", " ")


def parameters(sql: str, dialect: str) -> tuple[Parameter, ...]:
    """The literals that may be changed, in the order of the text; none where it cannot be read."""
    try:
        tokens = tokenize(sql, dialect)
    except SqlglotError:
        return ()
    found: list[Parameter] = []
    for place, token in enumerate(tokens):
        literal = _literal(sql, token)
        if literal is None or len(found) == MOST_PARAMETERS:
            continue
        named = _named(tokens, place, literal)
        if named is not None:
            name, kind = named
            sign = "-" if _is_signed(tokens, place) else ""
            found.append(
                Parameter(
                    name=_free(name, found),
                    kind=kind,
                    default=sign + literal,
                    start=tokens[place - 1].start if sign else token.start,
                    end=token.end + 1,
                )
            )
    return tuple(found)


def bind(sql: str, dialect: str, values: Mapping[str, str]) -> str:
    """The query with other literals in the places of its parameters; what is not given stays as it is.

    Raises BadInput for a name that it has not, and for a value that is not of the parameter's kind.
    """
    known = {parameter.name: parameter for parameter in parameters(sql, dialect)}
    if unknown := [name for name in values if name not in known]:
        offered = ", ".join(known) or "none"
        raise BadInput(f"the query has no parameter {unknown[0]!r:.80}; it has {offered}")
    bound = sql
    for name, parameter in reversed(known.items()):
        if name in values and values[name] != parameter.default:
            literal = _written(parameter, values[name], dialect)
            bound = bound[: parameter.start] + literal + bound[parameter.end :]
    _require_same_shape(sql, bound, dialect)
    return bound


def _literal(sql: str, token: Token) -> str | None:
    """The value of a plain string or number; None for all else, such as E'…' and $$…$$."""
    if token.token_type is TokenType.NUMBER:
        return token.text if NUMBER.fullmatch(sql[token.start : token.end + 1]) else None
    if token.token_type is not TokenType.STRING:
        return None
    written = sql[token.start : token.end + 1]
    is_plain = len(written) > 1 and written[0] in "'\"" and written[-1] == written[0]
    return token.text if is_plain and len(token.text) <= VALUE_LIMIT_CHARS else None


def _is_signed(tokens: Sequence[Token], place: int) -> bool:
    """Whether the minus before a number is the number's own, as nothing else stands before it."""
    return (
        tokens[place].token_type is TokenType.NUMBER
        and place > 1
        and tokens[place - 1].token_type is TokenType.DASH
        and tokens[place - 2].token_type in {*COMPARISONS, TokenType.AND, TokenType.L_PAREN, TokenType.COMMA}
    )


def _named(tokens: Sequence[Token], place: int, value: str) -> tuple[str, Kind] | None:
    """The name and kind of the literal at `place`; None where it is no parameter."""
    is_text = tokens[place].token_type is TokenType.STRING
    before = tokens[place - 1] if place else None
    if before is not None and before.token_type in (TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH):
        is_pair = place + 1 < len(tokens) and tokens[place + 1].token_type is TokenType.COMMA
        whole = not is_text and not is_pair and WHOLE.fullmatch(value)
        return (before.text.lower(), "whole") if whole else None
    if before is not None and before.token_type is TokenType.INTERVAL:
        if is_text:
            return ("interval", "interval") if INTERVAL.fullmatch(value) else _if_number("interval", value)
        return "interval", "number"
    subject = _subject(tokens, place)
    if is_text:
        kind = _text_kind(value)
        if kind == "interval":
            return "interval", kind
        if subject is None:
            return ("date", kind) if kind in ("date", "moment") else None
        return subject, kind
    return None if subject is None else (subject, "number")


def _if_number(name: str, value: str) -> tuple[str, Kind] | None:
    return (name, "text") if NUMBER.fullmatch(value) else None


def _text_kind(value: str) -> Kind:
    for kind, form in KINDS_OF_TEXT:
        if form.fullmatch(value):
            return kind
    return "text"


KINDS_OF_TEXT: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("date", DATE),
    ("moment", MOMENT),
    ("month", MONTH),
    ("year", YEAR),
    ("interval", INTERVAL),
)


def _subject(tokens: Sequence[Token], place: int) -> str | None:
    """What the literal at `place` is compared with, by name; None where it is compared with nothing."""
    at = place - 1
    while at >= 0 and (
        tokens[at].token_type in (TokenType.DASH, TokenType.L_PAREN)
        or tokens[at].text.lower() in OPENING_WORDS
    ):
        at -= 1
    if at < 0:
        return None
    if tokens[at].token_type in COMPARISONS:
        name = _name_before(tokens, at)
        return f"{name}_from" if name and tokens[at].token_type is TokenType.BETWEEN else name
    if tokens[at].token_type is TokenType.AND and (end := _end_of_between(tokens, at)):
        return end
    if tokens[at].token_type in (TokenType.IN, TokenType.COMMA):
        return _in_list(tokens, at)
    return _name_after(tokens, place)


def _end_of_between(tokens: Sequence[Token], at: int) -> str | None:
    """The name for the literal behind the AND of a BETWEEN."""
    depth = 0
    for back in range(at - 1, max(-1, at - 20), -1):
        kind = tokens[back].token_type
        depth += (kind is TokenType.R_PAREN) - (kind is TokenType.L_PAREN)
        if depth < 0 or kind in (TokenType.AND, TokenType.OR, TokenType.WHERE):
            return None
        if kind is TokenType.BETWEEN and not depth:
            name = _name_before(tokens, back)
            return f"{name}_to" if name else None
    return None


def _in_list(tokens: Sequence[Token], at: int) -> str | None:
    """The name for a literal in a list behind IN, where literals alone stand before it."""
    plain = (TokenType.COMMA, TokenType.STRING, TokenType.NUMBER, TokenType.L_PAREN, TokenType.DASH)
    first = max(0, at - MOST_LISTED_TOKENS)  # or each of many literals would look back over all before it
    while at >= first and tokens[at].token_type in plain:
        at -= 1
    return _name_before(tokens, at) if at > 0 and tokens[at].token_type is TokenType.IN else None


def _name_before(tokens: Sequence[Token], at: int) -> str | None:
    """The name of what ends before the token at `at`: a column, or the last word in a function's call."""
    back = at - 1
    while back >= 0 and tokens[back].text.lower() in ("not", "escape"):
        back -= 1
    if back > 1 and tokens[back - 1].token_type is TokenType.DCOLON:
        back -= 2  # the type of a cast names nothing
    if back < 0:
        return None
    if tokens[back].token_type is TokenType.R_PAREN:
        return _word_in_call(tokens, back)
    return _word(tokens[back])


def _word_in_call(tokens: Sequence[Token], back: int) -> str | None:
    depth, word = 0, None
    for here in range(back, -1, -1):
        kind = tokens[here].token_type
        depth += (kind is TokenType.R_PAREN) - (kind is TokenType.L_PAREN)
        if word is None and kind in (TokenType.VAR, TokenType.IDENTIFIER):
            word = _word(tokens[here])
        if not depth:
            called = _word(tokens[here - 1]) if here else None
            return word or called
    return None


def _name_after(tokens: Sequence[Token], place: int) -> str | None:
    """The name of the column that a literal is compared with which stands before it: 5 < total."""
    if place + 2 >= len(tokens) or tokens[place + 1].token_type not in COMPARISONS - {TokenType.BETWEEN}:
        return None
    after = place + 2
    while after + 2 < len(tokens) and tokens[after + 1].token_type is TokenType.DOT:
        after += 2
    return _word(tokens[after])


def _word(token: Token) -> str | None:
    """A name made of the word of a token; None for one that has none."""
    if token.token_type in (TokenType.STRING, TokenType.NUMBER):
        return None
    found = WORD.findall(token.text.lower())
    return "_".join(found)[:60] if found else None


def _free(name: str, taken: Sequence[Parameter]) -> str:
    names = {parameter.name for parameter in taken}
    free, number = name, 2
    while free in names:
        free, number = f"{name}_{number}", number + 1
    return free


# writing


def _written(parameter: Parameter, value: str, dialect: str) -> str:
    """The literal of a value; raises BadInput for one that is not of the parameter's kind."""
    value = value if parameter.kind == "text" else value.strip()
    if len(value) > VALUE_LIMIT_CHARS or "\0" in value:
        raise BadInput(
            f"the value of {parameter.name} is longer than {VALUE_LIMIT_CHARS:,} characters or holds a NUL"
        )
    said, is_right = RULES[parameter.kind]
    if not is_right(value):
        raise BadInput(f"{parameter.name} is {said}, such as {parameter.default}; {value!r:.80} is none")
    if parameter.kind in ("number", "whole"):
        return value.removeprefix("+") if not value.startswith("-") else f"({value})"
    return quoted(value, dialect)


def quoted(value: str, dialect: str) -> str:
    """A text as a literal of the dialect."""
    if dialect == "mysql":
        value = value.replace("\\", "\\\\")
    return "'" + value.replace("'", "''") + "'"


def _is_date(value: str) -> bool:
    try:
        return bool(DATE.fullmatch(value)) and date.fromisoformat(value) is not None
    except ValueError:
        return False


def _is_moment(value: str) -> bool:
    try:
        return bool(MOMENT.fullmatch(value)) and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


RULES: Mapping[Kind, tuple[str, Callable[[str], bool]]] = {
    "number": ("a number", lambda value: NUMBER.fullmatch(value) is not None),
    "whole": ("a whole number", lambda value: WHOLE.fullmatch(value) is not None),
    "date": ("a date", _is_date),
    "moment": ("a date and time", _is_moment),
    "month": ("a month", lambda value: MONTH.fullmatch(value) is not None),
    "year": ("a year", lambda value: YEAR.fullmatch(value) is not None),
    "interval": ("a time span", lambda value: INTERVAL.fullmatch(value) is not None),
    "text": ("a text", lambda value: value.isprintable() or "\n" in value or "\t" in value),
}


def _require_same_shape(sql: str, bound: str, dialect: str) -> None:
    """Raise BadInput should anything but literals differ, whatever the reason."""
    if _shape(sql, dialect) != _shape(bound, dialect):
        raise BadInput("these values would change the query itself; write them in another way")


def _shape(sql: str, dialect: str) -> list[str]:
    """The tokens without the values of literals; a number's sign and parentheses around both do not count."""
    try:
        tokens = tokenize(sql, dialect)
    except SqlglotError:
        raise BadInput("the query cannot be read with these values") from None
    skipped: set[int] = set()
    for place, (sign, number) in enumerate(pairwise(tokens)):
        if sign.token_type is TokenType.DASH and number.token_type is TokenType.NUMBER:
            skipped.add(place)
            around = tokens[max(0, place - 1) : place + 3]
            if [one.token_type for one in around[:: len(around) - 1]] == [
                TokenType.L_PAREN,
                TokenType.R_PAREN,
            ]:
                skipped |= {place - 1, place + 2}
    return [
        token.token_type.name
        if token.token_type in (TokenType.STRING, TokenType.NUMBER)
        else f"{token.token_type.name} {token.text}"
        for place, token in enumerate(tokens)
        if place not in skipped
    ]

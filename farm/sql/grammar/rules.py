"""Rules of a context-free grammar, and their spelling as GBNF and as Lark."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

ROOT = "query"


@dataclass(frozen=True, slots=True)
class Lit:
    """This very text."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """`least` to `most` characters of a class, which is spelled as in a regular expression."""

    of: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Ref:
    """What the rule of this name admits; names are small letters, digits and hyphens."""

    name: str


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other."""

    parts: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of several, at least one."""

    choices: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Rep:
    """`least` to `most` times."""

    part: "Expr"
    least: int
    most: int


Expr = Lit | Chars | Ref | Seq | Alt | Rep


def seq(*parts: Expr | str) -> Expr:
    return Seq(tuple(_expr(part) for part in parts))


def alt(*choices: Expr | str) -> Expr:
    found = tuple(dict.fromkeys(_expr(choice) for choice in choices))
    return found[0] if len(found) == 1 else Alt(found)


def opt(*parts: Expr | str) -> Expr:
    return Rep(seq(*parts) if len(parts) != 1 else _expr(parts[0]), 0, 1)


def rep(part: Expr, least: int, most: int) -> Expr:
    return Rep(part, least, most)


def _expr(part: Expr | str) -> Expr:
    return Lit(part) if isinstance(part, str) else part


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules by name; a query is what `query` admits. `tables` are those that it speaks of."""

    rules: Mapping[str, Expr]
    tables: tuple[str, ...]

    def gbnf(self) -> str:
        """For llama.cpp and those that read the same; a query may stand in a fence, as models write it."""
        root = r'root ::= "```sql\n" query ";"? "\n```" | query ";"?'
        return "\n".join([root, *(f"{name} ::= {_gbnf(rule)}" for name, rule in self.rules.items())]) + "\n"

    def lark(self) -> str:
        """For OpenAI's custom tools and llguidance: a query alone."""
        rules = (f"{_lark_name(name)}: {_lark(rule)}" for name, rule in self.rules.items())
        return "\n".join([f"start: {_lark_name(ROOT)}", *rules]) + "\n"


def _gbnf(rule: Expr) -> str:
    match rule:
        case Lit(text):
            return json.dumps(text)
        case Chars(of, least, most):
            return f"{of}{_times(least, most)}"
        case Ref(name):
            return name
        case Seq(parts):
            return " ".join(_gbnf(part) for part in parts)
        case Alt(choices):
            return "(" + " | ".join(_gbnf(choice) for choice in choices) + ")"
        case Rep(part, least, most):
            return f"{_grouped(_gbnf(part), part)}{_times(least, most)}"


def _lark(rule: Expr) -> str:
    match rule:
        case Lit(text):
            return json.dumps(text)
        case Chars(of, 0, most):  # no terminal may be empty
            return f"(/{of}{{1,{most}}}/)?"
        case Chars(of, least, most):
            return f"/{of}{{{least},{most}}}/"
        case Ref(name):
            return _lark_name(name)
        case Seq(parts):
            return " ".join(_lark(part) for part in parts)
        case Alt(choices):
            return "(" + " | ".join(_lark(choice) for choice in choices) + ")"
        case Rep(part, 0, 1):
            return f"{_grouped(_lark(part), part)}?"
        case Rep(part, least, most):
            return f"{_grouped(_lark(part), part)}~{least}..{most}"


def _times(least: int, most: int) -> str:
    return "?" if (least, most) == (0, 1) else f"{{{least},{most}}}"


def _grouped(text: str, part: Expr) -> str:
    return text if isinstance(part, Lit | Ref | Alt) else f"({text})"


def _lark_name(name: str) -> str:
    return "q_" + name.replace("-", "_")

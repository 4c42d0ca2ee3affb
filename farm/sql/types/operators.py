"""The operators behind sqlglot's nodes, and what is told when none or no function fits."""

from sqlglot import exp

from farm.sql.types.catalog import catalog
from farm.sql.types.names import spoken

BINARY: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NullSafeEQ: "=",
    exp.NullSafeNEQ: "=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.Pow: "^",
    exp.DPipe: "||",
    exp.Like: "~~",
    exp.ILike: "~~*",
    exp.SimilarTo: "~",
    exp.RegexpLike: "~",
    exp.RegexpILike: "~*",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "#",
    exp.BitwiseLeftShift: "<<",
    exp.BitwiseRightShift: ">>",
    exp.ArrayContainsAll: "@>",
    exp.ArrayOverlaps: "&&",
    exp.JSONExtract: "->",
    exp.JSONExtractScalar: "->>",
    exp.JSONBExtract: "#>",
    exp.JSONBExtractScalar: "#>>",
}
COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_SPOKEN = {"~~": "LIKE", "~~*": "ILIKE"}


def hint(symbol: str, left: str, right: str) -> str:
    """How a pair of operands that do not go together is mended."""
    texts = {"text", "varchar", "character", "character varying"}
    if symbol in {"~~", "~~*", "~", "~*"}:
        return f"convert the {left} to text, or compare it with >= and <"
    if symbol in COMPARISONS and (left in texts) != (right in texts):
        other = right if left in texts else left
        return f"compare the right columns, or convert one side, for example CAST(… AS {other})"
    if symbol in {"+", "-"} and "date" in left + right:
        return "add an INTERVAL to dates, and convert text with CAST"
    return "convert one side with CAST"


def spoken_operator(symbol: str) -> str:
    return _SPOKEN.get(symbol, symbol)


def overloads(name: str, count: int) -> str | None:
    """What a function takes, those with as many arguments first."""
    known = sorted(catalog().functions.get(name, ()), key=lambda s: len(s.arguments) != count)
    shown = [f"{name}({', '.join(map(spoken, signature.arguments))})" for signature in known[:4]]
    return f"there is {', '.join(dict.fromkeys(shown))}" if shown else None

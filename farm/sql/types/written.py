"""Types in CAST as Postgres writes them."""

from functools import cache

from sqlglot import exp

_PLAIN = frozenset({"this", "expressions", "nested"})


def written_type(node: exp.Expr) -> str:
    """A type as text. Most are a single word, and writing one out takes longer than checking it."""
    given = {name for name, value in node.args.items() if value}
    if given == {"this"} and _PLAIN.issuperset(node.args) and isinstance(node.this, exp.DType):
        return _word(node.this)
    return node.sql("postgres")


@cache
def _word(type_: exp.DType) -> str:
    return exp.DataType(this=type_, nested=False).sql("postgres")

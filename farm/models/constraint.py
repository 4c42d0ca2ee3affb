"""How an endpoint is told to answer by a grammar alone, and what becomes of one that will not. Pure."""

from collections.abc import Mapping
from typing import Any, Literal, assert_never

Takes = Literal["llama.cpp", "vllm", "sglang", "fireworks", "openai"]
Form = Literal["gbnf", "lark"]

TOOL = "answer_with_sql"
# What is said to a request that holds something unknown, or a grammar that is too much.
REFUSALS = (400, 413, 422, 500, 501)
MOST_REFUSALS = 3


def form_of(takes: Takes) -> Form:
    """How its grammars are spelled."""
    return "lark" if takes == "openai" else "gbnf"


def constrained(parameters: Mapping[str, Any], takes: Takes, grammar: str) -> dict[str, Any]:
    """The parameters of a request, with the grammar where this kind of endpoint looks for it."""
    match takes:
        case "llama.cpp":
            return _with_body(parameters, {"grammar": grammar})
        case "vllm":
            return _with_body(parameters, {"structured_outputs": {"grammar": grammar}})
        case "sglang":
            return _with_body(parameters, {"ebnf": grammar})
        case "fireworks":
            return {**parameters, "response_format": {"type": "grammar", "grammar": grammar}}
        case "openai":
            form = {"type": "grammar", "grammar": {"syntax": "lark", "definition": grammar}}
            tool = {"name": TOOL, "description": "Takes the SQL query that answers.", "format": form}
            return {
                **parameters,
                "tools": [{"type": "custom", "custom": tool}],
                "tool_choice": {"type": "custom", "custom": {"name": TOOL}},
            }
        case never:
            assert_never(never)


def _with_body(parameters: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**parameters, "extra_body": {**parameters.get("extra_body", {}), **fields}}


class Willing:
    """Whether an endpoint is still sent grammars: not once it has refused three with none taken between."""

    def __init__(self, takes: Takes | None) -> None:
        self._takes = takes
        self._refused = 0
        self._told = False

    @property
    def takes(self) -> Takes | None:
        """How to send one; None where it is not to be."""
        return self._takes if self._refused < MOST_REFUSALS else None

    def take(self) -> None:
        """An answer came by a grammar."""
        self._refused = 0

    def refuse(self) -> bool:
        """A request with a grammar was refused. True: that is to be told, which it is once."""
        self._refused += 1
        told, self._told = self._told, True
        return not told

"""A grammar that admits nothing but valid SELECTs over one schema, for models that can be held to one.

    grammar = grammar_of(schema, keys, tables=("orders", "customers"))
    grammar.gbnf()          # llama.cpp, vLLM, SGLang, Fireworks
    grammar.lark()          # OpenAI's custom tools

Each set of joined tables has rules of its own, so that every column a query names is in its FROM; what is
selected beside aggregates is what is grouped by. It knows joins along keys, aliases, conditions, groups,
dates and simple subqueries; WITH, windows and UNION it does not, so it distorts, and is meant for a last
repair.
"""

from farm.sql.grammar.build import grammar_of
from farm.sql.grammar.joins import Key
from farm.sql.grammar.rules import Grammar

__all__ = ["Grammar", "Key", "grammar_of"]

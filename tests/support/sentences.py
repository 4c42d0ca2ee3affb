"""Random sentences of a grammar, as evidence that everything it admits is valid."""

import random
import re
import string
from collections.abc import Mapping

from farm.sql.grammar.rules import ROOT, Alt, Chars, Expr, Lit, Ref, Rep, Seq

OTHERS = string.ascii_letters + string.digits + ' .,;:-_%()[]"`$#äß€中'


def sentence(rules: Mapping[str, Expr], rng: random.Random, name: str = ROOT) -> str:
    """One sentence of the rule `name`; repetitions are short more often than long."""
    return _of(rules[name], rules, rng)


def _of(rule: Expr, rules: Mapping[str, Expr], rng: random.Random) -> str:
    match rule:
        case Lit(text):
            return text
        case Chars(of, least, most):
            return "".join(rng.choice(_members(of)) for _ in range(_count(least, most, rng)))
        case Ref(name):
            return _of(rules[name], rules, rng)
        case Seq(parts):
            return "".join(_of(part, rules, rng) for part in parts)
        case Alt(choices):
            return _of(rng.choice(choices), rules, rng)
        case Rep(part, least, most):
            return "".join(_of(part, rules, rng) for _ in range(_count(least, most, rng)))


def _count(least: int, most: int, rng: random.Random) -> int:
    count = least
    while count < most and rng.random() < 0.4:
        count += 1
    return count


def _members(of: str) -> str:
    pattern = re.compile(of)
    return "".join(char for char in dict.fromkeys(" \n" + OTHERS) if pattern.fullmatch(char))

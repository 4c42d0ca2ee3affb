"""What is asked, and what the model says to it: known beforehand, so that outcomes can be held against it."""

import re
from dataclasses import dataclass
from random import Random

DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, total REAL NOT NULL)"
TARGET = "shop"
MODEL = "stub-model"
HARD_MODEL = "stub-hard"
HARD_SHARE = 0.3
MOST_CALLS = 3
BAD_CALLS = (0, 0, 0, 0, 0, 0, 0, 1, 1, 2, MOST_CALLS)
LATENCY_SECONDS = (0.1, 1.5)
NUMBER = re.compile(r"of customer (\d+)\?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One task: its number, how many bad answers come before the good one, and how long each takes."""

    number: int
    bad_calls: int
    model: str

    @property
    def key(self) -> str:
        return f"chaos-{self.number}"

    @property
    def text(self) -> str:
        return f"How many orders of customer {self.number}?"

    @property
    def sql(self) -> str:
        """The query that an accepted task must have."""
        return f"SELECT count(*) FROM orders WHERE customer_id = {self.number}"

    @property
    def is_answerable(self) -> bool:
        """Whether a good answer comes before the repairs are used up."""
        return self.bad_calls < MOST_CALLS

    def reply(self, call_no: int) -> str:
        """What the model says to the task's call, counted from 1; equal however often it is asked."""
        bad = f"SELECT count(*) FROM orders WHERE no_such_{call_no} = {self.number}"
        return f"```sql\n{bad if call_no <= self.bad_calls else self.sql}\n```"


def question(seed: int, number: int) -> Question:
    """The question of a number; the same for the same seed."""
    chance = Random(f"{seed}:{number}")
    bad_calls = chance.choice(BAD_CALLS)
    model = HARD_MODEL if chance.random() < HARD_SHARE else MODEL
    return Question(number=number, bad_calls=bad_calls, model=model)


def number_in(text: str) -> int | None:
    """The number of the question that a prompt asks."""
    found = NUMBER.findall(text)
    return int(found[-1]) if found else None

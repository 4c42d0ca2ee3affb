"""Which of a task's calls are held to the grammar of valid queries. Pure."""

from typing import Literal

When = Literal["last_repair", "first", "never"]


def is_due(when: When, round_no: int, max_repairs: int) -> bool:
    """Whether the call of this round, from 1 to `max_repairs` + 1, is.

    A grammar bends answers, so as a rule it is for the last repair, where all else has failed; where it is
    wanted at first it is for all calls.
    """
    match when:
        case "first":
            return True
        case "last_repair":
            return round_no == max_repairs + 1 and max_repairs > 0
        case "never":
            return False

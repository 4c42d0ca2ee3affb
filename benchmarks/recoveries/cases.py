"""Every case by its name: what is tried, how often by default, and about how long one try takes."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.recoveries import farms, hosts, workers
from benchmarks.recoveries.figures import Figure

Measure = Callable[[int, list[str]], list[Figure]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """`measure(count, trouble)` tries it `count` times, and adds to `trouble` what else went wrong.

    A `busy` one keeps the processors busy instead of waiting, and two of them would measure each other.
    """

    measure: Measure
    count: int
    seconds_each: float
    busy: bool = False


CASES = {
    "kill-alone": Case(measure=workers.killed_alone, count=100, seconds_each=4.0, busy=True),
    "kill-of-two": Case(measure=workers.killed_of_two, count=50, seconds_each=2.5, busy=True),
    "freeze": Case(measure=workers.frozen, count=8, seconds_each=8.0),
    "poison": Case(measure=workers.poisoned, count=3, seconds_each=10.0),
    "overdue": Case(measure=workers.overdue, count=2, seconds_each=22.0),
    "kill-watchdog": Case(measure=farms.watchdog_killed, count=5, seconds_each=17.0),
    "kill-valkey": Case(measure=farms.valkey_killed, count=5, seconds_each=8.0),
    "wipe": Case(measure=farms.wiped, count=10, seconds_each=1.0),
    "kill-host": Case(measure=hosts.killed, count=5, seconds_each=20.0),
    "freeze-host": Case(measure=hosts.frozen, count=5, seconds_each=20.0),
    "cut-host": Case(measure=hosts.cut, count=2, seconds_each=45.0),
}

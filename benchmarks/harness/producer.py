"""Enqueueing the questions slice by slice while the faults go on; a slice that is refused is asked again."""

import math
import threading
from collections.abc import Callable, Sequence

from benchmarks.harness import script
from benchmarks.harness.script import Question
from benchmarks.harness.site import Site
from farm.api import Farm
from farm.errors import FarmError
from jobs.task import Task

SLICE_SECONDS = 1.0
RETRY_SECONDS = 0.5
END_SECONDS = 30.0


class Producer(threading.Thread):
    """Asks `questions` evenly over `seconds` of a clock, a slice ahead of it.

    `confirmed` are those whose `enqueue` has returned.
    """

    def __init__(
        self, site: Site, questions: Sequence[Question], seconds: float, clock: Callable[[], float]
    ) -> None:
        super().__init__(name="producer", daemon=True)
        self._site = site
        self._questions = questions
        self._seconds = max(seconds, SLICE_SECONDS)
        self._clock = clock
        self._ending = threading.Event()
        self.confirmed: list[Question] = []
        self.refused = 0
        self.failed: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether every question has been taken."""
        return len(self.confirmed) == len(self._questions)

    def end(self) -> None:
        """Ask no more."""
        self._ending.set()
        self.join(END_SECONDS)

    def run(self) -> None:
        try:
            with self._site.producer() as farm:
                while not self.done and not self._ending.is_set():
                    share = min((self._clock() + SLICE_SECONDS) / self._seconds, 1.0)
                    due = self._questions[len(self.confirmed) : math.ceil(share * len(self._questions))]
                    went_well = not due or self._asked(farm, due)
                    self._ending.wait(SLICE_SECONDS if went_well else RETRY_SECONDS)
        except BaseException as error:
            self.failed = error

    def _asked(self, farm: Farm, due: Sequence[Question]) -> bool:
        try:
            farm.enqueue(
                Task(question=one.text, target=script.TARGET, key=one.key, model=one.model) for one in due
            )
        except FarmError:
            self.refused += 1
            return False
        self.confirmed += due
        return True

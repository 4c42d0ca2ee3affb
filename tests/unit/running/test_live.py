from dataclasses import dataclass

from farm.running.service import Live


@dataclass(eq=False)
class FakeRunner:
    """Counts how often it is cancelled."""

    cancelled: int = 0

    def cancel(self) -> None:
        self.cancelled += 1


def test_what_runs_is_cancelled_once_for_each_wish() -> None:
    live, runner = Live(), FakeRunner()
    with live.worked_by(runner):  # type: ignore[arg-type]
        live.cancel()
    assert (live.cancelled.is_set(), runner.cancelled) == (True, 1)


def test_a_late_wish_does_not_cancel_whom_the_runner_works_for_next() -> None:
    live, runner = Live(), FakeRunner()
    with live.worked_by(runner):  # type: ignore[arg-type]
        pass
    live.cancel()
    assert (live.cancelled.is_set(), runner.cancelled) == (True, 0)

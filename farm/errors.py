"""What can go wrong, split by what the caller does next.

    FarmError
    ├── TryAgain            wait and repeat the same call
    │   ├── Throttled       the provider asks for patience (carries the delay)
    │   ├── Unavailable     a server cannot be reached, or fails on its side
    │   └── BadAnswer       the model's endpoint answered with what is no answer
    │       └── Unanswered  the request went out, and what came back is not the model's doing
    ├── GiveUp              this task will not succeed; the others go on
    │   └── Unstorable      the store refuses what came of it
    ├── StopRoute           every further call on this route would fail the same way
    └── Misuse              what was asked cannot be done; the message says how to mend it
        ├── BadSetting
        ├── BadInput
        ├── UnknownTarget
        ├── NotFound
        ├── StoreTrouble
        └── TargetTrouble
            ├── QueryFailed  its database ran the query and found fault with it
            └── QueryCancelled  somebody stopped it

A rejected query is no exception: it is an outcome.
"""


class FarmError(Exception):
    """Base of all errors the farm raises on purpose.

    `failed_call` is the model call it ends, where that may have been paid (farm.models.answer.FailedCall).
    """

    failed_call: object = None


class TryAgain(FarmError):
    """The same call may succeed later; wait `retry_after_seconds` (None: nobody said how long)."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Throttled(TryAgain):
    """The provider limits the rate."""


class Unavailable(TryAgain):
    """A server cannot be reached or fails on its side."""


class BadAnswer(TryAgain):
    """The model's endpoint answered with something that is no answer; worth a bounded number of tries."""


class Unanswered(BadAnswer):
    """The request went out, and whether task or route is to blame cannot be told: a reset, a 504."""


class GiveUp(FarmError):
    """This task will not succeed, whatever is repeated."""


class Unstorable(GiveUp):
    """The store refuses what came of this task, now and later."""


class StopRoute(FarmError):
    """No call on this route can succeed until somebody mends it: a wrong key, an unknown model."""


class Misuse(FarmError):
    """What was asked cannot be done; the message says what, where and how to mend it."""


class BadSetting(Misuse):
    """A setting has a value the farm cannot use."""


class BadInput(Misuse):
    """An input file or argument cannot be read as it is."""


class UnknownTarget(Misuse):
    """No target of that name is known."""


class NotFound(Misuse):
    """There is no task, batch or query with that id."""


class StoreTrouble(Misuse):
    """The farm's own database cannot be opened, read or written."""


class TargetTrouble(Misuse):
    """A target's database cannot be reached, or refused the statement."""


class QueryFailed(TargetTrouble):
    """A target's database ran the query and found fault with it, such as a division by zero."""


class QueryCancelled(TargetTrouble):
    """Somebody stopped the query while a target's database ran it."""

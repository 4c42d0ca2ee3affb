"""The RQ job of a task: a hint that there is work, carrying a task id and nothing else.

Whoever can write to Redis can name any importable function in a job. So the class that the farm's workers
read jobs with refuses everything but the farm's own function, and every callback and webhook.
"""

import re
from collections.abc import Callable
from typing import Any

from redis import Redis
from rq import Queue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

from farm.errors import GiveUp

FUNCTION = "jobs.generate"
PREFIX = "task-"
NO_TIMEOUT = -1
TASK_IDS = range(1, 2**63)
MAX_DATA_BYTES = 1_000
MAX_FIELD_BYTES = 10_000
NOT_OURS = (b"result", b"exc_info", b"meta")
"""What a hint never has: results, errors and notes, which RQ would unpack whatever their size."""
FAILURE_TTL_SECONDS = 24 * 3600


class ForbiddenJob(GiveUp):
    """The payload in Redis asks for something that is not the farm's."""


class FarmJob(Job):
    """A job that runs the farm's own function with one task id, or is refused."""

    def __init__(
        self, id: str | None = None, connection: Redis | None = None, serializer: Any = None
    ) -> None:
        super().__init__(id, connection, JSONSerializer)

    def restore(self, raw_data: Any) -> Any:
        """Fill the job from its hash; raises ForbiddenJob for anything that is not a farm task."""
        try:
            fields = {name: value for name, value in raw_data.items() if name not in NOT_OURS}
            if len(fields.get(b"data", b"")) > MAX_DATA_BYTES:  # it may be compressed
                raise ForbiddenJob(f"job {self.id} is refused: its payload is too long for one task id")
            if any(len(value) > MAX_FIELD_BYTES for value in fields.values()):
                raise ForbiddenJob(f"job {self.id} is refused: a field is too long for a hint")
            result = super().restore(fields)
        except ForbiddenJob:
            raise
        except Exception as error:
            raise ForbiddenJob(f"job {self.id} cannot be read: {type(error).__name__}") from error
        if offence := self._offence():
            raise ForbiddenJob(f"job {self.id} is refused: {offence}")
        return result

    def _offence(self) -> str | None:
        try:
            name, instance, args, options = self.func_name, self.instance, self.args, self.kwargs
        except DeserializationError:
            return "its payload is not JSON"
        if name != FUNCTION or instance is not None:
            return f"it asks for the function {name!r:.100}"
        if options or len(args) != 1 or type(args[0]) is not int or args[0] not in TASK_IDS:
            return "its arguments are not one task id"
        if self._success_callback_name or self._failure_callback_name or self._stopped_callback_name:
            return "it names a callback"
        if self.webhooks:
            return "it names a webhook"
        return None

    @property
    def func(self) -> Callable[..., Any]:
        """The farm's job function, never what the payload names."""
        import jobs

        return jobs.generate

    @property
    def task_id(self) -> int:
        return int(self.args[0])


class FarmQueue(Queue):
    """An RQ queue of farm jobs, serialised as JSON."""

    job_class = FarmJob

    def __init__(self, name: str, connection: Redis, **options: Any) -> None:
        options |= {"job_class": FarmJob, "serializer": JSONSerializer}
        super().__init__(name, connection=connection, **options)


_JOB_ID = re.compile(rb"task-[1-9][0-9]{0,18}")


def is_job_id(entry: bytes) -> bool:
    """Whether an entry of a queue is named as the farm's own jobs are."""
    return _JOB_ID.fullmatch(entry) is not None


def job_id(task_id: int) -> str:
    """The RQ job id of a task; equal for every hint of one task, so that hints replace each other."""
    return f"{PREFIX}{task_id}"

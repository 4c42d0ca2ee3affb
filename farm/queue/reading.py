"""Reading what was popped from a queue: hints become jobs, and nothing else does. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from farm.queue.aside import MAX_ID_BYTES, shown
from farm.queue.job import FarmJob, ForbiddenJob, is_job_id

MAX_REASON_CHARS = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that is no hint of ours, whole, and why."""

    entry: bytes
    reason: str

    @property
    def shown(self) -> str:
        """The entry for people."""
        return shown(self.entry)

    @property
    def kind(self) -> str:
        """What this refusal has in common with others."""
        return self.reason.removeprefix(f"job {self.shown} ")


def is_readable(entry: bytes) -> bool:
    """Whether an entry can be a job's id at all, so that its job is worth a look."""
    return len(entry) <= MAX_ID_BYTES and entry.isascii()


def read(
    entries: Sequence[bytes], hashes: Sequence[Any], connection: Redis
) -> tuple[list[FarmJob], list[Refused]]:
    """The jobs of popped entries, and the entries that are refused.

    `hashes` holds what Redis said to HGETALL for each of them: the job's fields, or an exception. A hint
    whose job is gone is neither: it was acknowledged, or withdrawn.
    """
    jobs, refused = [], []
    for entry, raw in zip(entries, hashes, strict=True):
        try:
            if (job := _job(entry, raw, connection)) is not None:
                jobs.append(job)
        except (ForbiddenJob, ValueError) as error:
            refused.append(Refused(entry, str(error)[:MAX_REASON_CHARS]))
    return jobs, refused


def _job(entry: bytes, raw: Any, connection: Redis) -> FarmJob | None:
    if not is_readable(entry):
        raise ForbiddenJob("an entry of the queue is refused: it is no id of a job")
    if isinstance(raw, Exception):
        raise ForbiddenJob(f"a job's hash cannot be read: {raw}")
    if not raw:
        if is_job_id(entry):
            return None
        raise ForbiddenJob("an entry of the queue is refused: there is no such job")
    job = FarmJob(entry.decode("ascii"), connection=connection)
    job.restore(raw)
    return job

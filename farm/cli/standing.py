"""`farm status`, `farm tasks`: how everything stands."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from farm.cli import sheet
from farm.cli.shared import (
    MOST_ID,
    Group,
    Json,
    add_command,
    console,
    counted,
    nobody_works,
    note,
    opened,
    print_json,
    say,
    usd,
)
from farm.cli.sheet import Column
from farm.store.results import TaskResult
from farm.store.states import TaskState

QUEUE_COLUMNS = (
    Column("queue", whole=True),
    Column("waiting", right=True, whole=True),
    Column("oldest", right=True, whole=True),
    Column("state", whole=True),
)
WORKER_COLUMNS = (
    Column("worker", whole=True),
    Column("host"),
    Column("pid", right=True, whole=True),
    Column("state", whole=True),
    Column("busy", right=True, whole=True),
    Column("done", right=True, whole=True),
    Column("beat", right=True, whole=True),
    Column("restarts", right=True, whole=True),
)
TASK_COLUMNS = (
    Column("id", right=True, whole=True),
    Column("state", whole=True),
    Column("target"),
    Column("question"),
    Column("reason"),
)


ENDS_SHOWN = 5


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    for command in (status, tasks):
        add_command(root, Group.LOOK, command)


def status(json: Json = False) -> None:
    """Show how many tasks stand where, the queues, the living workers, and what was spent."""
    from farm.health.status import status as current_status

    with opened() as farm:
        now = current_status(farm)
    if json:
        print_json(now)
        return
    say("tasks   " + " · ".join(f"[bold]{count:,}[/] {state}" for state, count in now["tasks"].items()))
    spent = [counted(now["calls"], "model call"), counted(now["tokens"], "token"), usd(now["cost_usd"])]
    say("spent   " + " · ".join(part for part in spent if part))
    say("")
    sheet.show(console, QUEUE_COLUMNS, [_queue(queue) for queue in now["queues"]])
    if now["workers"]:
        sheet.show(console, WORKER_COLUMNS, [_worker(worker) for worker in now["workers"]])
    else:
        say(nobody_works([queue["scale"] for queue in now["queues"]]))
    for end in now["ends"][:ENDS_SHOWN]:
        note(f"{end['slot']} on {end['host']} ended {duration(end['seconds_ago'])} ago: {end['reason']}")
    if len(now["ends"]) > ENDS_SHOWN:
        note(f"and {len(now['ends']) - ENDS_SHOWN} other ends within the last hour")
    if count := now["set_aside"]:
        note(f"{counted(count, 'thing')} in Redis could not be used and was set aside; see docs/redis.md")
    if said := webhooks_line(now["webhooks"]):
        note(said)
    if now["tasks"]["rejected"] + now["tasks"]["dead"]:
        note("`farm tasks --state rejected` (or dead) says why")


def webhooks_line(counts: Mapping[str, int]) -> str:
    """How webhooks stand; empty where none is of interest."""
    said = {"waiting": "waiting for a batch's end", "pending": "to be sent", "failed": "given up today"}
    parts = [f"{counts[state]:,} {words}" for state, words in said.items() if counts[state]]
    return f"webhooks: {', '.join(parts)}" if parts else ""


def tasks(
    state: Annotated[TaskState | None, typer.Option(help="Only tasks in this state.")] = None,
    batch: Annotated[int | None, typer.Option(help="Only tasks of this batch.", max=MOST_ID)] = None,
    target: Annotated[str | None, typer.Option(help="Only tasks for this target.")] = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=10_000)] = 20,
    json: Json = False,
) -> None:
    """List tasks with their state, and why they were rejected or given up."""
    states = tuple(TaskState) if state is None else (state,)
    with opened() as farm:
        found = farm.tasks(states=states, batch_id=batch, target=target, limit=limit)
    if json:
        for result in found:
            print_json(result)
        return
    if not found:
        say("no task matches")
        return
    sheet.show(console, TASK_COLUMNS, [_task(result) for result in found])
    note("`farm show ID --task` prints every answer and verdict; `farm requeue ID` lets one be worked again")


def _queue(queue: dict[str, Any]) -> list[str]:
    oldest = "" if queue["oldest_seconds"] is None else duration(queue["oldest_seconds"])
    return [queue["name"], f"{queue['depth']:,}", oldest, "paused" if queue["paused"] else "runs"]


def _worker(worker: dict[str, Any]) -> list[str]:
    return [
        worker["slot"],
        worker["host"],
        str(worker["pid"]),
        worker["state"],
        str(worker["in_flight"]),
        f"{worker['tasks_done']:,}",
        duration(worker["heartbeat_age_seconds"]),
        str(worker["restarts"]),
    ]


def _task(result: TaskResult) -> list[str]:
    reason = f"{result.reason_code}: {result.reason}" if result.reason_code else ""
    return [str(result.task_id), result.state.value, result.target, result.question, reason]


def duration(seconds: float) -> str:
    """A time span in its largest sensible unit, such as `4 s`, `12 min`, `3 h`, `2 d`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"

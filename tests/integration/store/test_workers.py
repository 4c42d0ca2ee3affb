"""The lives of workers, and paused queues."""

from datetime import timedelta

from sqlalchemy import select, update
from support.store import end

from farm.store import workers
from farm.store.engine import Store, now
from farm.store.tables import WorkerRow


def register(store: Store, name: str) -> None:
    with store.write() as connection:
        workers.register(connection, name=name, slot="default-1", host="here", pid=42, queue="default")


def paused(store: Store) -> set[str]:
    with store.read() as connection:
        return workers.paused(connection)


def test_the_first_reason_of_an_end_stays(store: Store):
    register(store, "w1")
    with store.write() as connection:
        end(connection, "w1", "killed for its memory")
        end(connection, "w1", "exited")
    with store.read() as connection:
        [found] = connection.execute(select(WorkerRow.__table__)).all()
    assert (found.state, found.end_reason, found.in_flight) == ("ended", "killed for its memory", 0)
    assert found.ended_at >= found.started_at


def test_the_end_of_a_worker_that_could_not_sign_on_is_kept_too(store: Store):
    with store.write() as connection:
        end(connection, "stillborn", "the initializer failed")
    with store.read() as connection:
        [found] = connection.execute(select(WorkerRow.__table__)).all()
    assert (found.name, found.state, found.slot, found.queue) == (
        "stillborn",
        "ended",
        "default-1",
        "default",
    )
    assert (found.end_reason, found.end_wanted) == ("the initializer failed", False)


def test_a_worker_may_sign_on_twice(store: Store):
    for _ in range(2):
        register(store, "w1")
    with store.read() as connection:
        assert list(connection.scalars(select(WorkerRow.name))) == ["w1"]


def test_lives_that_ended_long_ago_are_forgotten(store: Store):
    for name in ("long ago", "lately", "alive", "lost with its host"):
        register(store, name)
    with store.write() as connection:
        end(connection, "long ago", "stopped")
        end(connection, "lately", "stopped")
        month = now() - workers.KEPT - timedelta(hours=1)
        connection.execute(update(WorkerRow).where(WorkerRow.name == "long ago").values(ended_at=month))
        lost = WorkerRow.name == "lost with its host"
        connection.execute(update(WorkerRow).where(lost).values(heartbeat_at=month))
    register(store, "new")
    with store.read() as connection:
        assert set(connection.scalars(select(WorkerRow.name))) == {"lately", "alive", "new"}


def test_a_queue_is_paused_until_it_is_resumed(store: Store):
    assert paused(store) == set()
    for queue in ("default", "big", "big"):
        with store.write() as connection:
            workers.pause(connection, queue)
    assert paused(store) == {"default", "big"}
    with store.write() as connection:
        workers.resume(connection, "big")
        workers.resume(connection, "never paused")
    assert paused(store) == {"default"}


def test_a_queue_is_scaled_until_it_goes_back_to_its_settings(store: Store):
    with store.write() as connection:
        workers.pause(connection, "big")
        workers.set_scale(connection, "default", 3)
        workers.set_scale(connection, "big", 0)
        workers.set_scale(connection, "default", 8)
        assert workers.scale(connection) == {"default": 8, "big": 0}
        workers.set_scale(connection, "default", None)
        workers.set_scale(connection, "never scaled", None)
        assert workers.scale(connection) == {"big": 0}
    assert paused(store) == {"big"}, "neither touches the other"

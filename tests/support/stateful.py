"""Store, queue and reconciler as a state machine: hypothesis chooses what happens, a model what comes of it.

Producers, workers, the reconciler, faults and people act on a real store and a real queue server, with a few
tasks and three workers. After each action the store must be exactly what the model says; and at the end of
each run an honest worker brings everything to its end.

There is one rule that draws what happens, and not one for each action: hypothesis leaves out most rules of a
machine in most of its runs, and few of them then get as far as a task's third attempt.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from redis import Redis
from sqlalchemy import Connection, delete, select, update
from support import store as by_hand
from support.expected import MAX_ATTEMPTS, Books, Expected, Hand
from support.store import SHOP, answer

from farm.queue.announce import announce
from farm.queue.aside import leader_key
from farm.queue.hints import Hints
from farm.queue.job import FarmJob, job_id
from farm.queue.reconciler import Reconciler
from farm.store import counters, enqueue, steering, targets, tasks, workers
from farm.store.counted import MODEL_CALLS, TASKS_ENDED, TASKS_ENQUEUED, TASKS_REQUEUED
from farm.store.engine import Store, now
from farm.store.states import SETTLED, TaskState
from farm.store.steering import REQUEUEABLE, Selection
from farm.store.tables import Base, TaskRow

LEASE_SECONDS = 1e6  # leases run out where a rule says so, not because a test machine is slow
LONG_AGO = now().replace(year=2000)
QUEUE = "default"
WINDOW = 1000
MOST_UNSETTLED = 2
MOST_PASSES = 30
NUMBERS = st.lists(st.integers(0, 11), min_size=1, max_size=2)
HOWS = ["accept", "reject", "reject", "ask again"]
RARELY = st.sampled_from([False, False, False, True])
HAPPENS = {
    "enqueue": 2,
    "take": 8,
    "claim": 2,
    "work": 8,
    "rest": 1,
    "renew": 1,
    "drain": 2,
    "kill": 3,
    "fall_silent": 2,
    "be_overtaken": 5,
    "flushall": 1,
    "tick": 4,
    "pause": 1,
    "resume": 3,
    "cancel": 1,
    "stop": 1,
    "requeue": 4,
}
T = TypeVar("T")


class Machine(RuleBasedStateMachine):
    """Give it a `store` and a `redis` by subclassing; see `machine`."""

    store: Store
    redis: Redis

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        with self.store.write() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(delete(table))
        targets.save(self.store, SHOP)
        self.numbers, self.clock = count(10), 0.0
        self.names = ["w1", "w2", "w3"]
        self.books = Books()
        self.keys: dict[str, int] = {}
        self.batches: dict[int, set[int]] = {}
        self.popped: list[tuple[str, int]] = []
        self.hands: list[Hand] = []
        self.done, self.paused = "", False
        self.draw: Callable[..., Any]
        self.hints = Hints(self.redis)
        self.reconcilers = {name: self.reconciler(name) for name in "ab"}

    def reconciler(self, name: str) -> Reconciler:
        return Reconciler(
            self.store,
            self.hints,
            name=name,
            queues=[QUEUE],
            window=WINDOW,
            lease_seconds=LEASE_SECONDS,
            max_attempts=MAX_ATTEMPTS,
            clock=lambda: self.clock,
        )

    def write(self, act: Callable[[Connection], Any]) -> Any:
        with self.store.write() as connection:
            return act(connection)

    def draw_from(self, some: Iterable[T]) -> T:
        among = list(some)
        return among[self.draw(st.integers(0, len(among) - 1))]

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        self.draw = data.draw
        likely = [what for what, weight in HAPPENS.items() if self.can(what) for _ in range(weight)]
        getattr(self, self.draw(st.sampled_from(likely)))()

    def can(self, what: str) -> bool:
        """Whether it would be more than nothing."""
        states = [task.state for task in self.books.tasks.values()]
        unsettled = sum(state not in SETTLED for state in states)
        possible = dict.fromkeys(("work", "renew", "drain", "stop"), bool(self.hands)) | {
            "enqueue": unsettled < MOST_UNSETTLED,
            "take": TaskState.QUEUED in states and not self.paused,
            "claim": bool(self.popped),
            "rest": any(hand.may_rest for hand in self.hands),
            "kill": bool(self.hands or self.popped),
            "fall_silent": TaskState.LEASED in states,
            "be_overtaken": any(self.books.held(hand) for hand in self.hands),
            "pause": not self.paused,
            "resume": self.paused,
            "cancel": TaskState.QUEUED in states,
            "requeue": any(state in REQUEUEABLE for state in states) and unsettled < MOST_UNSETTLED,
        }
        return possible.get(what, True)

    def enqueue(self) -> None:
        priority = self.draw(st.sampled_from([0, 5]))
        asked = [by_hand.task(number, priority=priority) for number in self.draw(NUMBERS)]
        done = enqueue.enqueue(self.store, [(one, QUEUE) for one in asked])
        with self.store.read() as connection:
            ids: dict[str, int] = dict(connection.execute(select(TaskRow.key, TaskRow.id)).all())
        new = ids.keys() - self.keys.keys()
        assert new == {one.idempotency_key for one in asked} - self.keys.keys()
        assert (done.added, done.known) == (len(new), len(asked) - len(new))
        self.books.tasks |= {ids[key]: Expected(id=ids[key]) for key in new}
        self.keys = ids
        self.batches[done.batch_id] = {ids[one.idempotency_key] for one in asked}
        assert announce(self.store, self.redis, [QUEUE], window=WINDOW)

    def take(self) -> None:
        """Pop hints, which the reconciler sees to, and claim at once or later."""
        if not self.hints.depth(QUEUE):
            self.tick()
            self.the_store_is_what_the_model_says()
        self.pop(self.draw_from(self.names), self.draw(st.integers(1, 3)))
        if not self.draw(RARELY):
            self.claim()

    def pop(self, worker: str, most: int) -> None:
        """As a worker does: a hint without its job, or of a task that it has in hand, is dropped."""
        in_hand = {hand.claimed.id for hand in self.hands if hand.worker == worker}
        in_hand |= {task_id for name, task_id in self.popped if name == worker}
        entries: Any = self.redis.lpop(f"rq:queue:{QUEUE}", most)
        for entry in entries or []:
            job = FarmJob(entry.decode(), connection=self.redis)
            raw: Any = self.redis.hgetall(job.key)
            if raw:
                job.restore(raw)
                assert job.id == job_id(job.task_id)
                if job.task_id not in in_hand:
                    self.popped.append((worker, job.task_id))

    def claim(self) -> None:
        """The worker that popped first claims all that it has popped."""
        worker = next((name for name, _ in self.popped), "")
        ids = [task_id for name, task_id in self.popped if name == worker]
        self.popped = [one for one in self.popped if one[0] != worker]
        self.claim_as(worker, ids)

    def claim_as(self, worker: str, ids: Iterable[int]) -> None:
        self.done = "claim"
        ids = list(ids)
        found = self.write(
            lambda c: tasks.claim(
                c, ids, worker=worker, lease_seconds=LEASE_SECONDS, max_attempts=MAX_ATTEMPTS
            )
        )
        queued = {task_id for task_id in ids if self.books.tasks[task_id].state is TaskState.QUEUED}
        assert found.keys() == queued
        for claimed in found.values():
            task = self.books.tasks[claimed.id]
            waits = task.attempt == MAX_ATTEMPTS - 1
            task.state, task.token, task.worker = TaskState.LEASED, task.token + 1, worker
            task.attempt, task.begun = task.attempt + (not waits), not waits
            said = [one.text for one in claimed.answers]
            assert (claimed.token, claimed.last, said) == (task.token, waits, task.kept)
            assert claimed.attempt == task.attempt + waits
            self.hands.append(Hand(worker=worker, claimed=claimed, waits=waits, answers=said))

    def work(self) -> None:
        """The next step of a task in hand, be it held or lost."""
        hand, how = self.draw_from(self.hands), self.draw(st.sampled_from(HOWS))
        if hand.waits:
            self.begin_with(hand)
        elif not hand.answers or (how == "ask again" and len(hand.answers) < 3):
            self.answer_with(hand)
        else:
            self.finish_with(hand, how == "accept")
            if self.draw(RARELY):  # the commit went through, and was not heard of
                assert self.write(lambda c: tasks.finish(c, [hand.outcome(accepts=how != "accept")])) == set()

    def begin_with(self, hand: Hand) -> None:
        held, task = self.books.held(hand), self.books.tasks[hand.claimed.id]
        assert self.write(lambda c: tasks.begin(c, hand.claimed)) == held
        if held:
            task.attempt, task.begun, hand.waits = task.attempt + 1, True, False
        else:
            self.hands.remove(hand)

    def rest(self) -> None:
        """Between two tries at a call, a last attempt that was begun does not count."""
        hand = self.draw_from(hand for hand in self.hands if hand.may_rest)
        held, task = self.books.held(hand), self.books.tasks[hand.claimed.id]
        assert self.write(lambda c: tasks.rest(c, hand.claimed)) == held
        if held:
            task.attempt, task.begun, hand.waits = task.attempt - 1, False, True
        else:
            self.hands.remove(hand)

    def answer_with(self, hand: Hand) -> None:
        """Keep what the model said; the first to say it is who is believed."""
        task = self.books.tasks[hand.claimed.id]
        call_no = hand.claimed.calls_before + len(hand.answers) + 1
        text = f"SELECT {next(self.numbers)}"
        stands = task.answers.setdefault(call_no, text)
        kept = self.write(lambda c: tasks.save_answers(c, [answer(task.id, call_no, text)]))
        assert [one.text for one in kept] == [stands]
        hand.answers.append(stands)

    def finish_with(self, hand: Hand, accepts: bool) -> None:
        self.done = "accept" if accepts else "reject"
        self.hands.remove(hand)
        task = self.books.tasks[hand.claimed.id]
        held = self.books.held(hand)
        assert self.write(lambda c: tasks.finish(c, [hand.outcome(accepts=accepts)])) == {task.id} & {
            held and task.id
        }
        if held:
            task.leave(TaskState.ACCEPTED if accepts else TaskState.REJECTED)
            task.query = hand.answers[-1] if accepts else None

    def renew(self) -> None:
        worker = self.draw_from(self.hands).worker
        ids = {hand.claimed.id for hand in self.hands if hand.worker == worker}
        kept = {task.id for task in self.books.leased_to(worker) if task.id in ids}
        lost = self.write(lambda c: tasks.renew(c, ids, worker=worker, lease_seconds=LEASE_SECONDS))
        assert lost == ids - kept
        for task_id in kept:
            self.books.tasks[task_id].late = False

    def drain(self) -> None:
        """A worker gives back what it has in hand."""
        self.done = "release"
        worker = self.draw_from([hand for hand in self.hands if hand.waits] or self.hands).worker
        ids = {hand.claimed.id for hand in self.hands if hand.worker == worker}
        waiting = {hand.claimed.id for hand in self.hands if hand.worker == worker and hand.waits}
        leased = [task for task in self.books.leased_to(worker) if task.id in ids]
        given = self.write(lambda c: tasks.release(c, ids, worker=worker, uncounted=waiting))
        assert given == len(leased)
        for task in leased:
            task.attempt -= task.begun
            task.leave(TaskState.QUEUED)
        self.drop(worker)

    def drop(self, worker: str) -> None:
        """What a worker had in its memory is gone."""
        self.hands = [hand for hand in self.hands if hand.worker != worker]
        self.popped = [one for one in self.popped if one[0] != worker]

    def kill(self) -> None:
        """Seen by its watchdog, or together with it."""
        known = dict.fromkeys([*self.names, *(hand.worker for hand in self.hands)])
        worker, seen = self.draw_from(known), self.draw(st.booleans())
        self.names = [f"w{next(self.numbers)}" if name == worker else name for name in self.names]
        self.drop(worker)
        ended = self.books.leased_to(worker)
        if not seen:
            self.run_out(ended)
            return
        self.done = "expire"
        freed = self.write(lambda c: tasks.free_worker(c, worker, max_attempts=MAX_ATTEMPTS))
        assert freed == len(ended)
        for task in ended:
            task.expire()

    def fall_silent(self) -> None:
        """A lease runs out; whoever held it may still be at it."""
        self.run_out([self.draw_from(self.books.in_state(TaskState.LEASED))])

    def be_overtaken(self) -> None:
        """A lease runs out, is freed, and a new worker gets the task while the first is still at it."""
        held = [hand for hand in self.hands if self.books.held(hand)]
        hand = self.draw_from([hand for hand in held if hand.waits] or held)
        self.run_out([self.books.tasks[hand.claimed.id]])
        self.redis.delete(leader_key("default"))
        self.tick()
        self.the_store_is_what_the_model_says()
        self.claim_as(f"w{next(self.numbers)}", [hand.claimed.id])

    def run_out(self, leased: Iterable[Expected]) -> None:
        for task in leased:
            task.late = True
            self.write(
                lambda c, id=task.id: c.execute(
                    update(TaskRow).where(TaskRow.id == id).values(leased_until=LONG_AGO)
                )
            )

    def flushall(self) -> None:
        self.redis.flushall()

    def tick(self, name: str = "") -> None:
        name = name or self.draw(st.sampled_from("aab"))
        self.done = "expire"
        self.clock += 1.0
        late = self.books.late()
        done = self.reconcilers[name].tick()
        assert done.expired == len(late)
        for task in late:
            task.expire()
        if self.redis.get(leader_key("default")) == name.encode():
            hinted = self.hints.waiting(QUEUE)
            queued = {job_id(task.id) for task in self.books.in_state(TaskState.QUEUED)}
            assert not hinted if self.paused else queued <= hinted, "who waits has a hint"

    def pause(self) -> None:
        self.paused = True
        self.write(lambda c: workers.pause(c, QUEUE))

    def resume(self) -> None:
        self.paused = False
        self.write(lambda c: workers.resume(c, QUEUE))

    def cancel(self) -> None:
        self.done = "cancel"
        batch_id = self.draw_from(self.batches)
        batch = [self.books.tasks[task_id] for task_id in self.batches[batch_id]]
        waiting = [task for task in batch if task.state is TaskState.QUEUED]
        assert self.write(lambda c: steering.cancel(c, batch_id)) == len(waiting)
        for task in waiting:
            task.leave(TaskState.DEAD)

    def stop(self) -> None:
        self.done = "stop"
        hand = self.draw_from(self.hands)
        self.hands.remove(hand)
        task = self.books.tasks[hand.claimed.id]
        held = task in self.books.leased_to(hand.worker)
        assert self.write(lambda c: steering.stop(c, [task.id], worker=hand.worker)) == held
        if held:
            task.leave(TaskState.DEAD)

    def requeue(self) -> None:
        states = self.draw(st.sampled_from([(TaskState.DEAD,), (TaskState.REJECTED,), REQUEUEABLE]))
        self.done = "requeue"
        chosen = self.books.in_state(*states)
        assert self.write(lambda c: steering.requeue(c, Selection(states=states))) == len(chosen)
        for task in chosen:
            if task.state is TaskState.REJECTED:
                task.calls_before = max(task.answers, default=0)
            task.attempt = 0
            task.leave(TaskState.QUEUED)

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        self.books.check(self.store, self.done)

    def teardown(self) -> None:
        """Whatever has happened: with the queue resumed and one honest worker, all comes to its end."""
        self.resume()
        for _ in range(MOST_PASSES):
            if not self.books.in_state(TaskState.QUEUED, TaskState.LEASED):
                self.everything_is_counted()
                return
            self.step_honestly()
            self.the_store_is_what_the_model_says()
        raise AssertionError(f"unsettled after {MOST_PASSES} passes: {self.books.tasks}")

    def everything_is_counted(self) -> None:
        """What came in has gone out: each task once, and once more for each time it was requeued."""
        with self.store.read() as connection:
            counted = counters.read(connection)
        ends = Counter({key[1:]: number for key, number in counted.items() if key[0] == TASKS_ENDED})
        accepted = len(self.books.in_state(TaskState.ACCEPTED))
        answers = sum(len(task.answers) for task in self.books.tasks.values())
        assert counted[TASKS_ENQUEUED,] == len(self.books.tasks)
        requeued = sum(number for key, number in counted.items() if key[0] == TASKS_REQUEUED)
        assert ends.total() == counted[TASKS_ENQUEUED,] + requeued
        assert ends[TaskState.ACCEPTED.value, ""] == accepted
        assert sum(number for key, number in counted.items() if key[0] == MODEL_CALLS) == answers

    def step_honestly(self) -> None:
        self.run_out(self.books.in_state(TaskState.LEASED))
        self.redis.delete(leader_key("default"))
        self.tick("a")
        self.the_store_is_what_the_model_says()
        worker = f"w{next(self.numbers)}"
        self.pop(worker, 100)
        self.claim_as(worker, [task_id for name, task_id in self.popped if name == worker])
        self.the_store_is_what_the_model_says()
        for hand in [hand for hand in self.hands if hand.worker == worker]:
            if hand.waits:
                self.begin_with(hand)
            if not hand.answers:
                self.answer_with(hand)
            self.finish_with(hand, accepts=True)


def machine(store: Store, redis: Redis) -> type[Machine]:
    """A machine over this store and this queue server."""
    return type("Bound", (Machine,), {"store": store, "redis": redis})

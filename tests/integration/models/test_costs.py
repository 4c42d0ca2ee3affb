"""What failed attempts cost is in the farm's books, from the endpoint's answer to the sums people read."""

import asyncio

import pytest
from support.asking import SHORT_SECONDS, model
from support.llm import Fault, Reply
from support.store import SHOP, add, opened, row

from farm.models.retry import patiently
from farm.pipeline.produce import Pipeline
from farm.sql.verdict import Candidate, Verdict
from farm.store import results, status
from farm.store.states import TaskState
from farm.store.writer import Writer

PRICES = {"prompt_usd_per_million": 1_000.0, "completion_usd_per_million": 2_000.0}


async def at_once(seconds: float) -> None:
    """Time does not pass here."""


async def assess(text, target):
    return (Candidate(sql=text, verdict=Verdict(dry_run="sqlite")),)


async def find_target(name, version):
    return SHOP


async def produce(store, llm, task_id: int) -> TaskState | None:
    """One task through the real client, patience, pipeline and writer."""
    writer = Writer(store, worker="w", lease_seconds=60.0, max_attempts=3)
    async with model(llm.url, deadline_seconds=SHORT_SECONDS, **PRICES) as client:

        async def ask(messages, hold, note, pause, grammar):
            async def held():
                await hold()
                return await client.ask(messages)

            return await patiently(held, note=note, sleep=at_once)

        pipeline = Pipeline(ledger=writer, ask=ask, assess=assess, find_target=find_target, max_repairs=0)
        try:
            return await pipeline.produce(task_id)
        finally:
            await writer.close()


CASES = [
    ([Fault.NULL_CONTENT, Fault.TRUNCATED, "SELECT 1"], TaskState.ACCEPTED, 1, ["empty", "cut_off"]),
    ([Fault.RATE_LIMITED, Fault.SERVER_ERROR, "SELECT 1"], TaskState.ACCEPTED, 1, []),
    ([Fault.NULL_CONTENT], TaskState.REJECTED, 0, ["empty"] * 3),
    ([Reply(text="no", finish_reason="content_filter")], TaskState.REJECTED, 0, ["content_filter"]),
    ([Fault.HANG, "SELECT 1"], TaskState.ACCEPTED, 1, ["deadline"]),
]


@pytest.mark.parametrize(("replies", "state", "calls", "codes"), CASES)
def test_what_may_have_been_paid_is_in_the_books(database_url, llm, replies, state, calls, codes):
    with opened(database_url) as store:
        [task_id] = add(store)
        llm.answer("Question 0?", *replies)
        assert asyncio.run(produce(store, llm, task_id)) is state
        with store.read() as connection:
            spent = status.spent(connection)
            [result] = results.by_id(connection, [task_id])
            kept = connection.exec_driver_sql("SELECT code, prompt_tokens, cost_usd FROM failed_calls").all()
            answered = connection.exec_driver_sql("SELECT prompt_tokens, cost_usd FROM answers").all()
        assert [code for code, _, _ in kept] == codes
        assert (result.calls, result.failed_calls) == (calls, len(codes))
        assert (spent.calls, spent.failed_calls) == (calls, len(codes))
        tokens = sum(tokens or 0 for _, tokens, _ in kept) + sum(tokens for tokens, _ in answered)
        assert spent.prompt_tokens == result.prompt_tokens == tokens
        costs = [cost for *_, cost in [*kept, *answered] if cost is not None]
        assert (spent.cost_usd or 0.0) == pytest.approx(sum(costs))
        said_tokens = bool({"empty", "content_filter"} & set(codes))
        assert said_tokens == any(tokens for _, tokens, _ in kept)
        assert row(store, task_id).state == state

"""What a job reaches, inside a worker and outside."""

import asyncio
import contextvars

import pytest

import jobs
from farm.worker import context


def test_a_job_is_handed_to_the_worker_s_producer():
    produced = []

    class Producer:
        async def produce(self, task_id):
            produced.append(task_id)

    def scene():
        context.enter(Producer())
        asyncio.run(jobs.generate(7))

    contextvars.copy_context().run(scene)
    assert produced == [7]


def test_outside_a_worker_a_job_says_where_it_belongs():
    with pytest.raises(RuntimeError, match="farm workers"):
        asyncio.run(jobs.generate(7))

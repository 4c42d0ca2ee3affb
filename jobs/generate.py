"""The one job a worker runs; Redis knows it as `jobs.generate` and holds nothing but its task id."""


async def generate(task_id: int) -> None:
    """Produce the query for one task. Runs inside a farm worker's event loop only."""
    from farm.worker.context import current

    await current().produce(task_id)

"""Fetching the local model's weights, with a progress bar."""

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from farm.cli.shared import errors, note
from farm.services import weights
from farm.services.weights import Weights
from farm.settings import Settings


def weights_for(settings: Settings) -> Weights | None:
    """The weights to serve, fetched if need be; None where an endpoint is configured."""
    if not settings.uses_local_model:
        return None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        row = bar.add_task("local model", total=None)
        told = ""

        def report(progress: weights.Progress) -> None:
            nonlocal told
            what = f"{progress.stage} {progress.source}".strip()
            bar.update(row, description=what, completed=progress.done_bytes, total=progress.total_bytes)
            if not errors.is_terminal and what != told:
                told = what
                note(f"local model: {what}, {progress.total_bytes / 1e6:,.0f} MB")

        found = weights.fetch(settings.local_model, cache_dir=settings.cache_dir, report=report)
    note(f"local model: {found.name} ({found.note})")
    return found

"""`farm enqueue --webhook`, and what `farm status` and `farm doctor` say of webhooks."""

from collections.abc import Callable

import pytest
from support.cli import Ended

from farm import Farm

Run = Callable[..., Ended]
ROW = '{"question": "A?", "target": "shop"}\n'
HOOK = "https://hooks.example.com/c4nary"


@pytest.mark.usefixtures("opened")
def test_an_address_is_kept_with_its_batch_and_counted(
    farm: Run, opened: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = farm("enqueue", "-", "--webhook", HOOK, stdin=ROW)
    assert (refused.code, "webhooks are off here: set FARM_WEBHOOK_HOSTS" in refused.err) == (2, True)
    monkeypatch.setenv("FARM_WEBHOOK_HOSTS", '["hooks.example.com"]')
    assert "set FARM_WEBHOOK_SECRET" in farm("enqueue", "-", "--webhook", HOOK, stdin=ROW).err
    assert opened.tasks() == []
    monkeypatch.setenv("FARM_WEBHOOK_SECRET", "whsec_" + "A" * 44)
    assert farm("enqueue", "-", "--webhook", HOOK, stdin=ROW).out == "batch 1: 1 task enqueued\n"
    assert [one.state for one in opened.batch(1).webhooks()] == ["waiting"]
    assert "webhooks: 1 waiting for a batch's end" in farm("status").err

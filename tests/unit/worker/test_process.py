"""Calling the user's initializer, telling the watchdog without ever waiting for it, and the end of it all."""

import asyncio
import gc
import multiprocessing
import os
import sys
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from farm import cancelling
from farm.errors import BadSetting
from farm.worker.process import MAX_REASON_CHARS, _tell, _work, initialize, load
from farm.worker.pulse import Failed, Pulse, WorkerState

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes that do not block")


def test_an_initializer_is_found_by_its_path():
    assert load("os.path:join") is os.path.join


@pytest.mark.parametrize(
    "path",
    [
        "",
        "os",
        "os:",
        "os:no_such_thing",
        "no_such_module:f",
        ":f",
        "os.path",
        "os..path:join",
        "sys:maxsize",
    ],
)
def test_a_path_that_names_no_function_is_refused(path):
    with pytest.raises(BadSetting, match="initializer"):
        load(path)


def test_an_initializer_that_fails_is_a_bad_setting_with_its_reason(monkeypatch):
    def fail():
        raise ZeroDivisionError("no model file")

    monkeypatch.setattr(os, "fail_for_the_test", fail, raising=False)
    with pytest.raises(BadSetting, match=r"'os:fail_for_the_test' failed: ZeroDivisionError: no model file"):
        initialize("os:fail_for_the_test")


@unix
def test_a_watchdog_that_does_not_read_never_stops_the_worker():
    ours, theirs = multiprocessing.Pipe(duplex=False)
    os.set_blocking(theirs.fileno(), False)
    pulse = Pulse(state=WorkerState.READY, in_flight=4, tasks_done=10**9)
    started = time.monotonic()
    with ours, theirs:
        for _ in range(5_000):
            _tell(theirs, pulse)
        heard = 0
        while ours.poll():
            assert ours.recv() == pulse
            heard += 1
    assert 0 < heard < 5_000
    assert time.monotonic() - started < 10


@unix
def test_the_longest_reason_goes_out_whole():
    ours, theirs = multiprocessing.Pipe(duplex=False)
    os.set_blocking(theirs.fileno(), False)
    with ours, theirs:
        for _ in range(1_000):
            _tell(theirs, Failed(reason="🙂" * MAX_REASON_CHARS))
        assert ours.recv().reason == "🙂" * MAX_REASON_CHARS
        while ours.poll():
            assert ours.recv().reason == "🙂" * MAX_REASON_CHARS


def test_a_watchdog_that_is_gone_is_no_error():
    ours, theirs = multiprocessing.Pipe(duplex=False)
    ours.close()
    with theirs:
        _tell(theirs, Pulse(state=WorkerState.READY))


def test_a_heartbeat_that_swallows_its_cancellation_does_not_keep_the_worker(monkeypatch):
    """As Python's `wait_for` does that is cancelled just when its time is over."""
    monkeypatch.setattr(cancelling, "CANCEL_AGAIN_SECONDS", 0.01)
    beating, swallowed = asyncio.Event(), []

    async def beat():
        beating.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if swallowed:
                raise
            swallowed.append(True)

    async def nothing():
        await asyncio.sleep(0)

    worker = SimpleNamespace(run=beating.wait, worker_state=WorkerState.STARTING)

    @asynccontextmanager
    async def warm():
        yield SimpleNamespace(worker=worker, renew=nothing, beat=beat)

    ours, theirs = multiprocessing.Pipe(duplex=False)
    config = SimpleNamespace(settings=SimpleNamespace(initializer=None, lease_seconds=0.01))
    with ours, theirs:
        asyncio.run(asyncio.wait_for(_work(warm(), config, theirs, ours), timeout=10))
    gc.unfreeze()
    assert swallowed == [True]

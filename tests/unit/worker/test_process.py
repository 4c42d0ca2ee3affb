"""Loading and calling the user's initializer, and telling the watchdog without ever waiting for it."""

import multiprocessing
import os
import sys
import time

import pytest

from farm.errors import BadSetting
from farm.worker.process import MAX_REASON_CHARS, _tell, initialize, load
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

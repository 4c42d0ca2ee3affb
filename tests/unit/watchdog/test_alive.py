"""The file by which a farm shows that it lives, and what is said of one that does not."""

import os
import subprocess
import sys
import time

import pytest

from farm.watchdog.alive import EVERY_SECONDS, FORGOTTEN_SECONDS, FRESH_SECONDS, Alive, path_of, trouble


@pytest.fixture
def told(tmp_path):
    """A farm that has shown life, by a clock of the test's own, as ready or not."""
    times = iter((0.0, 0.0, 0.0, EVERY_SECONDS - 1, EVERY_SECONDS, EVERY_SECONDS))
    alive = Alive(tmp_path, clock=lambda: next(times))
    alive.tell(ready=False)
    return alive


def test_a_farm_that_is_not_there_is_told(tmp_path):
    assert "no farm works here" in str(trouble(tmp_path, live=False, now=time.time()))


def test_one_without_a_ready_worker_lives_and_does_not_work(tmp_path, told):
    assert trouble(tmp_path, live=True, now=time.time()) is None
    assert trouble(tmp_path, live=False, now=time.time()) == "no worker is ready yet"


def test_it_is_written_every_few_seconds(tmp_path, told):
    told.tell(ready=True)
    assert path_of(tmp_path).read_text() == "starting"
    told.tell(ready=True)
    assert trouble(tmp_path, live=False, now=time.time()) is None


def test_one_that_has_fallen_silent_is_told(tmp_path, told):
    later = time.time() + FRESH_SECONDS + 1
    assert "has said nothing for" in str(trouble(tmp_path, live=True, now=later))


def test_its_end_leaves_nothing_behind_of_its_own_or_of_hosts_long_gone(tmp_path, told):
    recent, old = (path_of(tmp_path).with_name(name) for name in ("recent", "old"))
    for other in (recent, old):
        other.touch()
    os.utime(old, (0, time.time() - FORGOTTEN_SECONDS - 1))
    told.end()
    assert list(path_of(tmp_path).parent.iterdir()) == [recent]


def test_a_home_that_cannot_be_written_is_no_trouble_for_the_farm(tmp_path):
    (tmp_path / "alive").touch()
    alive = Alive(tmp_path)
    alive.tell(ready=True)
    alive.end()


@pytest.mark.parametrize(("words", "code"), [((), 1), (("--live",), 0), (("and", "more"), 2)])
def test_the_exit_code_tells_it(tmp_path, told, words, code):
    command = [sys.executable, "-m", "farm.watchdog.alive", str(tmp_path), *words]
    assert subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == code


def test_asking_loads_nothing_of_the_farm_but_itself():
    code = "import sys, farm.watchdog.alive; print(sorted(m for m in sys.modules if m.startswith('farm')))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert said.stdout.strip() == "['farm', 'farm.private', 'farm.watchdog', 'farm.watchdog.alive']"

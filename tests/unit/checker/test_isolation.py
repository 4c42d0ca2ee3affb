"""The checker process cannot eat the machine's memory."""

import subprocess
import sys

import pytest

GREEDY = """
from farm.checker.isolation import limit_memory
limit_memory(300)
try:
    bytearray(600 * 1024 * 1024)
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux enforces RLIMIT_AS")
def test_memory_beyond_the_limit_is_refused():
    done = subprocess.run(
        [sys.executable, "-c", GREEDY], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "refused"

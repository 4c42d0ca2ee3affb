"""docs/api.md: its commands work as they stand there, and it names what there is."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.scene import play
from support.web import TOKENS, served

from farm.api import Farm
from farm.web.api import problems
from farm.web.api.table import OPERATIONS

DOC = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
FOR = {None: "everybody", 1: "readers", 2: "runners", 3: "operators"}


def commands() -> list[str]:
    """Its blocks of shell, but the one that says where the farm is."""
    blocks = re.findall(r"^```sh\n(.*?)^```", DOC, flags=re.MULTILINE | re.DOTALL)
    return [block for block in blocks if not block.startswith("export")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl_alone_asks_follows_fetches_and_runs(tmp_path, sqlite_url):
    with Farm.connect(home=tmp_path, database_url=sqlite_url, **TOKENS) as farm:
        play(farm, tmp_path)
        environment = {**os.environ, "TOKEN": "steer", "NO_PROXY": "*"}
        said = []
        with served(farm) as address:
            for block in commands():
                done = subprocess.run(
                    ["sh", "-ec", block],
                    env={**environment, "API": f"{address}/api/v1"},
                    cwd=tmp_path,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
                assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
                said.append(done.stdout)
    one, several, followed, fetched, ran, requeued = said
    (example,) = re.findall(r"^```json\n(.*?)^```", DOC, flags=re.MULTILINE | re.DOTALL)
    assert json.loads(one).keys() == json.loads(example).keys()
    assert json.loads(several)["added"] == 2
    assert json.loads(followed)["open"] == 0
    assert [json.loads(line)["state"] for line in fetched.splitlines()].count("accepted") == 6
    assert '"columns":' in ran
    assert (tmp_path / "revenue.csv").read_text("utf-8").startswith("placed_on,")
    assert json.loads(requeued) == {"tasks": 2}


def test_every_operation_stands_there_with_who_may_and_no_other():
    told = re.findall(r"^\| `([A-Z]+ /\S*)` \| (\w+) \|", DOC, flags=re.MULTILINE)
    assert told == [(f"{one.method} {one.path}", FOR[one.role]) for one in OPERATIONS]


def test_every_kind_of_problem_stands_there_with_its_status():
    told = {
        (kind, int(status))
        for status, kinds in re.findall(r"^\| (\d{3}) \| (.*?) \|", DOC, flags=re.MULTILINE)
        for kind in re.findall(r"`([a-z-]+)`", kinds)
    }
    assert told == {(kind, status) for kind, (status, _) in problems.KINDS.items()}

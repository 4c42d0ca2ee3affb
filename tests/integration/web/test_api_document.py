"""The OpenAPI document and the behaviour agree: whatever a client makes of the one, the other does."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from support.scene import play
from support.web import TOKENS, client, served

from farm.api import Farm
from farm.web.api import status
from farm.web.api.table import OPERATIONS

ROOT = Path(__file__).parents[3]
# What no document can say: which targets, models and parameters there are here.
KNOWN: dict[str, dict[str, Any]] = {
    "target": {"type": "string", "enum": ["shop"]},
    "model": {"type": "string", "enum": ["gpt-4.1-mini"]},
    "parameters": {"type": "object", "additionalProperties": False},
}
OF_THIS_FARM = {
    "CheckBody": ["target"],
    "RunBody": ["parameters"],
    "RequeueBody": ["model"],
    "RequeueTasks": ["model"],
}


@pytest.fixture
def farm(tmp_path: Path, sqlite_url: str) -> Iterator[Farm]:
    with Farm.connect(home=tmp_path, database_url=sqlite_url, model="gpt-4.1-mini", **TOKENS) as farm:
        play(farm, tmp_path)
        yield farm


def document(farm: Farm) -> dict[str, Any]:
    with client(farm) as browser:
        found: dict[str, Any] = browser.get("/api/v1/openapi.json").json()
        return found


def settled(found: dict[str, Any]) -> dict[str, Any]:
    """The document for this one farm."""
    schemas = found["components"]["schemas"]
    create = found["paths"]["/batches"]["post"]
    one, several = create["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    for body, names in OF_THIS_FARM.items():
        schemas[body]["properties"] |= {name: KNOWN[name] for name in names}
    for task in (one, several["items"]):
        task["properties"] |= {
            "target": KNOWN["target"],
            "model": {"type": ["string", "null"], "enum": ["gpt-4.1-mini", "", None]},
        }
        task["required"] = ["question", "target"]
    # Many requests under one key are rightly refused, a row without target is taken where the address names
    # one, and a bad row where good ones shall be kept: no schema says so, and test_api.py has tests of it.
    # Which webhooks there may be is the farm's to say.
    left_out = ("Idempotency-Key", "target", "keep_going", "webhook")
    create["parameters"] = [one for one in create["parameters"] if one["name"] not in left_out]
    return found


def tried(farm: Farm, folder: Path, *options: str, examples: int = 1) -> "subprocess.CompletedProcess[str]":
    """Let schemathesis try all that the document promises, with every check that it has."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(settled(document(farm))), "utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(path), "--checks", "all"]
    command += ["--header", "Authorization: Bearer steer", "--phases", "coverage,fuzzing"]
    command += ["-n", str(examples), "--generation-deterministic", "--no-color", *options]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "support.api_hooks", "PYTHONPATH": str(ROOT / "tests")}
    with served(farm) as address:
        return subprocess.run(
            [*command, "--url", f"{address}/api/v1"],
            check=False,
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=110,
        )


def test_schemathesis_finds_nothing(farm, tmp_path):
    found = tried(farm, tmp_path)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert f"Tested: {len(OPERATIONS)}" in found.stdout


def test_schemathesis_would_find_an_answer_that_is_not_as_promised(farm, tmp_path, monkeypatch):
    def lies(call: Any) -> Any:
        return JSONResponse({"tasks": "many"})

    (mutant,) = (one for one in OPERATIONS if one.endpoint is status.show)
    monkeypatch.setattr(type(mutant), "__setattr__", object.__setattr__)
    monkeypatch.setattr(mutant, "endpoint", lies)
    found = tried(farm, tmp_path, "--include-path", "/status", examples=1)
    assert found.returncode == 1
    assert "Response violates schema" in found.stdout


def test_every_operation_is_described_and_every_name_is_its_own(farm):
    described = [
        (path, method)
        for path, methods in document(farm)["paths"].items()
        for method in methods
        if methods[method]["summary"]
    ]
    assert sorted(described) == sorted((one.path, one.method.lower()) for one in OPERATIONS)
    assert len({one.id for one in OPERATIONS}) == len(OPERATIONS)


def test_every_field_and_parameter_of_a_request_is_explained(farm):
    found = document(farm)
    unexplained = [
        (path, parameter["name"])
        for path, methods in found["paths"].items()
        for operation in methods.values()
        for parameter in operation["parameters"]
        if parameter["in"] == "query" and not parameter["description"]
    ]
    assert unexplained == []

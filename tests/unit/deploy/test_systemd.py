"""The systemd units: taken by systemd where it is at hand, held to the farm's own commands and settings."""

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.compose import NOT_SETTINGS, ROOT, command_problems

from farm.settings import Settings

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
MOST_EXPOSURE = "20"
"""Tenths on systemd's own scale of 0 (safe) to 10."""


class Several(dict[str, str]):
    """A key that stands several times keeps all of its lines."""

    def __setitem__(self, key: str, value: str) -> None:
        if isinstance(value, list) and key in self:
            value = [*self[key], *value]
        super().__setitem__(key, value)


def service(path: Path) -> dict[str, list[str]]:
    parser = configparser.RawConfigParser(dict_type=Several, strict=False, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text("utf-8"))
    return {key: value.splitlines() for key, value in parser["Service"].items()}


@pytest.fixture
def systemd(tmp_path: Path) -> Path:
    """A folder with the units, naming a program that exists."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text("utf-8").replace("/opt/farm/bin/farm", "/bin/true"))
    return tmp_path


def analyzed(*words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_takes_the_units(systemd: Path) -> None:
    verified = analyzed("verify", "--man=no", *(f"./{path.name}" for path in UNITS), folder=systemd)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_a_wrong_line_is_found(systemd: Path) -> None:
    unit = systemd / "farm-web.service"
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=strikt"))
    assert "strikt" in analyzed("verify", "--man=no", f"./{unit.name}", folder=systemd).stderr


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_hardly_exposed(systemd: Path, path: Path) -> None:
    security = ("security", "--offline=yes", f"--threshold={MOST_EXPOSURE}", f"./{path.name}")
    exposed = analyzed(*security, folder=systemd)
    assert exposed.returncode == 0, exposed.stdout[-500:]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_its_command_settings_and_secrets_are_the_farms(path: Path) -> None:
    said = service(path)
    (command,) = said["ExecStart"]
    words = shlex.split(command.removeprefix("/opt/farm/bin/"))
    assert list(command_problems(words)) == []
    given = [pair.partition("=")[0] for line in said["Environment"] for pair in shlex.split(line)]
    given += [line.partition(":")[0].upper() for line in said["LoadCredential"]]
    known = {f"FARM_{name.upper()}" for name in Settings.model_fields} | {"OPENAI_API_KEY"} | NOT_SETTINGS
    assert set(given) <= known


def test_workers_may_drain_before_they_are_killed() -> None:
    said = service(ROOT / "deploy" / "systemd" / "farm-workers.service")
    (environment,) = said["Environment"]
    grace = dict(pair.split("=", 1) for pair in shlex.split(environment))["FARM_GRACE_SECONDS"]
    assert int(said["TimeoutStopSec"][0]) >= int(grace) + 10
    assert said["KillMode"] == ["mixed"]


PRETENDED = """#!/usr/bin/env python3
# What systemd-run does with these words, as far as a folder can stand for it.
import os, sys
words, given = sys.argv[1:], {}
while words[0].startswith("-"):
    word = words.pop(0)
    if word == "-p":
        name, _, value = words.pop(0).partition("=")
        given.setdefault(name, []).append(value)
    elif word.startswith("--setenv="):
        name, _, value = word.removeprefix("--setenv=").partition("=")
        os.environ[name] = value
assert given["User"] == ["farm"] and given["EnvironmentFile"] == ["-/etc/farm/farm.env"], given
for name, _, path in (each.partition(":") for each in given["LoadCredential"]):
    assert path == f"/etc/farm/secrets/{name}", path
    open(os.path.join(os.environ["CREDENTIALS_DIRECTORY"], name), "w").write(name)
os.execvp(words[0], words)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a Unix shell")
def test_farmctl_runs_a_command_with_what_the_workers_have(tmp_path: Path) -> None:
    """The words of systemd-run are taken by a stand-in: there is no systemd to ask here."""
    (tmp_path / "systemd-run").write_text(PRETENDED)
    (tmp_path / "farm").write_text('#!/bin/sh\nls "$FARM_SECRETS_DIR"; echo "$FARM_HOME"; echo "$@"; cat\n')
    (tmp_path / "secrets").mkdir()
    script = (ROOT / "deploy" / "systemd" / "farmctl").read_text("utf-8")
    (tmp_path / "farmctl").write_text(script.replace("/opt/farm/bin/farm", str(tmp_path / "farm")))
    for name in ("systemd-run", "farm", "farmctl"):
        (tmp_path / name).chmod(0o755)
    said = subprocess.run(
        [tmp_path / "farmctl", "target", "add", "my shop", "--url", "-"],
        input="postgresql://db",
        env={
            "PATH": f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "CREDENTIALS_DIRECTORY": str(tmp_path / "secrets"),
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    workers = service(ROOT / "deploy" / "systemd" / "farm-workers.service")
    secrets = sorted(line.partition(":")[0] for line in workers["LoadCredential"])
    wanted = [*secrets, "/var/lib/farm", "target add my shop --url -", "postgresql://db"]
    assert said.stdout.splitlines() == wanted, said.stderr

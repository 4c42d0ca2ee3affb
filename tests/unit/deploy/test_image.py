"""The Dockerfile: linted, and naming files that are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.compose import ROOT

DOCKERFILE = ROOT / "Dockerfile"
HADOLINT = Path(sys.executable).parent / "hadolint"

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="hadolint's package has no program for Windows"
)


def linted(path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([HADOLINT, path], capture_output=True, text=True, timeout=60, check=False)


def test_the_linter_has_nothing_to_say() -> None:
    said = linted(DOCKERFILE)
    assert (said.returncode, said.stdout) == (0, "")


@pytest.mark.parametrize(
    ("line", "worse", "rule"),
    [
        ("ARG PYTHON=3.11.14-slim-bookworm\n", "ARG PYTHON=latest\nFROM debian:latest\n", "DL3007"),
        ("WORKDIR /src", "WORKDIR src", "DL3000"),
        (" --no-install-recommends", "", "DL3015"),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, line: str, worse: str, rule: str) -> None:
    path = tmp_path / "Dockerfile"
    text = DOCKERFILE.read_text("utf-8")
    assert line in text
    path.write_text(text.replace(line, worse, 1))
    assert rule in linted(path).stdout


def test_every_file_that_is_copied_is_there_and_let_in() -> None:
    text = DOCKERFILE.read_text("utf-8")
    let_in = {
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    }
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, flags=re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert all((ROOT / word).exists() for word in copied)
    assert copied == let_in


def test_it_installs_nothing_that_is_not_locked_and_runs_as_nobody_special() -> None:
    text = DOCKERFILE.read_text("utf-8").replace("\\\n", " ")
    installs = re.findall(r"pip install (.*)", text)
    assert installs
    assert all("--require-hashes" in words or "--no-index" in words for words in installs)
    assert re.findall(r"^USER (.*)$", text, flags=re.MULTILINE) == ["10001:10001"]

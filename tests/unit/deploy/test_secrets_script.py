"""deploy/make-secrets.sh: what it makes, what it leaves as it is, and who may read it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.compose import ROOT, read

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for a Unix shell")


def make(folder: Path, **environment: str) -> str:
    command = ["sh", ROOT / "deploy" / "make-secrets.sh", folder]
    path = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(command, capture_output=True, text=True, env=path, timeout=30, check=True).stdout


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_it_makes_what_the_compose_file_names(tmp_path: Path) -> None:
    make(tmp_path / "secrets")
    named = {said["file"].removeprefix("./secrets/") for said in read()["secrets"].values()}
    assert contents(tmp_path / "secrets").keys() == named


def test_passwords_differ_and_stand_where_both_sides_look(tmp_path: Path) -> None:
    make(tmp_path, OPENAI_API_KEY="sk-1")
    made = contents(tmp_path)
    password = made["postgres_password"].strip()
    queue_password = re.findall(r">(\w+)", made["valkey_users"])[0]
    assert f":{password}@postgres:5432/" in made["farm_database_url"]
    assert f":{queue_password}@valkey:6379/" in made["farm_redis_url"]
    assert made["openai_api_key"] == "sk-1\n"
    assert len({password, queue_password, made["farm_web_operator_token"].strip()}) == 3
    assert all(len(secret) == 48 for secret in (password, queue_password))


def test_the_queues_user_is_the_documented_one(tmp_path: Path) -> None:
    make(tmp_path)
    docs = (ROOT / "docs" / "redis.md").read_text("utf-8")
    (block,) = re.findall(r"^```redis\n(.*?)^```", docs, flags=re.MULTILINE | re.DOTALL)
    documented = [word for word in block.split()[3:] if not word.startswith(">")]
    (user,) = re.findall(r"^user farm (.*)$", contents(tmp_path)["valkey_users"], flags=re.MULTILINE)
    assert [word for word in user.split() if not word.startswith(">")] == documented


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    make(tmp_path)
    before = contents(tmp_path)
    assert make(tmp_path, OPENAI_API_KEY="another") == ""
    assert contents(tmp_path) == before


def test_a_password_is_never_made_without_its_other_half(tmp_path: Path) -> None:
    (tmp_path / "farm_database_url").write_text("postgresql://me@elsewhere/farm")
    make(tmp_path)
    assert "postgres_password" not in contents(tmp_path)


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    make(tmp_path / "secrets")
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700

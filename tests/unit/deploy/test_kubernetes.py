"""The manifests: held to the cluster's own schemas, and to what no schema says."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from support.compose import ROOT, command_problems

from farm import __version__
from farm.settings import Settings

FOLDER = ROOT / "deploy" / "kubernetes"
KUBERNETES = "1.37"
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


# KEDA's resources are not among the cluster's own: the fields of keda.sh/v1alpha1 that are used here.
KEDA = {
    "TriggerAuthentication": closed(
        ("secretTargetRef",),
        secretTargetRef={
            "type": "array",
            "items": closed(("parameter", "name", "key"), parameter=TEXT, name=TEXT, key=TEXT),
        },
    ),
    "ScaledObject": closed(
        ("scaleTargetRef", "triggers"),
        scaleTargetRef=closed(("name",), name=TEXT, kind=TEXT, apiVersion=TEXT),
        minReplicaCount=NUMBER,
        maxReplicaCount=NUMBER,
        pollingInterval=NUMBER,
        cooldownPeriod=NUMBER,
        advanced=closed(horizontalPodAutoscalerConfig=closed(behavior={"type": "object"})),
        triggers={
            "type": "array",
            "items": closed(
                ("type", "metadata"),
                type={"const": "postgresql"},
                authenticationRef=closed(("name",), name=TEXT, kind=TEXT),
                metadata=closed(
                    ("query", "targetQueryValue"),
                    query=TEXT,
                    targetQueryValue=TEXT,
                    activationTargetQueryValue=TEXT,
                ),
            ),
        },
    ),
}


def manifests() -> list[dict[str, Any]]:
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
    return [document for path in files for document in yaml.safe_load_all(path.read_text("utf-8"))]


def named(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def held_to_its_schema(manifest: dict[str, Any]) -> None:
    if manifest["apiVersion"].startswith("keda.sh/"):
        jsonschema.validate(manifest["spec"], KEDA[manifest["kind"]])
    else:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for manifest in manifests():
        if "template" in manifest.get("spec", {}):
            yield named(manifest), manifest["spec"]["template"]["spec"]


PODS = dict(pods())


@pytest.mark.parametrize("manifest", manifests(), ids=named)
def test_each_manifest_is_what_the_cluster_takes(manifest: dict[str, Any]) -> None:
    held_to_its_schema(manifest)


@pytest.mark.parametrize("manifest", manifests(), ids=named)
def test_an_unknown_field_is_found(manifest: dict[str, Any]) -> None:
    broken = {**manifest, "spec": {**manifest.get("spec", {}), "replicsa": 2}}
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        held_to_its_schema(broken)


@pytest.mark.parametrize("name", PODS)
def test_each_pod_has_no_right_that_it_does_not_need(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["image"] == f"sqlfarm:{__version__}"


@pytest.mark.parametrize("name", PODS)
def test_no_services_variables_become_settings(name: str) -> None:
    assert PODS[name]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", PODS)
def test_each_command_and_probe_is_one_that_the_farm_has(name: str) -> None:
    (container,) = PODS[name]["containers"]
    probes = [container[probe] for probe in container if probe.endswith("Probe")]
    commands = [probe["exec"]["command"] for probe in probes if "exec" in probe]
    assert [line for words in [container["command"], *commands] for line in command_problems(words)] == []


@pytest.mark.parametrize("name", [name for name in PODS if name.startswith("Deployment/")])
def test_what_stays_up_is_probed_and_spread_over_disruptions(name: str) -> None:
    (container,) = PODS[name]["containers"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    budgets = {m["metadata"]["name"] for m in manifests() if m["kind"] == "PodDisruptionBudget"}
    assert name.partition("/")[2] in budgets


@pytest.mark.parametrize("name", [name for name in PODS if name.startswith("Deployment/")])
def test_what_children_leave_behind_is_reaped(name: str) -> None:
    """The checker of a killed worker falls to the first process of the pod, which would else be the farm."""
    assert PODS[name]["shareProcessNamespace"] is True


def test_the_settings_are_settings_and_leave_time_to_drain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings,) = (m for m in manifests() if m["kind"] == "ConfigMap")
    path = tmp_path / "farm.toml"
    path.write_text(settings["data"]["farm.toml"])
    monkeypatch.setenv("FARM_CONFIG", str(path))
    monkeypatch.setenv("FARM_SECRETS_DIR", str(tmp_path / "none"))
    loaded = Settings.load()
    assert tomllib.loads(path.read_text()).keys() <= Settings.model_fields.keys()
    assert PODS["Deployment/farm-workers"]["terminationGracePeriodSeconds"] >= loaded.grace_seconds + 10


def test_targets_may_stand_in_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/deploy.md has it: one file with all of them."""
    (tmp_path / "farm_targets").write_text('{"shop": {"url": "postgresql://farm_reader:pw@db/shop"}}\n')
    monkeypatch.setenv("FARM_SECRETS_DIR", str(tmp_path))
    url = Settings.load().targets["shop"].url
    assert url is not None
    assert url.get_secret_value() == "postgresql://farm_reader:pw@db/shop"


def test_every_secret_is_one_that_the_docs_tell_to_make() -> None:
    docs = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    for pod in PODS.values():
        for volume in pod["volumes"]:
            sources = volume.get("projected", {}).get("sources", [])
            secrets = [source["secret"]["name"] for source in sources]
            secrets += [volume["secret"]["secretName"]] if "secret" in volume else []
            assert [name for name in secrets if f"create secret generic {name} " not in docs] == []

"""docs/deploy.md: each command in it is one that there is, on files and services that there are.

What the commands do is shown elsewhere: by the stack of the compose file, the units and the manifests.
"""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support.compose import ROOT, command_problems, read, services

DOCS = (ROOT / "docs" / "deploy.md").read_text("utf-8")
SERVICES = services(read())
MANIFESTS = {
    f"deploy/{manifest['metadata']['name']}": manifest["spec"]["template"]["spec"]["containers"][0]
    for path in (ROOT / "deploy" / "kubernetes").glob("*.yaml")
    for manifest in yaml.safe_load_all(path.read_text("utf-8"))
    if manifest["kind"] == "Deployment"
}
IN_THE_IMAGE = {"pg_dump", "pg_restore", "dropdb", "createdb", "psql"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS, flags=re.MULTILINE | re.DOTALL)


def commands() -> Iterator[list[str]]:
    """Each command of the shell blocks, split at pipes and `&&`, without redirections."""
    for line in re.sub(r"\\\n|(?<=\|)\n", " ", "\n".join(blocks("sh"))).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;"):
                yield cut(words)
                words = []
            else:
                words.append(word)


def cut(words: list[str]) -> list[str]:
    """Without `< file`, and without `NAME=value` in front."""
    kept = words[: next((place for place, word in enumerate(words) if word in ("<", ">")), len(words))]
    while kept and re.fullmatch(r"[A-Z_]+=.*", kept[0]):
        kept = kept[1:]
    return kept


def problems(words: list[str]) -> Iterator[str]:
    match words:
        case ["docker", "compose", "exec" | "run", *rest]:
            name, *inside = [word for word in rest if word not in ("-T", "--rm")]
            if name not in SERVICES:
                yield f"there is no service {name}"
            if inside and inside[0] not in IN_THE_IMAGE:
                yield from command_problems(inside)
        case ["docker", "compose", "stop" | "restart", *names]:
            yield from (f"there is no service {name}" for name in names if name not in SERVICES)
        case ["farmctl", *inside] | ["/opt/farm/bin/farm", *inside]:
            yield from command_problems(["farm", *inside])
        case ["kubectl", "exec", *rest]:
            name, dashes, *inside = [word for word in rest if word != "-i"]
            if name not in MANIFESTS or dashes != "--":
                yield f"there is no {name}"
            yield from command_problems(inside)
    for path in re.findall(
        r"(?:^|=)(deploy/\S+\.(?:yaml|sh|sql)|deploy/systemd/\S+)", "\n".join(words), re.MULTILINE
    ):
        if not list(ROOT.glob(path)):
            yield f"there is no {path}"


def test_each_command_of_the_docs_is_one_that_there_is() -> None:
    found = [words for words in commands() if words]
    assert {
        line: list(problems(words)) for words in found if list(problems(words)) for line in [" ".join(words)]
    } == {}
    programs = [words[0] for words in found]
    assert programs.count("docker") > 10
    assert programs.count("kubectl") > 10
    assert programs.count("farmctl") > 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("docker compose exec -T worker farm doctor", "no service worker"),
        ("docker compose exec workers farm docter", "no command farm docter"),
        ("docker compose run --rm migrate farm migrate --up", "up"),
        ("farmctl target add shop --dialct postgres", "dialct"),
        ("kubectl exec deploy/farm-work -- farm doctor", "no deploy/farm-work"),
        ("kubectl apply -f deploy/kubernetes/kedda.yaml", "no deploy/kubernetes/kedda.yaml"),
    ],
)
def test_what_is_wrong_in_a_command_is_found(line: str, said: str) -> None:
    assert any(said in problem for problem in problems(line.split()))


class Tagged(yaml.SafeLoader):
    """Compose's own `!reset` and `!override` are what stands behind them."""


def plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_object(node)


Tagged.add_multi_constructor("!", plain)


def test_overrides_are_of_services_networks_and_settings_that_there_are() -> None:
    file = read()
    overrides = [yaml.load(block, Tagged) for block in blocks("yaml")]
    assert overrides
    for override in overrides:
        for name, said in override["services"].items():
            assert name in SERVICES
            assert set(said.get("networks", [])) <= file["networks"].keys()
            assert set(said.get("secrets", [])) <= file["secrets"].keys() | override.get("secrets", {}).keys()
            assert set(said.get("depends_on", {})) <= file["services"].keys() - {
                each for each, how in override["services"].items() if "unused" in how.get("profiles", [])
            }

"""Each library has one owner, and dependencies point one way (read from the source, not from memory)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

# A folder ends with a slash. What is not named here may be imported anywhere.
OWNERS = {
    "openai": ("farm/models/client.py",),
    "prometheus_client": ("farm/metrics/",),
    "httpx2": ("farm/models/client.py",),
    "aiohttp": ("farm/models/", "farm/webhooks/sending.py"),
    "sqlglot": ("farm/sql/",),
    "sqlalchemy": ("farm/store/", "farm/targets/", "migrations/"),
    "alembic": ("farm/store/migrate.py", "migrations/"),
    "rq": ("farm/queue/", "farm/worker/"),
    "redis": ("farm/queue/", "farm/worker/", "farm/services/valkey.py", "farm/health/"),
    "xllamacpp": ("farm/services/llama.py",),
    "psycopg": ("farm/targets/",),
    "starlette": ("farm/web/",),
    "uvicorn": ("farm/web/serving.py",),
    "jinja2": ("farm/web/templating.py",),
    "pygments": ("farm/web/highlight.py",),
    "itsdangerous": ("farm/web/session.py",),
    "typer": ("farm/cli/",),
    "pyarrow": ("farm/exports/parquet.py",),
    "vl_convert": ("farm/charts/image.py",),
    "opentelemetry": ("farm/tracing/",),
    "structlog": ("farm/logs.py", "farm/pipeline/", "farm/worker/", "farm/watchdog/"),
}

# Bottom up: each may import those before it.
LAYERS = (
    "farm.errors",
    "farm.redaction",
    "farm.private",
    "farm.storable",
    "farm.cancelling",
    "farm.outage",
    "jobs.task",
    "farm.settings",
    "farm.logs",
    "farm.tracing",
    "farm.charts",
    "farm.sql",
    "farm.targets",
    "farm.store",
    "migrations.env",
    "migrations.views",
    "farm.services",
    "farm.models",
    "farm.prompt",
    "farm.queue",
    "farm.webhooks",
    "farm.checker",
    "farm.pipeline",
    "farm.worker",
    "farm.watchdog",
    "farm.intake",
    "farm.batch",
    "farm.checking",
    "farm.correcting",
    "farm.reports",
    "farm.api",
    "farm.running",
    "farm.exports",
    "farm.reporting",
    "farm.metrics",
    "farm.demo",
    "farm.health",
    "farm.web",
    "farm.cli",
    "farm.__main__",
)

# `import jobs` stays light: the job's function reaches up only when a worker calls it.
EXCEPTIONS = {("jobs/generate.py", "farm.worker.context"), ("farm/queue/job.py", "jobs")}
FACADES = ("farm/__init__.py", "jobs/__init__.py")


def imports(source: str) -> Iterator[str]:
    """Every module that a source names in an import, also inside functions and TYPE_CHECKING."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their package in full"
            module = node.module or ""
            below = module in ("farm", "jobs", "migrations")
            yield from (f"{module}.{alias.name}" for alias in node.names) if below else (module,)


def trespasses(path: str, source: str) -> list[str]:
    """The libraries that a file imports though another one owns them."""
    libraries = {name.split(".")[0] for name in imports(source)}
    return [
        f"{path} imports {library}"
        for library in sorted(libraries & OWNERS.keys())
        if not path.startswith(OWNERS[library])
    ]


def layer_of(module: str) -> str | None:
    """The layer of a module's dotted name; None for one that has none (a library, a facade)."""
    layer = ".".join(module.split(".")[:2])
    return layer if layer in LAYERS else None


def upward(path: str, source: str) -> list[str]:
    """The imports of a file that reach up."""
    own = layer_of(path.removesuffix(".py").replace("/", "."))
    if own is None:
        return []
    return [
        f"{path} reaches up to {name}"
        for name in imports(source)
        if (other := layer_of(name)) is not None
        and LAYERS.index(other) > LAYERS.index(own)
        and (path, name) not in EXCEPTIONS
    ]


def sources() -> dict[str, str]:
    files = (path for package in ("farm", "jobs", "migrations") for path in (ROOT / package).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in files}


def test_each_library_is_imported_by_its_owner_alone():
    assert [line for path, source in sources().items() for line in trespasses(path, source)] == []


def test_dependencies_point_one_way():
    assert [line for path, source in sources().items() for line in upward(path, source)] == []


def test_every_file_has_its_layer():
    strays = {
        path
        for path in sources()
        if layer_of(path.removesuffix(".py").replace("/", ".")) is None
        and not path.endswith("__init__.py")
        and not path.startswith("migrations/versions/")
        and (path, "farm.worker.context") not in EXCEPTIONS
    }
    assert strays == set()


def test_every_owner_exists_and_uses_its_library():
    found = sources()
    idle = [
        (library, owner)
        for library, owners in OWNERS.items()
        for owner in owners
        if not any(
            path.startswith(owner) and any(name.split(".")[0] == library for name in imports(source))
            for path, source in found.items()
        )
    ]
    # SQLAlchemy is allowed to the targets by the design; they do without so far.
    assert [pair for pair in idle if pair != ("sqlalchemy", "farm/targets/")] == []


def test_a_trespass_and_a_reach_upward_would_be_seen():
    hidden = "def f():\n    from openai import OpenAI\n    import redis.asyncio\n"
    assert trespasses("farm/pipeline/produce.py", hidden) == [
        "farm/pipeline/produce.py imports openai",
        "farm/pipeline/produce.py imports redis",
    ]
    assert trespasses("farm/models/client.py", "import openai") == []
    assert upward("farm/worker/worker.py", "from farm.watchdog.policy import decide") != []
    assert upward("farm/pipeline/produce.py", "from farm import api") != []
    assert upward("farm/watchdog/child.py", "from farm.worker.pulse import Pulse") == []


def test_the_pipeline_knows_no_library():
    ours = {"farm", "jobs", "structlog"}
    known = {
        name
        for path, source in sources().items()
        if path.startswith("farm/pipeline/")
        for name in imports(source)
        if name.split(".")[0] not in ours
    }
    assert {name.split(".")[0] for name in known} <= sys.stdlib_module_names

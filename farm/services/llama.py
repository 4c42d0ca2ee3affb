"""The local model server: llama.cpp behind an OpenAI-compatible address on loopback.

    python -m farm.services.llama --model MODEL --host 127.0.0.1 --port N --parallel 4

MODEL may name one that the farm fetches, into --cache-dir: for a service of its own, beside several farms.
Under a farm it is a child of the supervisor and keeps no state, so the default action of SIGTERM (end at
once) is right. It also ends when its parent does. Start it in a session of its own, or Ctrl-C reaches it
before the workers drain.
"""

import argparse
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import FarmError
from farm.services import weights
from farm.services.llama_parent import end_with_parent, wait_for_parent
from farm.services.weights_model import MODELS

if TYPE_CHECKING:
    from xllamacpp import Server

# One slot holds a schema prompt of about 1,500 tokens, two rounds of repair and an answer of 400 tokens.
CONTEXT_TOKENS_PER_SLOT = 4096
# Prompts of idle slots kept in memory (28 KiB a token for the 1.5B model).
CACHE_RAM_MIB = 256
PARALLEL = range(1, 17)
PROBE_TIMEOUT_SECONDS = 2.0


def command(model: Path, host: str, port: int, parallel: int) -> list[str]:
    """The command line that serves `model` with `parallel` slots at http://host:port/v1."""
    options = {"--model": str(model), "--host": host, "--port": str(port), "--parallel": str(parallel)}
    return [sys.executable, "-m", "farm.services.llama", *(part for pair in options.items() for part in pair)]


def environment() -> dict[str, str]:
    """What the server's environment must say before llama.cpp is loaded: idle threads sleep, not spin."""
    return {"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "passive"}


def ready(url: str) -> bool:
    """Whether the server at `url` (http://host:port, with or without /v1) has loaded its model."""
    address = url.rstrip("/").removesuffix("/v1") + "/health"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=PROBE_TIMEOUT_SECONDS) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve(model: Path, host: str, port: int, parallel: int) -> "Server":
    """Load `model` and answer at host:port from threads of llama.cpp; blocks until it is loaded.

    Raises RuntimeError when the file is no model or the port is taken.
    """
    os.environ.update(environment())
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.hostnames = [host]
    params.port = port
    params.model_alias = {model.stem}
    params.ui = False
    params.cors_origins = f"http://{host}:{port}"
    params.n_parallel = parallel
    params.n_ctx = CONTEXT_TOKENS_PER_SLOT * parallel
    params.cache_prompt = True
    params.cache_ram_mib = CACHE_RAM_MIB
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = cores()
    return xllamacpp.Server(params)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m farm.services.llama", description="Serve a local model.")
    parser.add_argument(
        "--model", type=Path, required=True, help=f"a GGUF file, or one of {', '.join(sorted(MODELS))}"
    )
    parser.add_argument(
        "--cache-dir", type=Path, default=weights.default_cache_dir(), help="for what is fetched"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--parallel", type=int, default=4, help="requests worked at the same time")
    chosen = parser.parse_args(argv)
    if str(chosen.model) not in MODELS and not chosen.model.is_file():
        parser.error(f"no model at {chosen.model}; --model names a GGUF file")
    if chosen.parallel not in PARALLEL:
        parser.error(f"--parallel {chosen.parallel} is outside {PARALLEL[0]} to {PARALLEL[-1]}")
    return chosen


def fetched(model: Path, cache_dir: Path) -> Path:
    """The file of a model that the farm knows, fetched if need be; any other path as it is."""
    if str(model) not in MODELS:
        return model
    said: set[str] = set()

    def report(progress: weights.Progress) -> None:
        what = f"{progress.stage} {progress.source}"
        if what not in said:
            said.add(what)
            print(f"{model}: {what}, {progress.total_bytes / 1e6:,.0f} MB", flush=True)

    return weights.fetch(str(model), cache_dir=cache_dir, report=report).path


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or until the parent process is gone."""
    parent = os.getppid()
    end_with_parent(parent)
    chosen = arguments(argv)
    try:
        chosen.model = fetched(chosen.model, chosen.cache_dir)
        server = serve(chosen.model, chosen.host, chosen.port, chosen.parallel)
    except (RuntimeError, FarmError) as error:
        print(f"cannot serve {chosen.model} at {chosen.host}:{chosen.port}: {error}", file=sys.stderr)
        return 1
    print(f"serving {chosen.model.name} at {server.listening_address}/v1", flush=True)
    wait_for_parent(parent)
    # Threads of llama.cpp may be in the middle of an answer that nobody waits for any more.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())

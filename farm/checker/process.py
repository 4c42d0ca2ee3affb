"""The checker process: requests from standard input, verdicts to standard output, logs to standard error.

Run by farm.checker.client as `python -m farm.checker.process --memory-mb 1024 --query-seconds 5`; ends at the
end of its input.
"""

import argparse
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from farm.checker import isolation
from farm.checker.engines import QUERY_SECONDS, Engines, Scratch
from farm.checker.inspector import Inspector
from farm.checker.protocol import READY, decode, encode, pack
from farm.errors import BadInput
from farm.sql.verdict import Candidate, Verdict
from farm.targets.target import Target

READ_BYTES = 1 << 16
log = logging.getLogger(__name__)


class Server:
    """Serves one frame after the other; targets stay compiled and their engines warm until forgotten."""

    def __init__(self, *, query_seconds: float = QUERY_SECONDS) -> None:
        self._engines = Engines(query_seconds=query_seconds)
        self._inspectors: dict[int, Inspector | BadInput] = {}

    def reply(self, frame: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to one frame; None where none is due."""
        match frame["op"]:
            case "open":
                return self._opened(frame)
            case "forget":
                self._forget(frame["id"])
                return None
            case "assess":
                return self._asked(frame, lambda inspector, text: inspector.assess(text))
            case "check":
                return self._asked(frame, _checked)
            case "judge":
                return self._asked(frame, lambda inspector, text: (inspector.judged(text),))
            case "grammar":
                return self._asked(frame, _constrained)
            case other:
                raise ValueError(f"unknown request {other!r}")

    def close(self) -> None:
        for id_ in list(self._inspectors):
            self._forget(id_)
        self._engines.close()

    def _opened(self, frame: dict[str, Any]) -> dict[str, Any]:
        target = Target(**frame["target"])
        scratch = Scratch(**frame["scratch"])
        try:
            inspector = Inspector(
                target,
                open_engine=lambda target: self._engines.open(target, scratch),
                no_dry_run=frame["no_dry_run"],
            )
            self._inspectors[frame["id"]] = inspector
        except BadInput as error:
            self._inspectors[frame["id"]] = error
            return {"bad_input": str(error)}
        if frame["no_dry_run"] is None:
            with self._engines.patiently():
                inspector.warm()
        log.debug("opened target %s", target.name)
        return {"opened": True}

    def _forget(self, id_: int) -> None:
        inspector = self._inspectors.pop(id_, None)
        if isinstance(inspector, Inspector):
            inspector.close()

    def _asked(
        self, frame: dict[str, Any], ask: Callable[[Inspector, str], tuple[Candidate, ...]]
    ) -> dict[str, Any]:
        inspector = self._inspectors[frame["id"]]
        if isinstance(inspector, BadInput):
            return {"bad_input": str(inspector)}
        return pack(ask(inspector, frame["text"]))


def _checked(inspector: Inspector, sql: str) -> tuple[Candidate, ...]:
    return (Candidate(sql=sql, verdict=inspector.check(sql)),)


def _constrained(inspector: Inspector, text: str) -> tuple[Candidate, ...]:
    """The grammar as the text of a candidate; none where there is no grammar."""
    grammar = inspector.grammar(**json.loads(text))
    return (Candidate(sql=grammar, verdict=Verdict()),) if grammar else ()


def lines(descriptor: int) -> Iterator[bytes]:
    """Complete lines as they arrive, until the input ends."""
    begun: list[bytes] = []  # joined once: a line may be many times longer than a chunk
    while chunk := os.read(descriptor, READ_BYTES):
        *complete, rest = chunk.split(b"\n")
        if complete:
            complete[0] = b"".join((*begun, complete[0]))
            begun = []
            yield from complete
        begun.append(rest)


def serve(server: Server, requests: int, replies: int) -> None:
    """Answer until the input ends; each reply leaves at once, so the oldest one missing is at fault."""
    _write(replies, encode(READY))
    for line in lines(requests):
        reply = server.reply(decode(line))
        if reply is not None:
            _write(replies, encode(reply))


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _private_pipes() -> tuple[int, int]:
    """Move the pipes away from 0 and 1, so that no library and no child of ours can read or write them."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, replies


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="farm.checker.process")
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--query-seconds", type=float, default=QUERY_SECONDS)
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="checker %(levelname)s %(message)s")
    isolation.ignore_interrupts()
    isolation.end_with_parent()
    isolation.limit_memory(options.memory_mb)
    requests, replies = _private_pipes()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    server = Server(query_seconds=options.query_seconds)
    try:
        serve(server, requests, replies)
    except BrokenPipeError:
        return 0  # the worker is gone
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

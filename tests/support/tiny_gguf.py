"""A language model of a few kilobytes with random weights: it knows nothing, but is served at once."""

import struct
from pathlib import Path
from random import Random

WIDTH, HIDDEN, HEADS = 32, 64, 2
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5
ALIGNMENT = 32

Value = tuple[int, object]


def write_tiny_gguf(path: Path) -> None:
    """Write a one-layer model of the llama architecture with a vocabulary of bytes (GGUF, version 3)."""
    tokens, kinds = _vocabulary()
    entries = _entries(tokens, kinds)
    shapes = _shapes(len(tokens))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(entries))
    head += b"".join(_string(key) + _value(value) for key, value in entries.items())
    body = bytearray()
    random = Random(7)
    for name, shape in shapes.items():
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(body))
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        body += struct.pack(f"<{count}f", *(random.gauss(0, 0.5) for _ in range(count)))
        body += bytes(-len(body) % ALIGNMENT)
    path.write_bytes(head + bytes(-len(head) % ALIGNMENT) + bytes(body))


def _vocabulary() -> tuple[list[str], list[int]]:
    letters = [chr(code) for code in range(0x21, 0x7F)] + ["\u2581"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    return tokens, [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * len(letters)]


def _entries(tokens: list[str], kinds: list[int]) -> dict[str, Value]:
    return {
        "general.architecture": (STRING, "llama"),
        "llama.context_length": (UINT32, 8192),
        "llama.embedding_length": (UINT32, WIDTH),
        "llama.block_count": (UINT32, 1),
        "llama.feed_forward_length": (UINT32, HIDDEN),
        "llama.attention.head_count": (UINT32, HEADS),
        "llama.attention.layer_norm_rms_epsilon": (FLOAT32, 1e-5),
        "llama.rope.dimension_count": (UINT32, WIDTH // HEADS),
        "tokenizer.ggml.model": (STRING, "llama"),
        "tokenizer.ggml.tokens": (ARRAY, (STRING, tokens)),
        "tokenizer.ggml.scores": (ARRAY, (FLOAT32, [0.0] * len(tokens))),
        "tokenizer.ggml.token_type": (ARRAY, (INT32, kinds)),
        "tokenizer.ggml.unknown_token_id": (UINT32, 0),
        "tokenizer.ggml.bos_token_id": (UINT32, 1),
        "tokenizer.ggml.eos_token_id": (UINT32, 2),
    }


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    square = (WIDTH, WIDTH)
    return {
        "token_embd.weight": (WIDTH, vocabulary),
        "output_norm.weight": (WIDTH,),
        "output.weight": (WIDTH, vocabulary),
        "blk.0.attn_norm.weight": (WIDTH,),
        **{f"blk.0.attn_{part}.weight": square for part in ("q", "k", "v", "output")},
        "blk.0.ffn_norm.weight": (WIDTH,),
        "blk.0.ffn_gate.weight": (WIDTH, HIDDEN),
        "blk.0.ffn_up.weight": (WIDTH, HIDDEN),
        "blk.0.ffn_down.weight": (HIDDEN, WIDTH),
    }


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Value) -> bytes:
    kind, content = value
    return struct.pack("<I", kind) + _payload(kind, content)


def _payload(kind: int, content: object) -> bytes:
    if kind == ARRAY:
        inner, items = content  # type: ignore[misc]
        return struct.pack("<IQ", inner, len(items)) + b"".join(_payload(inner, item) for item in items)
    if kind == STRING:
        return _string(str(content))
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f"}[kind], content)

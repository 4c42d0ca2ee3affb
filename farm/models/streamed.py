"""A streamed answer put together from its server-sent events, as the bytes arrive. Pure."""

from collections.abc import Mapping
from typing import Any

from farm.models.answer import Usage
from farm.models.reading import MAX_BODY_BYTES, Said, content, first_choice, parsed, text_of, usage

DATA = b"data:"
END = b"[DONE]"
# Each token comes in an event of some 250 bytes, so what passes may be far more than what is kept.
MAX_STREAM_BYTES = 16 * MAX_BODY_BYTES
MAX_KEPT_BYTES = MAX_BODY_BYTES // 2


class TooLong(Exception):
    """More came than an answer may hold."""


class Deltas:
    """One streamed answer; `done` once the endpoint has said so."""

    def __init__(self) -> None:
        self.done = False
        self._line = bytearray()
        self._passed_bytes = 0
        self._text = bytearray()
        self._refusal = bytearray()
        self._finish_reason = ""
        self._model = ""
        self._usage: Usage | None = None
        self._error: Any = None
        self._has_choice = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises NoCompletion for an event that is none, TooLong past the limits."""
        self._passed_bytes += len(chunk)
        if self._passed_bytes > MAX_STREAM_BYTES:
            raise TooLong
        *ended, rest = chunk.replace(b"\r", b"\n").split(b"\n")
        for piece in ended:
            line = bytes(self._line + piece) if self._line else piece
            self._line.clear()
            if not self.done:
                self._take(line)
        self._line += rest
        if max(len(self._line), len(self._text) + len(self._refusal)) > MAX_KEPT_BYTES:
            raise TooLong

    def said(self) -> Said:
        """What has been said; call it once the bytes have ended."""
        if self._line and not self.done:
            self._take(bytes(self._line))
        return Said(
            text=self._text.decode("utf-8", "surrogatepass"),
            finish_reason=self._finish_reason,
            refusal=self._refusal.decode("utf-8", "surrogatepass"),
            model=self._model,
            usage=self._usage,
            error=self._error,
            has_choice=self._has_choice,
        )

    @property
    def is_whole(self) -> bool:
        """Whether it came to its end: some endpoints leave out the last event, but not the reason."""
        return self.done or bool(self._finish_reason) or self._error is not None

    def _take(self, line: bytes) -> None:
        if not line.startswith(DATA):
            return  # a comment that keeps the connection alive, or another field
        data = line[len(DATA) :].strip()
        if data == END:
            self.done = True
        elif data:
            self._add(parsed(data))

    def _add(self, chunk: Mapping[str, Any]) -> None:
        self._usage = usage(chunk) or self._usage
        self._model = self._model or text_of(chunk.get("model"))
        choice = first_choice(chunk)
        self._error = self._error or chunk.get("error") or (choice.get("error") if choice else None)
        if choice is None:
            return
        self._has_choice = True
        self._finish_reason = text_of(choice.get("finish_reason")) or self._finish_reason
        delta = choice.get("delta")
        if isinstance(delta, Mapping):
            self._text += content(delta).encode("utf-8", "surrogatepass")
            self._refusal += text_of(delta.get("refusal")).encode("utf-8", "surrogatepass")

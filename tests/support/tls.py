"""A private CA, and a TLS door before a server on a unix socket."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import trustme


class Authority:
    """A certificate authority of the tests' own; `path` is its certificate."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._ca = trustme.CA()
        self.path = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.path))

    def context(self, host: str) -> ssl.SSLContext:
        """What a server called `host` shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(host).configure_cert(context)
        return context


@contextlib.contextmanager
def tls_door(path: str, context: ssl.SSLContext) -> Iterator[int]:
    """The port of 127.0.0.1 whose TLS connections lead to the unix socket at `path`."""
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    opened = threading.Event()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := await source.read(1 << 16):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    async def serve() -> None:
        server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        opened.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(lambda *_: None)  # a client that refuses the certificate
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    serving = loop.create_task(serve())
    thread = threading.Thread(target=run, name="tls-door", daemon=True)
    thread.start()
    try:
        if not opened.wait(10):
            raise RuntimeError("the TLS door did not open")
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(10)

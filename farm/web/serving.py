"""The pages' server: uvicorn in this process, until SIGTERM or Ctrl-C."""

import socket
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from farm.errors import Misuse

GRACE_SECONDS = 3
BACKLOG = 128


class Server(uvicorn.Server):
    """A server that tells the pages' streams to end, which it would otherwise wait for."""

    def __init__(self, app: Starlette) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # raised again at the end, they would make of it a death by signal

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.stopping.set()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A socket at that address; port 0 is any free one. Raises Misuse where it cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise Misuse(
            f"the pages cannot be served at {host}:{port} ({error.strerror or error}); set FARM_WEB_PORT or "
            "FARM_WEB_HOST, or give --port"
        ) from None


def address_of(listening: socket.socket) -> str:
    """Where a browser finds the pages."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(app: Starlette, listening: socket.socket) -> None:
    """Serve until a signal says to end."""
    Server(app).run(sockets=[listening])

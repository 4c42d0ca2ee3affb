"""The pages as a server of their own: the command that serves them, and whether it answers."""

import http.client
import socket
import sys

from farm.errors import Misuse

PROBE_SECONDS = 2.0
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - looked up, not bound # nosec B104


def command(host: str, port: int) -> list[str]:
    """The command line that serves the pages; its settings come from the environment and farm.toml."""
    return [sys.executable, "-m", "farm", "web", "--host", host, "--port", str(port)]


def free_port(host: str, port: int, *, or_another: bool) -> int:
    """`port` if nobody listens there, else any free one where `or_another`; raises Misuse where not."""
    for tried in (port, 0) if or_another else (port,):
        try:
            with socket.create_server((host.strip("[]"), tried), family=_family(host)) as probe:
                found: int = probe.getsockname()[1]
                return found
        except OSError as error:
            refused = error.strerror or str(error)
    raise Misuse(
        f"the pages cannot be served at {host}:{port} ({refused}); set FARM_WEB_PORT or FARM_WEB_HOST"
    )


def url(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    reached = EVERY_ADDRESS.get(host.strip("[]"), host.strip("[]"))
    return f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"


def answers(host: str, port: int) -> bool:
    """Whether a web server answers there, whatever it says."""
    reached = EVERY_ADDRESS.get(host.strip("[]"), host.strip("[]"))
    connection = http.client.HTTPConnection(reached, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET

"""`farm web`: the pages, without workers."""

from typing import Annotated

import typer

from farm.api import Farm
from farm.cli.shared import Group, add_command, loaded, note


def register(root: typer.Typer) -> None:
    """Add this command to `farm`."""
    add_command(root, Group.START, web)


def web(
    host: Annotated[str | None, typer.Option(help="Address to serve at; default FARM_WEB_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="0 takes any free one; default FARM_WEB_PORT.")] = None,
) -> None:
    """Serve the pages: browse, run, ask and operate, until Ctrl-C.

    On 127.0.0.1 they are open to whoever uses this machine; any other address needs a token or a proxy that
    signs people in (FARM_WEB_OPERATOR_TOKEN, FARM_WEB_USER_HEADER).
    """
    from farm.web.app import build
    from farm.web.serving import address_of, listen, serve

    given = {"web_host": host, "web_port": port}
    settings = loaded(**{name: value for name, value in given.items() if value is not None})
    with Farm.connect(settings) as farm:
        app = build(farm)
        with listen(settings.web_host, settings.web_port) as listening:
            note(f"the pages are at {address_of(listening)}; Ctrl-C stops them")
            serve(app, listening)

"""A Postgres database full of traps, as its superuser and as the role that docs/targets.md recommends."""

import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from support.dangers import TRAPS, recipe
from support.postgres import fresh_database, short_folder
from support.watch import Trapped, Watch

PASSWORD = "a long random one"


@pytest.fixture(scope="module")
def trapped(postgres_url: str) -> Iterator[Trapped]:
    folder = Path(tempfile.mkdtemp(prefix="farm-danger-", dir=short_folder()))
    folder.chmod(0o777)
    with (
        fresh_database(postgres_url) as url,
        socket.create_server(("127.0.0.1", 0)) as listening,
        psycopg.connect(url, autocommit=True) as admin,
    ):
        listening.setblocking(False)
        admin.execute(TRAPS.format(folder=folder).encode())
        admin.execute("DROP ROLE IF EXISTS farm_reader; DROP ROLE IF EXISTS mallory; CREATE ROLE mallory")
        admin.execute("ALTER FUNCTION initcap(int) OWNER TO mallory")
        for block in recipe("sql")[:2]:
            admin.execute(block.replace("DATABASE shop", f"DATABASE {admin.info.dbname}").encode())
        try:
            yield Trapped(
                admin=url,
                reader=as_reader(url),
                folder=folder,
                port=listening.getsockname()[1],
                listening=listening,
            )
        finally:
            admin.execute("DROP OWNED BY farm_reader, mallory; DROP ROLE farm_reader, mallory")
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def watch(trapped: Trapped) -> Iterator[Watch]:
    watch = Watch(trapped)
    yield watch
    watch.connection.close()


def as_reader(url: str) -> str:
    """The same database, as the recommended role."""
    host = conninfo_to_dict(url)["host"]
    name = re.search(r"/([^/?]+)\?", url)
    assert name
    return f"postgresql://farm_reader:{quote(PASSWORD)}@/{name[1]}?host={quote(str(host), safe='')}"

"""Sees what a dangerous statement would have left behind in a Postgres database and around it."""

import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest


@dataclass(frozen=True, kw_only=True, slots=True)
class Trapped:
    """`admin` and `reader` are URLs; whatever calls a trap leaves a file in `folder`, or calls at `port`."""

    admin: str
    reader: str
    folder: Path
    port: int
    listening: socket.socket

    @property
    def places(self) -> dict[str, object]:
        return {"folder": self.folder, "port": self.port}


FINGERPRINT = """
    SELECT array_agg(a ORDER BY a)::text FROM t
    UNION ALL SELECT string_agg(a::text, ',' ORDER BY a) FROM kept
    UNION ALL SELECT last_value || ' ' || is_called FROM s
    UNION ALL SELECT string_agg(concat_ws(' ', oid, relname, relfilenode, relkind, relowner, relacl,
        relrowsecurity, relhastriggers, relhasrules, relnatts), ',' ORDER BY oid) FROM pg_class
    UNION ALL SELECT count(*) || ' ' || max(oid) FROM pg_proc
    UNION ALL SELECT count(*) || ' ' || max(oid) FROM pg_type
    UNION ALL SELECT count(*) || ' ' || max(oid) FROM pg_namespace
    UNION ALL SELECT count(*) || ' ' || max(oid) FROM pg_extension
    UNION ALL SELECT count(*) || ' ' || max(oid) FROM pg_cast
    UNION ALL SELECT string_agg(pg_authid::text, ',' ORDER BY oid) FROM pg_authid
    UNION ALL SELECT string_agg(pg_db_role_setting::text, ',' ORDER BY pg_db_role_setting::text)
        FROM pg_db_role_setting
    UNION ALL SELECT string_agg(datname, ',' ORDER BY oid) FROM pg_database
    UNION ALL SELECT string_agg(spcname, ',' ORDER BY oid) FROM pg_tablespace
    UNION ALL SELECT string_agg(description, ',' ORDER BY objoid) FROM pg_description WHERE objoid > 16000
    UNION ALL SELECT string_agg(loid || ' ' || pageno || encode(data, 'hex'), ',' ORDER BY loid)
        FROM pg_largeobject
    UNION ALL SELECT count(*)::text FROM pg_largeobject_metadata
    UNION ALL SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' OR relation = 't'::regclass
        AND pid <> pg_backend_pid()
    UNION ALL SELECT count(*)::text FROM pg_prepared_xacts
    UNION ALL SELECT count(*)::text FROM pg_replication_slots
    UNION ALL SELECT count(*)::text FROM pg_subscription
    UNION ALL SELECT count(*)::text FROM pg_foreign_server
    UNION ALL SELECT count(*)::text FROM pg_replication_origin
    UNION ALL SELECT pg_conf_load_time() || ' ' || pg_postmaster_start_time()
    UNION ALL SELECT stats_reset::text FROM pg_stat_database WHERE datname = current_database()
    UNION ALL SELECT md5(string_agg(name || setting, ',' ORDER BY name)) FROM pg_settings
    UNION ALL SELECT string_agg(f, ',' ORDER BY f) FROM pg_ls_dir('.') AS f
"""


class Watch:
    """Sees what a statement would have left behind, and what it would have sent."""

    def __init__(self, trapped: Trapped) -> None:
        self.trapped = trapped
        self.connection = psycopg.connect(trapped.admin, autocommit=True)
        self.connection.execute("LISTEN danger")
        self.before = self.state()

    def state(self) -> list[Any]:
        rows = self.connection.execute(FINGERPRINT.encode()).fetchall()
        return [*rows, sorted(path.name for path in self.trapped.folder.iterdir())]

    def assert_nothing_happened(self) -> None:
        """Once the session has ended: the server needs a moment for that."""
        deadline = time.monotonic() + 2
        while self.state() != self.before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self.state() == self.before
        assert not list(self.connection.notifies(timeout=0))
        with pytest.raises(BlockingIOError):
            self.trapped.listening.accept()

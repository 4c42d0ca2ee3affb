"""As whom the scratch Postgres runs, which refuses to be root: what `subprocess` is told about it.

Everybody but root runs it as themselves. For root it runs as `nobody`, who need not be able to reach the
farm's home: the data are named by a descriptor. Where `nobody` cannot read the binaries either (a virtual
environment below /root), root stays itself in a user namespace of its own, where it has another number and
no power.
"""

import ctypes
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from farm.errors import Unavailable

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
INSIDE = 1000
"""Root's number in its own user namespace; any but 0 will do."""
UNSHARE_TRIES = 50
THREAD_SECONDS = 0.02
"""A process with threads gets no namespace, and hooks of libraries (OpenTelemetry's) start one in each forked
child: where its work is done it ends at once."""
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def popen_options(binaries: Path) -> dict[str, Any]:
    """Options of subprocess.Popen that leave root's rights behind; raises Unavailable where none works."""
    if os.geteuid() != 0:
        return {"preexec_fn": end_with_parent}
    failed = f"as root, Postgres has to run as another user, who must be able to read {binaries}"
    if sys.platform != "linux":
        raise Unavailable(f"{failed}; on this system run the farm as another user than root")
    for options in (_as_nobody(), {"preexec_fn": _in_namespace}):
        if options is not None and _works(binaries, options):
            return options
    raise Unavailable(failed)


def owner(options: dict[str, Any]) -> tuple[int, int]:
    """User and group that files have to belong to; -1 for those we are anyway."""
    return options.get("user", -1), options.get("group", -1)


def end_with_parent() -> None:
    """In the child: end at once when the keeper does, however that ends (on Linux)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


def _as_nobody() -> dict[str, Any] | None:
    import pwd

    for name in ("nobody", "postgres", "daemon"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        rights = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        return {**rights, "preexec_fn": end_with_parent}
    return None


def _in_namespace() -> None:
    """In the child: root, but by another number and without its capabilities once a program is executed."""
    assert _libc is not None
    group = os.getegid()
    tries = UNSHARE_TRIES
    while _libc.unshare(CLONE_NEWUSER):
        tries -= 1
        if ctypes.get_errno() != errno.EINVAL or not tries:
            raise OSError(ctypes.get_errno(), "user namespaces are not allowed here")
        time.sleep(THREAD_SECONDS)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{INSIDE} 0 1"),
        ("gid_map", f"{INSIDE} {group} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(text)
    end_with_parent()


def _works(binaries: Path, options: dict[str, Any]) -> bool:
    """Whether the programs run, and the files they read can be read, with these rights."""
    sample = binaries.parent / "share" / "postgresql" / "postgres.bki"
    tries: tuple[tuple[Path | str, ...], ...] = ((binaries / "initdb", "--version"), ("test", "-r", sample))
    for command in tries:
        try:
            subprocess.run(command, check=True, capture_output=True, cwd="/", **options)
        except (OSError, subprocess.SubprocessError):
            return False
    return True

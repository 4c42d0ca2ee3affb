"""Hosts with a network of their own: Linux network namespaces, joined by links that can be cut.

This process moves to a namespace of its own first, so that nothing of the machine's network changes.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNET = 0x40000000
NAMED = Path("/run/netns")


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A host's namespace and its one link, through a bridge to `address`, where this process listens."""

    namespace: str
    cable: str
    bridge: str
    address: str

    def cut(self) -> None:
        """Whatever is sent is lost; neither end loses its carrier, so nobody is told."""
        _ip("link", "set", self.cable, "nomaster")

    def mend(self) -> None:
        """As before."""
        _ip("link", "set", self.cable, "master", self.bridge)

    @property
    def prefix(self) -> list[str]:
        """What a command begins with to run on that host."""
        return ["ip", "netns", "exec", self.namespace]


def missing() -> str | None:
    """Why there can be no namespaces here; None where there can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "`ip` is missing (package iproute2)"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return None if probe.returncode == 0 else f"network namespaces are not allowed ({probe.stderr.strip()})"


def isolate() -> None:
    """Give this process, and all that it starts from now on, a network without any link."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    _ip("link", "set", "lo", "up")


def enter(namespace: str) -> None:
    """Move the calling thread to a namespace; the sockets it opens are that host's."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(NAMED / namespace, os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(descriptor)


@contextmanager
def linked(number: int) -> Iterator[Link]:
    """A host of its own, joined to this process by one link."""
    namespace = f"farm-{os.getpid()}-{number}"
    bridge, near, far = f"bridge{number}", f"near{number}", f"far{number}"
    _ip("netns", "add", namespace)
    try:
        _ip("link", "add", bridge, "type", "bridge")
        _ip("address", "add", f"10.213.{number}.1/30", "dev", bridge)
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", namespace)
        _ip("link", "set", near, "master", bridge)
        _ip("-n", namespace, "address", "add", f"10.213.{number}.2/30", "dev", far)
        for interface in (bridge, near):
            _ip("link", "set", interface, "up")
        for interface in (far, "lo"):
            _ip("-n", namespace, "link", "set", interface, "up")
        yield Link(namespace=namespace, cable=near, bridge=bridge, address=f"10.213.{number}.1")
    finally:
        _ip("netns", "del", namespace)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")

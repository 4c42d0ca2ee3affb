"""Who may see and do what: three roles, and how a visitor shows to have one.

On a loopback address without tokens every visitor is the operator. Elsewhere a visitor brings a token (typed
in once, kept as a signed cookie, or sent as `Authorization: Bearer …`), or comes through a proxy that names
them.
"""

import contextlib
import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from farm.errors import BadSetting
from farm.private import make_file, make_folder
from farm.settings import Settings

KEY_FILE = "web.key"
KEY_BYTES = 32
LOOPBACKS = ("127.0.0.1", "::1")
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Role(IntEnum):
    """What a visitor may do; each role may do what those before it may.

    A reader looks; a runner also runs queries, asks, corrects and marks; an operator also steers the farm.
    """

    READER = 1
    RUNNER = 2
    OPERATOR = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Somebody who looks at the pages; `name` stands in the action log."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this visitor may do what wants `role`."""
        return self.role >= role


LOCAL = Visitor(name="local", role=Role.OPERATOR)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """How visitors are told apart. `tokens` are hashed; `hosts` are the names the server is called by."""

    tokens: Mapping[bytes, Role]
    key: bytes
    user_header: str | None
    user_role: Role
    trusted_proxies: frozenset[str]
    hosts: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether everybody who reaches the server is the operator."""
        return not self.tokens and self.user_header is None

    def by_token(self, token: str) -> Visitor | None:
        """Who comes with this token; None for a token that nobody has."""
        role = self.tokens.get(digest(token))
        return None if role is None else Visitor(name=role.name.lower(), role=role)

    def by_proxy(self, headers: Mapping[str, str], peer: str | None) -> Visitor | None:
        """Whom a trusted proxy names."""
        if self.user_header is None or peer not in self.trusted_proxies:
            return None
        name = headers.get(self.user_header, "").strip()
        return Visitor(name=name[:200], role=self.user_role) if name else None

    def sealed(self, text: str) -> str:
        """A code that only this farm can give for `text`."""
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


def access_of(settings: Settings) -> Access:
    """What the settings say; raises BadSetting where strangers would be let in."""
    tokens = {
        digest(token.get_secret_value()): role
        for role, token in (
            (Role.READER, settings.web_reader_token),
            (Role.RUNNER, settings.web_runner_token),
            (Role.OPERATOR, settings.web_operator_token),
        )
        if token is not None
    }
    if not is_loopback(settings.web_host) and not tokens and settings.web_user_header is None:
        raise BadSetting(
            f"the pages would be open to everybody who reaches {settings.web_host}: set "
            "FARM_WEB_OPERATOR_TOKEN (and FARM_WEB_RUNNER_TOKEN, FARM_WEB_READER_TOKEN for others), or "
            "FARM_WEB_USER_HEADER behind a proxy that signs people in"
        )
    local = is_loopback(settings.web_host)
    return Access(
        tokens=tokens,
        key=_key(settings.home),
        user_header=settings.web_user_header,
        user_role=Role[settings.web_user_role.upper()],
        trusted_proxies=frozenset(settings.web_trusted_proxies or LOOPBACKS),
        hosts=settings.web_hosts or (LOCAL_NAMES if local else ("*",)),
    )


def digest(token: str) -> bytes:
    """What is compared and kept instead of a token."""
    return hashlib.sha256(token.encode()).digest()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _key(home: Path) -> bytes:
    """The key that signs cookies, made at first use; several processes of one home share it."""
    make_folder(home)
    path = home / KEY_FILE
    if not path.exists():
        _make_key(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise BadSetting(f"{path} does not hold a key of {KEY_BYTES} bytes; delete it, and a new one is made")
    return key


def _make_key(path: Path) -> None:
    """Write it whole under another name first; of several processes one wins."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    make_file(draft)
    try:
        draft.write_bytes(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()

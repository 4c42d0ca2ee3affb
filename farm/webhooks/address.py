"""Which addresses are told that a batch has ended: those whose scheme, host and port are allowed. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from farm.errors import BadInput

LIMIT_CHARS = 2_000
MOST = 5
"""How many addresses one batch may tell."""
PORTS = {"https": 443, "http": 80}
LOCALHOST = "localhost"
NAT64 = IPv6Network("64:ff9b::/96")
METADATA = frozenset(map(ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")))
"""Where clouds tell their machines secrets, beside the link-local addresses."""


class BadWebhook(BadInput):
    """An address that no webhook is sent to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where to send; `target` is path and query as they stand in the URL."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        """As people may see it: what follows may hold a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")


def parsed(url: str, hosts: Iterable[str]) -> Address:
    """The parts of an address that `hosts` (FARM_WEBHOOK_HOSTS) allow; raises BadWebhook for another."""
    split, port = _split(url)
    address = Address(
        scheme=split.scheme,
        host=split.hostname or "",
        port=port,
        target=(split.path or "/") + (f"?{split.query}" if split.query else ""),
    )
    _require_allowed(address, {entry for host in hosts for entry in _allowed(host)})
    return address


def shown(url: str) -> str:
    """An address without what may be secret in it."""
    scheme, _, rest = url.partition("://")
    host, slash, _ = re.sub(r"[?#\\]", "/", rest).partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash and '/…'}"


def _split(url: str) -> tuple[SplitResult, int]:
    if len(url) > LIMIT_CHARS or not re.fullmatch(r"[!-\[\]-~]+", url):  # no backslash, which some read as /
        raise BadWebhook(
            f"the webhook's address has to be {LIMIT_CHARS:,} printable ASCII characters at most, without "
            "blanks or backslashes; write others as %20 and the like"
        )
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise BadWebhook(f"the webhook's address cannot be read: {error}") from None
    if split.scheme not in PORTS or not split.hostname:
        raise BadWebhook("the webhook's address is no URL; write https://hooks.example.com/farm")
    if "@" in split.netloc:
        raise BadWebhook("the webhook's address holds a user name or password; webhooks are signed instead")
    if "#" in url:
        raise BadWebhook("the webhook's address holds a #, and what follows it is never sent; leave it out")
    return split, PORTS[split.scheme] if port is None else port


Place = tuple[str, str, int]


def _allowed(host: str) -> Iterable[Place]:
    """The places that an entry of FARM_WEBHOOK_HOSTS names."""
    scheme, _, place = host.rpartition("://")
    split = urlsplit(f"//{place}")
    name = split.hostname or ""
    schemes = [scheme or "https", *(["http"] if not scheme and is_loopback(name) else [])]
    return [(each, name, split.port or PORTS[each]) for each in schemes]


def _require_allowed(address: Address, allowed: Collection[Place]) -> None:
    place = (address.scheme, address.host, address.port)
    if place in allowed:
        return
    if address.scheme == "http" and ("https", *place[1:]) in allowed:
        raise BadWebhook(
            f"{address.origin} would be told without encryption; use https, or let FARM_WEBHOOK_HOSTS name "
            "it with http://"
        )
    entry = address.origin
    if address.scheme == "https" or is_loopback(address.host):
        entry = entry.removeprefix(f"{address.scheme}://")
    raise BadWebhook(
        f"{address.origin} is not among FARM_WEBHOOK_HOSTS; have whoever runs the farm add {entry!r}"
    )


def is_loopback(host: str) -> bool:
    """Whether a host by its very name is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == LOCALHOST


def forbidden(ip: str, *, host: str) -> str | None:
    """Why nothing is sent to this address that `host` stands for; None where it may be.

    Private networks are allowed, as the name is: but no name that was allowed can lead to this machine, or
    to where clouds tell their machines secrets.
    """
    address = _plain(ip_address(ip.partition("%")[0]))
    if address.is_loopback:
        return None if is_loopback(host) else f"{host} stands for a loopback address ({address})"
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in METADATA:
        return f"{host} stands for {address}, where no webhook is sent to"
    return None


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one may be another spelling of."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address

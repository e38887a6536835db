"""Who is asking, as far as the network tells: the address that limits count by.

`X-Forwarded-For` is anybody's word, so it is believed only where the connection comes from a proxy
that the operator has named, and then from its right end on: what stands left of the first address
that is no such proxy was written by a stranger.
"""

from __future__ import annotations

import ipaddress

from starlette.requests import Request

from puras.server.address import Network

_LONGEST = 100
_ONE_LINE = 64
"""Bits of an IPv6 address that stand for one line; who has it has all the rest."""


def sender_of(request: Request, proxies: tuple[Network, ...]) -> str:
    """Return the address of who is asking; of an IPv6 one the part that stands for one line."""
    host = request.client.host if request.client else ""
    if proxies and _is_in(host, proxies):
        host = _behind(request.headers.getlist("x-forwarded-for"), proxies) or host
    address = _address(host)
    if address is None:
        return host[:_LONGEST]
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, _ONE_LINE), strict=False))


def _behind(headers: list[str], proxies: tuple[Network, ...]) -> str | None:
    """Return the last address that no named proxy has, None where there is none."""
    hosts = [host.strip() for header in headers for host in header.split(",")]
    return next((host for host in reversed(hosts) if not _is_in(host, proxies)), None)


def _is_in(host: str, networks: tuple[Network, ...]) -> bool:
    address = _address(host)
    return address is not None and any(address in network for network in networks)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

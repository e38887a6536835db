"""Which network addresses a fetch may reach: those that anyone on the internet can. Pure."""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")


def is_public(address: str) -> bool:
    """Tell whether an address, without port, is globally routable.

    Addresses that carry an IPv4 address inside (mapped, 6to4, NAT64) count as that one; Teredo's,
    whose inner one is a stranger's word, never do.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return _is_global(parsed)
    if parsed.teredo is not None or parsed.is_site_local or parsed in _IPV4_COMPATIBLE:
        return False
    inner = _inner(parsed)
    return _is_global(parsed if inner is None else inner)


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour

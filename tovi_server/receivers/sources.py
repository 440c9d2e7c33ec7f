"""Whom a connection comes from, as far as limits are concerned."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


def source_of(host: str) -> str:
    """The address of an IPv4 peer, the /64 of an IPv6 one (a home or a machine has a whole one); `local` otherwise."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "local"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)


def is_trusted(host: str, trusted: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether an administrator exempted this peer from limits per source."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    return any(plain in network for network in trusted)

"""The sockets that receivers accept connections on, opened once, before any of them runs."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from typing import Final

from tovi_server.core.errors import ToviError, UnavailableError
from tovi_server.settings import ExecutorKind, Settings, split_address

_RETRY_S: Final = 0.1
_TRIES: Final = 50
"""The receivers of a server that was killed a moment ago are still going."""


def check_addresses(settings: Settings) -> None:
    """Where all tasks run as the server's own user, nobody from elsewhere may submit any.

    Raises:
        ToviError: an address is not only for this machine.
    """
    executor = settings.executor
    if os.geteuid() == 0 or executor.kind is not ExecutorKind.LOCAL or executor.local.shared_uid:
        return
    for address in settings.server.listen:
        if not ipaddress.ip_address(split_address(address)[0]).is_loopback:
            raise ToviError(
                f"listening on {address} is refused",
                why="this server is not root, so every job runs as the server's own user and can read all there is",
                hint="run it as root, or accept that with [executor.local] shared_uid = true",
            )


async def open_sockets(addresses: tuple[str, ...]) -> list[socket.socket]:
    """One for each address, bound.

    Raises:
        UnavailableError: an address cannot be had.
    """
    return [await _open(*split_address(address)) for address in addresses]


async def _open(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tries in range(_TRIES, 0, -1):
        try:
            return _not_blocking(socket.create_server((host, port), family=family))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or tries == 1:
                raise UnavailableError(f"cannot listen on {host} port {port}", why=error.strerror or "") from error
        await asyncio.sleep(_RETRY_S)
    raise AssertionError("the last try returns or raises")


def _not_blocking(sock: socket.socket) -> socket.socket:
    """All that share the socket share that flag, and `dup` sets it anew from what this object says: a part that begins
    would make those that serve already wait in `accept` for a connection that another took.
    """
    sock.setblocking(False)
    return sock


def address_of(sock: socket.socket) -> str:
    """As people write it."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

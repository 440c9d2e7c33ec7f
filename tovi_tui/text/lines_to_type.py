"""What to type on one's own machine: with this server's name and port, so that it can be pasted."""

from __future__ import annotations

import shlex
from typing import Final

from tovi_server.core.views import ServerInfo

_SSH_PORT: Final = 22


def ssh(server: ServerInfo, *words: str) -> str:
    """A command over ssh; without words, the screens."""
    port = [] if server.port == _SSH_PORT else ["-p", str(server.port)]
    return " ".join(["ssh", *port, server.name, *words])


def fetch(server: ServerInfo, *paths: str) -> str:
    """Files or folders of the server, into the folder where one is."""
    return f"scp {_port(server)}-r {shlex.join(f'{server.name}:{path}' for path in paths)} ."


def upload(server: ServerInfo, path: str) -> str:
    """Something of one's own into a folder of the server."""
    return f"scp {_port(server)}-r MY-FILES {shlex.quote(f'{server.name}:{path}/')}"


def _port(server: ServerInfo) -> str:
    return "" if server.port == _SSH_PORT else f"-P {server.port} "

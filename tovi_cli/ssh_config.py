"""What a person puts into ~/.ssh/config and ~/.ssh/known_hosts."""

from __future__ import annotations

from tovi_server.core.safe import safe_line
from tovi_server.core.views import ServerInfo

SSH_PORT = 22

_BLOCK = """\
Host {alias}
    HostName {host}
    Port {port}
    User {user}
    # IdentityFile ~/.ssh/id_ed25519
    IdentitiesOnly yes
    SendEnv COLORTERM NO_COLOR
    ServerAliveInterval 30
    ServerAliveCountMax 3
    ControlMaster auto
    ControlPath ~/.ssh/control-%C
    ControlPersist 10m
"""


def config_text(server: ServerInfo, *, user: str) -> str:
    """The Host block, and as comments the lines for known_hosts."""
    host = safe_line(server.name)
    block = _BLOCK.format(alias=host.partition(".")[0], host=host, port=server.port, user=safe_line(user))
    place = host if server.port == SSH_PORT else f"[{host}]:{server.port}"
    keys = [f"# {place} {safe_line(key)}\n" for key in server.host_keys]
    return block + "# for ~/.ssh/known_hosts, without the #:\n" + "".join(keys) if keys else block

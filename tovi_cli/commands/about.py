"""About the server and oneself: `whoami`, `version`, `help`, `ssh-config`."""

from __future__ import annotations

from dataclasses import dataclass

from tovi_cli.call import Injected
from tovi_cli.form import TABLE, Form
from tovi_cli.output import Document, show_document
from tovi_cli.output_table import pairs
from tovi_cli.ssh_config import config_text
from tovi_cli.verb import Verb
from tovi_server import api
from tovi_server.core.safe import safe_line


@dataclass(frozen=True, slots=True)
class Version:
    """`version --json`."""

    version: str
    api: int
    server: str


async def whoami(*, form: Form = TABLE, call: Injected) -> int:
    """Who you are here, and your projects."""
    me = await call.api.me()
    if await show_document(call, form, Document("tovi.me/1", me)):
        return 0
    projects = [f"{name} ({role}{', archived' if name in me.archived else ''})" for name, role in me.projects.items()]
    lines = pairs(
        (
            ("user", safe_line(me.user) + (" (admin)" if me.admin else "")),
            ("key", safe_line(me.key)),
            ("project", safe_line(me.project)),
            ("projects", safe_line(", ".join(projects))),
        )
    )
    await call.put("".join(f"{line}\n" for line in lines))
    return 0


async def version(*, form: Form = TABLE, call: Injected) -> int:
    """Which Tovi answers."""
    server = await call.api.server()
    answer = Version(server.version, api.VERSION, server.name)
    if not await show_document(call, form, Document("tovi.version/1", answer)):
        await call.put(f"tovi {safe_line(server.version)}\n")
    return 0


async def ssh_config(*, call: Injected) -> int:
    """A block for your ~/.ssh/config, and keys for known_hosts."""
    server, me = await call.api.server(), await call.api.me()
    await call.put(config_text(server, user=me.user))
    return 0


VERBS = (
    Verb(("whoami",), whoami, ("ssh {host} whoami",)),
    Verb(("version",), version, ("ssh {host} version --json",)),
    Verb(("ssh-config",), ssh_config, ("ssh {host} ssh-config >> ~/.ssh/config",)),
)

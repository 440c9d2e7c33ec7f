"""`tovi-server`: its words, its settings, and off it goes. Each verb imports only what it needs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from tovi_server.app import log_form
from tovi_server.app.ending import exit_status
from tovi_server.core.errors import UsageError
from tovi_server.settings import Role, Settings, read_settings

KeyFile = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""`-` is one."""

app = App(name="tovi-server", help="The server of Tovi.", version_flags=[])
user = App(name="user", help="Add, list, disable and enable users.", version_flags=[])
app.command(user)


@Parameter(name="*")
@dataclass(frozen=True)
class Place:
    """Which server."""

    data: Path
    """The data directory."""
    config: Path | None = None
    """The settings file; else server/tovi.toml in the data directory."""

    def settings(self, **given: object) -> Settings:
        file = self.config or self.data / "server" / "tovi.toml"
        return read_settings(file, required=self.config is not None, arguments=given)


def main() -> None:
    """Entry point: ends the process with the command's exit status."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Run one command line; its exit status."""
    log_form.set_up()
    return exit_status(lambda: _run(words))


def _run(words: Sequence[str]) -> int | None:
    try:
        command, bound, _ = app.parse_args(list(words), exit_on_error=False, print_error=False, help_on_error=False)
    except CycloptsError as error:
        raise UsageError(str(error), hint="`tovi-server --help` lists the words") from error
    status: int | None = command(*bound.args, **bound.kwargs)
    return status


@app.command
def init(place: Place, *, admin: str, key: KeyFile, if_needed: bool = False) -> None:
    """Make a data directory: database, host keys, the first user.

    Args:
        admin: Name of the first user, an admin.
        key: A file with their public key; - for standard input.
        if_needed: Make only what is missing, and the first user only while there is none.
    """
    from tovi_server.app import administration

    first = administration.First(admin, _read_key(key))
    asyncio.run(administration.init(place.data, place.settings(), first, if_needed=if_needed))
    sys.stdout.write(f"tovi: {place.data} is ready for {admin}\n")


@app.command
def serve(place: Place, *, listen: list[str] | None = None, role: Role | None = None) -> None:
    """Serve until told to end by TERM or INT.

    Args:
        listen: An address and port; port 0 lets the system choose. Can be given several times.
        role: All there is to do, or on PostgreSQL only a part of it.
    """
    from tovi_server.app import parent

    given = {name: value for name, value in (("listen", listen), ("role", role)) if value}
    asyncio.run(parent.serve(place.data.absolute(), place.settings(server=given), announce=_announce))


def _announce(line: str) -> None:
    _tell(f"tovi: {line}\n")


@app.command
def check(place: Place, *, task: bool = True) -> int:
    """Look at all that the server needs, and say what to do about what it has not.

    Args:
        task: On a cluster, run a small task there too.
    """
    from tovi_server.app.check import check as look

    return asyncio.run(look(place.data.absolute(), place.settings(), with_task=task, tell=_tell))


def _tell(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@user.command(name="add")
def add_user(name: str, /, place: Place, *, key: KeyFile, admin: bool = False) -> None:
    """Add a user.

    Args:
        key: A file with their public key; - for standard input.
        admin: They may manage the server.
    """
    from tovi_server.app import administration

    asyncio.run(administration.add_user(place.data, place.settings(), name=name, key=_read_key(key), admin=admin))


@user.command(name="list")
def list_users(place: Place) -> None:
    """List all users."""
    from tovi_server.app import administration

    for one in asyncio.run(administration.list_users(place.data, place.settings())):
        notes = [note for note, holds in (("admin", one.admin), ("disabled", one.disabled)) if holds]
        sys.stdout.write(" ".join((one.name, *notes)) + "\n")


@user.command
def disable(name: str, /, place: Place) -> None:
    """Shut a user out, also of open connections; their jobs go on."""
    _set_user(name, place, disabled=True)


@user.command
def enable(name: str, /, place: Place) -> None:
    """Let a disabled user in again."""
    _set_user(name, place, disabled=False)


def _set_user(name: str, place: Place, *, disabled: bool) -> None:
    from tovi_server.app import administration

    asyncio.run(administration.set_user(place.data, place.settings(), name=name, disabled=disabled))


@app.command
def settings(place: Place) -> None:
    """Print every setting, with its value and what it is for, as a settings file."""
    from tovi_server.app.settings_text import settings_text

    sys.stdout.write(settings_text(place.settings()))


@app.command(show=False)
def nursery(descriptor: int, /) -> None:
    """What `serve` starts."""
    from tovi_server.app.forking import run_nursery

    run_nursery(descriptor)


def _read_key(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the key {file} cannot be read", why=str(error)) from error


if __name__ == "__main__":
    main()

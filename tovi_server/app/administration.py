"""What an admin does on the data directory itself, with or without a running server."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from tovi_server.app.foundations import Foundations, open_foundations
from tovi_server.core.errors import ConflictError, UnavailableError
from tovi_server.files.datadir import DataDir
from tovi_server.files.shared import SharedFiles
from tovi_server.manager import names, users
from tovi_server.manager.public_key import read_public_key
from tovi_server.receivers import host_keys
from tovi_server.settings import Settings
from tovi_server.store.people import User


@dataclass(frozen=True, slots=True)
class First:
    """The first user of a server, its admin."""

    name: str
    key: str


async def init(root: Path, settings: Settings, first: First, *, if_needed: bool = False) -> None:
    """A fresh data directory with a database, its first user, and host keys unless they are kept elsewhere.

    `if_needed`: only what is missing of these, and the first user only while there is none. Several servers may do so
    at once; one of them may fail over what another has half done, and does it again.

    Raises:
        ConflictError: there is one already.
        UnavailableError: it cannot be written.
        UsageError: the name or the key is none.
    """
    names.need_account_name("user", first.name)
    read_public_key(first.key)
    await asyncio.to_thread(_make, root, settings, if_needed=if_needed)
    async with open_foundations(root, settings) as base:
        if not await _has_user(base):
            await _add_first(base, first)
        elif not if_needed:
            raise _already(root)


async def add_user(root: Path, settings: Settings, *, name: str, key: str, admin: bool) -> None:
    """As `admin user add` does for a caller. Raises ConflictError, UsageError."""
    async with open_foundations(root, settings) as base:
        await users.create(base.accounts, _files(base), name=name, key=key, admin=admin, now=base.clock.now())


async def set_user(root: Path, settings: Settings, *, name: str, disabled: bool) -> None:
    """Shut a user out, within seconds, or let them in again. Raises NotFoundError, ConflictError for the last admin."""
    async with open_foundations(root, settings) as base:
        await base.accounts.set_user(name, disabled=disabled, admin=None)


async def list_users(root: Path, settings: Settings) -> tuple[User, ...]:
    """All, by name."""
    async with open_foundations(root, settings) as base:
        return await base.accounts.users()


async def _has_user(base: Foundations) -> bool:
    """One without a key is only half made."""
    return any([await base.accounts.keys(one.name) for one in await base.accounts.users()])


async def _add_first(base: Foundations, first: First) -> None:
    try:
        await users.bootstrap(base.accounts, _files(base), name=first.name, key=first.key, now=base.clock.now())
    except ConflictError:
        if not await _has_user(base):
            raise


def _make(root: Path, settings: Settings, *, if_needed: bool) -> None:
    has_keys = any((root / "server").glob("ssh_host_*"))
    if has_keys and not if_needed:
        raise _already(root)
    try:
        DataDir.create(root).close()
    except OSError as error:
        raise UnavailableError(
            f"the data directory cannot be written: {root}",
            why=error.strerror or "",
            hint=f"it has to belong to who runs the server, which is uid {os.geteuid()}",
        ) from error
    if not has_keys and not settings.server.host_keys:
        host_keys.create(root / "server")


def _already(root: Path) -> ConflictError:
    return ConflictError(
        f"{root} is a data directory already",
        hint="`tovi-server user add` adds people; one whose making was interrupted can be removed and made again",
    )


def _files(base: Foundations) -> SharedFiles:
    return SharedFiles(base.data, limits=base.settings.submissions)

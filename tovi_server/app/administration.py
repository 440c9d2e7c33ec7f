"""What an admin does on the data directory itself, with or without a running server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tovi_server.app.foundations import Foundations, open_foundations
from tovi_server.core.errors import ConflictError
from tovi_server.files.datadir import DataDir
from tovi_server.files.shared import SharedFiles
from tovi_server.manager import names, users
from tovi_server.manager.public_key import read_public_key
from tovi_server.receivers import host_keys
from tovi_server.settings import Settings
from tovi_server.store.people import User


async def init(root: Path, settings: Settings, *, admin: str, key: str) -> None:
    """A fresh data directory with host keys, a database and its first user.

    Raises:
        ConflictError: there is one already.
        UsageError: the name or the key is none.
    """
    names.need_account_name("user", admin)
    read_public_key(key)
    await asyncio.to_thread(_make, root)
    async with open_foundations(root, settings) as base:
        await users.bootstrap(base.accounts, _files(base), name=admin, key=key, now=base.clock.now())


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


def _make(root: Path) -> None:
    if any((root / "server").glob("ssh_host_*")):
        raise ConflictError(
            f"{root} is a data directory already",
            hint="`tovi-server user add` adds people; one whose making was interrupted can be removed and made again",
        )
    DataDir.create(root).close()
    host_keys.create(root / "server")


def _files(base: Foundations) -> SharedFiles:
    return SharedFiles(base.data, limits=base.settings.submissions)

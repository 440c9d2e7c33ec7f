"""Users, for admins; and how the first one comes to be."""

from __future__ import annotations

import asyncio
from datetime import datetime

from tovi_server.core import views
from tovi_server.core.errors import ConflictError, NotFoundError
from tovi_server.manager import keys, names
from tovi_server.manager.access import need_admin
from tovi_server.manager.desk import Desk
from tovi_server.manager.ports import Files
from tovi_server.manager.public_key import read_public_key
from tovi_server.store.accounts import AccountStore
from tovi_server.store.people import User


async def users(desk: Desk) -> tuple[views.UserView, ...]:
    need_admin(desk)
    return tuple([await _view(desk, one) for one in await desk.accounts.users()])


async def add(desk: Desk, name: str, *, key: str, admin: bool) -> views.UserView:
    need_admin(desk)
    await create(desk.accounts, desk.files, name=name, key=key, admin=admin, now=desk.clock.now())
    return await _user(desk, name)


async def change(desk: Desk, name: str, *, disabled: bool | None, admin: bool | None) -> views.UserView:
    need_admin(desk)
    await _user(desk, name)
    await desk.accounts.set_user(name, disabled=disabled, admin=admin)
    return await _user(desk, name)


async def add_key(desk: Desk, name: str, *, key: str) -> views.UserView:
    need_admin(desk)
    public = read_public_key(key)
    await _user(desk, name)
    await desk.accounts.add_key(name, public.fingerprint, public.line, now=desk.clock.now())
    return await _user(desk, name)


async def remove_key(desk: Desk, name: str, *, fingerprint: str) -> views.UserView:
    need_admin(desk)
    held = [key.fingerprint for key in (await _user(desk, name)).keys]
    if fingerprint not in held:
        raise NotFoundError(f'{name} has no key "{fingerprint}"', hint=f"`admin user show {name}` lists them")
    if len(held) == 1:
        hint = f"add another first, or `admin user disable {name}`"
        raise ConflictError(f"this is the last key of {name}", why="a user has at least one", hint=hint)
    await desk.accounts.remove_key(name, fingerprint)
    return await _user(desk, name)


async def bootstrap(accounts: AccountStore, files: Files, *, name: str, key: str, now: datetime) -> None:
    """The first user of a fresh data directory: an admin. As `create`."""
    await create(accounts, files, name=name, key=key, admin=True, now=now)


async def create(accounts: AccountStore, files: Files, *, name: str, key: str, admin: bool, now: datetime) -> None:
    """A user with a personal project of the same name, a home and a key, which comes last: without it nobody is in.

    A user without a key was being made when the server died; making them again completes them.
    """
    names.need_account_name("user", name)
    public = read_public_key(key)
    known, project = await accounts.user(name), await accounts.project(name)
    half_made = known is not None and not await accounts.keys(name)
    if (known or project) and not half_made:
        raise ConflictError(f'the name "{name}" is taken', why="users and projects have different names")
    if await accounts.key_owner(public.fingerprint) is not None:
        raise ConflictError(f"key {public.fingerprint} is in use", why="a key belongs to one user, once")
    if known is None:
        await accounts.add_user(name, admin=admin, now=now)
    if project is None:
        await accounts.create_project(name, owner=name, note="", now=now)
    await asyncio.to_thread(files.create_home, name)
    await asyncio.to_thread(files.create_project, name)
    await accounts.add_key(name, public.fingerprint, public.line, now=now)


async def _user(desk: Desk, name: str) -> views.UserView:
    found = await desk.accounts.user(name)
    if found is None:
        raise NotFoundError(f'there is no user "{name}"', hint="`admin user list` lists them")
    return await _view(desk, found)


async def _view(desk: Desk, one: User) -> views.UserView:
    held = tuple(keys.view(key, current=desk.caller.key) for key in await desk.accounts.keys(one.name))
    return views.UserView(one.name, one.admin, one.disabled, one.created_at, held)

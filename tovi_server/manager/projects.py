"""Projects: who is in them, and which is the caller's current one."""

from __future__ import annotations

import asyncio

from tovi_server.core import views
from tovi_server.core.access import Action, Role
from tovi_server.core.errors import ConflictError, NotFoundError
from tovi_server.manager import names, present
from tovi_server.manager.access import need_project
from tovi_server.manager.desk import Desk
from tovi_server.store.membership import Project


async def current_project(desk: Desk) -> str:
    """The project that the caller chose and may still read; otherwise their personal one."""
    chosen = await desk.accounts.current_project(desk.caller.user)
    if chosen is not None and chosen in await desk.accounts.projects(desk.caller.user):
        return chosen
    return desk.caller.user


async def projects(desk: Desk) -> tuple[views.ProjectView, ...]:
    """Those the caller is in; all for an admin."""
    roles = await desk.accounts.projects(desk.caller.user)
    current = await current_project(desk)
    every = await desk.accounts.all_projects()
    seen = [one for one in every if desk.caller.admin or one.name in roles]
    return tuple(_view(one, role=roles.get(one.name), current=one.name == current) for one in seen)


async def project(desk: Desk, name: str) -> views.ProjectView:
    return await _shown(desk, await need_project(desk, name, Action.READ))


async def create(desk: Desk, name: str, *, note: str) -> views.ProjectView:
    """The caller becomes its owner. Folders come first: a project that is known has them."""
    names.need_account_name("project", name)
    names.need_good_note(note)
    if await desk.accounts.project(name) is not None or await desk.accounts.user(name) is not None:
        raise ConflictError(f'the name "{name}" is taken', hint="choose another one")
    await asyncio.to_thread(desk.files.create_project, name)
    await desk.accounts.create_project(name, owner=desk.caller.user, note=note, now=desk.clock.now())
    return await project(desk, name)


async def use(desk: Desk, name: str) -> views.ProjectView:
    await need_project(desk, name, Action.READ)
    if name not in await desk.accounts.projects(desk.caller.user):
        raise ConflictError(f'you are no member of project "{name}"', hint=f"`project add {name} {desk.caller.user}`")
    await desk.accounts.use_project(desk.caller.user, name)
    return await project(desk, name)


async def set_member(desk: Desk, name: str, user: str, role: Role) -> views.ProjectView:
    await need_project(desk, name, Action.MANAGE)
    if await desk.accounts.user(user) is None:
        raise NotFoundError(f'there is no user "{user}"')
    await desk.accounts.set_member(name, user, role)
    return await project(desk, name)


async def remove_member(desk: Desk, name: str, user: str) -> views.ProjectView:
    """Owners remove anybody, and everybody may leave; the answer is the project as it was left."""
    leaving = user == desk.caller.user
    before = await need_project(desk, name, Action.READ if leaving else Action.MANAGE)
    if user not in before.members:
        raise NotFoundError(f'project "{name}" has no member "{user}"')
    if name == user:
        raise ConflictError(f'"{name}" is the personal project of {user}', why="they stay in it")
    await desk.accounts.remove_member(name, user)
    after = await desk.accounts.project(name)
    assert after is not None, "projects are never removed"
    return await _shown(desk, after)


async def change(desk: Desk, name: str, *, note: str | None, archived: bool | None) -> views.ProjectView:
    await need_project(desk, name, Action.MANAGE)
    if note is not None:
        names.need_good_note(note)
    await desk.accounts.set_project(name, note=note, archived=archived)
    return await project(desk, name)


async def _shown(desk: Desk, one: Project) -> views.ProjectView:
    role = one.members.get(desk.caller.user)
    return _view(one, role=role, current=one.name == await current_project(desk))


def _view(one: Project, *, role: Role | None, current: bool) -> views.ProjectView:
    members = tuple(views.MemberView(user, held) for user, held in sorted(one.members.items()))
    return views.ProjectView(one.name, role, current, one.archived, present.text(one.note), members, one.created_at)


async def me(desk: Desk) -> views.Me:
    roles = await desk.accounts.projects(desk.caller.user)
    every = await desk.accounts.all_projects()
    return views.Me(
        user=desk.caller.user,
        admin=desk.caller.admin,
        key=desk.caller.key,
        project=await current_project(desk),
        projects=dict(roles),
        archived=tuple(one.name for one in every if one.archived and one.name in roles),
    )

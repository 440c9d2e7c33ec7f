"""Projects, who is in them, and in which one each user works."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from tovi_server.core.access import Role
from tovi_server.core.errors import ConflictError, NotFoundError
from tovi_server.store import tables
from tovi_server.store.convert import AnyRow
from tovi_server.store.people import need_user

_PROJECTS = tables.projects.c
_MEMBERS = tables.members.c
_ROLES: Final = (
    select(_MEMBERS.project, _MEMBERS.role).where(_MEMBERS.user == bindparam("b_user")).order_by(_MEMBERS.project)
)


@dataclass(frozen=True, slots=True)
class Project:
    """`members` by name of user."""

    name: str
    note: str
    archived: bool
    created_at: datetime
    members: Mapping[str, Role]


def read_roles(connection: Connection, user: str) -> dict[str, Role]:
    """The user's projects, archived ones too, by name."""
    return {project: Role(role) for project, role in connection.execute(_ROLES, {"b_user": user})}


def read_project(connection: Connection, name: str) -> Project | None:
    row = connection.execute(select(tables.projects).where(_PROJECTS.name == name)).one_or_none()
    return None if row is None else _project_of(row, _members(connection, name))


def read_projects(connection: Connection) -> tuple[Project, ...]:
    """All there are, by name."""
    members: defaultdict[str, dict[str, Role]] = defaultdict(dict)
    for row in connection.execute(select(tables.members).order_by(_MEMBERS.user)):
        members[row.project][row.user] = Role(row.role)
    rows = connection.execute(select(tables.projects).order_by(_PROJECTS.name))
    return tuple(_project_of(row, members[row.name]) for row in rows)


def create_project(connection: Connection, name: str, *, owner: str, note: str, now: datetime) -> None:
    """Raises:
    NotFoundError: there is no such user as the owner.
    ConflictError: there is a project of that name.
    """
    need_user(connection, owner)
    if connection.execute(select(_PROJECTS.name).where(_PROJECTS.name == name)).one_or_none() is not None:
        raise ConflictError(f'the name "{name}" is taken', hint="choose another name for the project")
    connection.execute(insert(tables.projects), {"name": name, "note": note, "archived": False, "created_at": now})
    connection.execute(insert(tables.members), {"project": name, "user": owner, "role": Role.OWNER.value})


def set_member(connection: Connection, project: str, user: str, role: Role) -> None:
    """Add a member or change their role.

    Raises:
        NotFoundError: there is no such project or user.
        ConflictError: the project would have no owner.
    """
    _need_project(connection, project)
    need_user(connection, user)
    membership = update(tables.members).where(_is_member(project, user)).values(role=role.value)
    if not connection.execute(membership).rowcount:
        connection.execute(insert(tables.members), {"project": project, "user": user, "role": role.value})
    _need_owner(connection, project)


def remove_member(connection: Connection, project: str, user: str) -> None:
    """Raises:
    NotFoundError: there is no such project or member.
    ConflictError: the project would have no owner.
    """
    _need_project(connection, project)
    if not connection.execute(delete(tables.members).where(_is_member(project, user))).rowcount:
        raise NotFoundError(f'"{user}" is no member of project "{project}"')
    _need_owner(connection, project)


def set_project(connection: Connection, name: str, *, note: str | None, archived: bool | None) -> None:
    """Change what is not None.

    Raises:
        NotFoundError: there is no such project.
    """
    _need_project(connection, name)
    values = {key: value for key, value in (("note", note), ("archived", archived)) if value is not None}
    if values:
        connection.execute(update(tables.projects).where(_PROJECTS.name == name).values(**values))


def current_project(connection: Connection, user: str) -> str | None:
    """None: the user chose none yet, or there is no such user."""
    query = select(tables.users.c.current_project).where(tables.users.c.name == user)
    return connection.execute(query).scalar_one_or_none()


def use_project(connection: Connection, user: str, name: str) -> None:
    """Raises:
    NotFoundError: there is no such user or project.
    """
    need_user(connection, user)
    _need_project(connection, name)
    connection.execute(update(tables.users).where(tables.users.c.name == user).values(current_project=name))


def _need_project(connection: Connection, name: str) -> None:
    if connection.execute(select(_PROJECTS.name).where(_PROJECTS.name == name)).one_or_none() is None:
        raise NotFoundError(f'there is no project "{name}"')


def _need_owner(connection: Connection, project: str) -> None:
    if Role.OWNER not in _members(connection, project).values():
        raise ConflictError(
            f'project "{project}" would have no owner',
            why="somebody must manage it",
            hint="make another member owner first",
        )


def _members(connection: Connection, project: str) -> dict[str, Role]:
    query = select(_MEMBERS.user, _MEMBERS.role).where(_MEMBERS.project == project).order_by(_MEMBERS.user)
    return {user: Role(role) for user, role in connection.execute(query)}


def _is_member(project: str, user: str) -> ColumnElement[bool]:
    return (_MEMBERS.project == project) & (_MEMBERS.user == user)


def _project_of(row: AnyRow, members: Mapping[str, Role]) -> Project:
    return Project(
        name=row.name, note=row.note, archived=row.archived, created_at=row.created_at, members=dict(members)
    )

"""`AccountStore`: who is who, and who is in which project. Every verb is one transaction, on another thread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tovi_server.core.access import Role
from tovi_server.core.preferences import LONGEST
from tovi_server.store import identities, membership, people, preferences
from tovi_server.store.engine import Database
from tovi_server.store.membership import Project
from tovi_server.store.people import Key, User
from tovi_server.store.texts import check, check_line, storable


class AccountStore:
    """Users, keys, projects. All verbs raise UnavailableError when the database cannot be used now.

    Names are kept as they come; what a good name is, others decide.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def user(self, name: str) -> User | None:
        """None: there is none."""
        if not storable(name):
            return None
        return await self._database.read(lambda connection: people.read_user(connection, name))

    async def users(self) -> tuple[User, ...]:
        """All, by name."""
        return await self._database.read(people.read_users)

    async def add_user(self, name: str, *, admin: bool, now: datetime) -> None:
        """Raises ConflictError when there is one of that name."""
        check_line("the user's name", name, longest=64)
        await self._database.write(lambda connection: people.add_user(connection, name, admin=admin, now=now))

    async def set_user(self, name: str, *, disabled: bool | None, admin: bool | None) -> None:
        """Change what is not None. Raises NotFoundError, and ConflictError when no admin would be left."""
        check_line("the user's name", name, longest=64)
        await self._database.write(lambda connection: people.set_user(connection, name, disabled=disabled, admin=admin))

    async def key_owner(self, fingerprint: str) -> tuple[str, bool] | None:
        """Whose key it is, and whether that user is disabled; None when it is nobody's."""
        if not storable(fingerprint):
            return None
        return await self._database.read(lambda connection: people.key_owner(connection, fingerprint))

    async def keys(self, user: str) -> tuple[Key, ...]:
        """Oldest first."""
        return await self._database.read(lambda connection: people.read_keys(connection, user))

    async def add_key(self, user: str, fingerprint: str, line: str, *, now: datetime) -> None:
        """Raises NotFoundError when there is no such user, ConflictError when anybody has the key."""
        check_line("the fingerprint", fingerprint, longest=256)
        check_line("the key", line, longest=16_384)
        await self._database.write(lambda connection: people.add_key(connection, user, fingerprint, line, now))

    async def remove_key(self, user: str, fingerprint: str) -> None:
        """Raises NotFoundError when it is no key of that user, ConflictError when it is their last."""
        check_line("the fingerprint", fingerprint, longest=256)
        await self._database.write(lambda connection: people.remove_key(connection, user, fingerprint))

    async def touch_key(self, fingerprint: str, *, now: datetime) -> None:
        """Note that it was used, once a minute at most."""
        await self._database.write(lambda connection: people.touch_key(connection, fingerprint, now))

    async def projects(self, user: str) -> Mapping[str, Role]:
        """The user's roles by project, archived ones too."""
        return await self._database.read(lambda connection: membership.read_roles(connection, user))

    async def project(self, name: str) -> Project | None:
        """None: there is none."""
        if not storable(name):
            return None
        return await self._database.read(lambda connection: membership.read_project(connection, name))

    async def all_projects(self) -> tuple[Project, ...]:
        """By name."""
        return await self._database.read(membership.read_projects)

    async def create_project(self, name: str, *, owner: str, note: str, now: datetime) -> None:
        """Raises ConflictError when the name is taken, NotFoundError when there is no such owner."""
        check_line("the project's name", name, longest=64)
        check("the note", note, longest=16_384)
        await self._database.write(
            lambda connection: membership.create_project(connection, name, owner=owner, note=note, now=now)
        )

    async def set_member(self, project: str, user: str, role: Role) -> None:
        """Raises NotFoundError, and ConflictError when the project would have no owner."""
        check_line("the project's name", project, longest=64)
        check_line("the user's name", user, longest=64)
        await self._database.write(lambda connection: membership.set_member(connection, project, user, role))

    async def remove_member(self, project: str, user: str) -> None:
        """Raises NotFoundError, and ConflictError when the project would have no owner."""
        check_line("the project's name", project, longest=64)
        check_line("the user's name", user, longest=64)
        await self._database.write(lambda connection: membership.remove_member(connection, project, user))

    async def set_project(self, name: str, *, note: str | None, archived: bool | None) -> None:
        """Change what is not None. Raises NotFoundError."""
        check_line("the project's name", name, longest=64)
        check("the note", note or "", longest=16_384)
        await self._database.write(
            lambda connection: membership.set_project(connection, name, note=note, archived=archived)
        )

    async def current_project(self, user: str) -> str | None:
        """None: the user chose none yet."""
        return await self._database.read(lambda connection: membership.current_project(connection, user))

    async def use_project(self, user: str, name: str) -> None:
        """Raises NotFoundError when there is no such project."""
        check_line("the project's name", name, longest=64)
        await self._database.write(lambda connection: membership.use_project(connection, user, name))

    async def preferences(self, user: str) -> Mapping[str, str]:
        """What front ends keep for the user."""
        return await self._database.read(lambda connection: preferences.read_preferences(connection, user))

    async def prefer(self, user: str, values: Mapping[str, str]) -> None:
        """Keep these too; an empty value is forgotten.

        Raises:
            QuotaExceededError: there would be too many.
            UsageError: a name or a value is too long, or cannot be kept.
        """
        preferences.need_few(len(values))
        for name, value in values.items():
            check_line("the preference's name", name, longest=64)
            check(f"the preference {name}", value, longest=LONGEST)
        await self._database.write(lambda connection: preferences.prefer(connection, user, values))

    async def identity(self, project: str, user: str) -> tuple[int, int]:
        """The uid of this user in this project and the project's gid, from 200000 up; the same ones for ever."""
        known = await self._database.read(lambda connection: identities.known_identity(connection, project, user))
        if known is not None:
            return known
        return await self._database.write(lambda connection: identities.identity(connection, project, user))

    async def project_group(self, project: str) -> int:
        """The project's gid; the same one for ever."""
        return await self._database.write(lambda connection: identities.group(connection, project))

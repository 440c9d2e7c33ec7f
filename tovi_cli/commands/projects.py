"""Projects: `projects` and `project …`."""

from __future__ import annotations

import difflib
from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Call, Injected, Name
from tovi_cli.form import TABLE, Form, Json
from tovi_cli.look import look_of
from tovi_cli.output import Column, Document, Listing, show_document, show_list
from tovi_cli.output_table import pairs
from tovi_cli.verb import Verb
from tovi_server.core.access import Role
from tovi_server.core.errors import UsageError
from tovi_server.core.look import Look
from tovi_server.core.safe import safe_line
from tovi_server.core.views import ProjectView

User = Annotated[str, Parameter(name="USER")]
SCHEMA = "tovi.project/1"


def _kind(project: ProjectView, look: Look) -> str:
    words = [word for word, given in (("current", project.current), ("archived", project.archived)) if given]
    return " ".join(words) or "-"


PROJECTS: tuple[Column[ProjectView], ...] = (
    Column("name", "NAME"),
    Column("role", "ROLE"),
    Column("members", "MEMBERS", lambda project, look: str(len(project.members))),
    Column("current", "STATE", _kind),
    Column("note", "NOTE"),
)


async def projects(*, form: Form = TABLE, call: Injected) -> int:
    """Your projects; uploads and jobs go to the current one."""
    found = await call.api.projects()
    await show_list(call, form, Listing("tovi.projects/1", SCHEMA, found, PROJECTS, empty="no projects"))
    return 0


async def show(name: Name, /, *, form: Form = TABLE, call: Injected) -> int:
    """A project and its members."""
    project = await call.api.project(name)
    if not await show_document(call, form, Document(SCHEMA, project)):
        await call.put("".join(f"{line}\n" for line in _lines(project, look_of(call))))
    return 0


def _lines(project: ProjectView, look: Look) -> list[str]:
    members = [(member.role.value, safe_line(member.user)) for member in project.members]
    about = (
        ("project", safe_line(project.name)),
        ("note", safe_line(project.note)),
        ("state", _kind(project, look).replace("-", "")),
        ("created", look.exact(project.created_at)),
    )
    return pairs((*about, *members))


async def create(name: Name, /, *, note: str = "", json: Json = False, call: Injected) -> int:
    """Make a project; you become its owner.

    Parameters
    ----------
    note
        What it is for, in a line.
    """
    return await _done(call, json, await call.api.create_project(name, note=note), f"{name} created")


async def use(name: Name, /, *, json: Json = False, call: Injected) -> int:
    """Make it your current project, from the next connection on."""
    return await _done(call, json, await call.api.use_project(name), f"{name} is your current project now")


async def add(
    name: Name,
    user: User,
    /,
    *,
    role: Annotated[str, Parameter(help="viewer, member or owner.")] = "member",
    json: Json = False,
    call: Injected,
) -> int:
    """Add a member, or change their role."""
    given = _role(role)
    project = await call.api.set_member(name, user, given)
    return await _done(call, json, project, f"{user} is {given.value} of {name} now")


async def remove(name: Name, user: User, /, *, json: Json = False, call: Injected) -> int:
    """Remove a member."""
    return await _done(call, json, await call.api.remove_member(name, user), f"{user} is no member of {name} now")


async def set_(name: Name, /, *, note: str | None = None, json: Json = False, call: Injected) -> int:
    """Change what is said of a project.

    Parameters
    ----------
    note
        What it is for, in a line.
    """
    if note is None:
        raise UsageError("`project set` changes nothing", hint="for instance --note TEXT")
    return await _done(call, json, await call.api.set_project(name, note=note, archived=None), f"{name} changed")


async def archive(name: Name, /, *, undo: bool = False, json: Json = False, call: Injected) -> int:
    """Let it take no new jobs and data; nothing is lost.

    Parameters
    ----------
    undo
        Let it take them again.
    """
    project = await call.api.set_project(name, note=None, archived=not undo)
    return await _done(call, json, project, f"{name} is in use again" if undo else f"{name} archived")


async def _done(call: Call, json: bool, project: ProjectView, what: str) -> int:
    if not await show_document(call, Form(json=json), Document(SCHEMA, project)):
        await call.put(safe_line(what) + "\n")
    return 0


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        near = difflib.get_close_matches(word, list(Role), n=1)
        raise UsageError(
            f'"{word}" is not a role',
            why="the roles are viewer, member and owner",
            hint=f"did you mean {near[0]}?" if near else "",
        ) from None


VERBS = (
    Verb(("projects",), projects, ("ssh {host} projects",)),
    Verb(("project", "show"), show, ("ssh {host} project show lens",)),
    Verb(("project", "create"), create, ("ssh {host} project create lens",)),
    Verb(("project", "use"), use, ("ssh {host} project use lens",)),
    Verb(("project", "add"), add, ("ssh {host} project add lens bob --role viewer",)),
    Verb(("project", "remove"), remove, ("ssh {host} project remove lens bob",)),
    Verb(("project", "set"), set_, ("ssh {host} project set lens --note thesis",)),
    Verb(("project", "archive"), archive, ("ssh {host} project archive lens",)),
)

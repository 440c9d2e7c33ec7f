"""The one place that asks `core.access.decide`, and says no.

What the caller may not know of raises exactly the NotFoundError of what does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tovi_server.core.access import Action, Role, Verdict, decide
from tovi_server.core.errors import ConflictError, DeniedError, NotFoundError
from tovi_server.core.ids import JobId
from tovi_server.core.job import Job
from tovi_server.manager.desk import Desk
from tovi_server.store.membership import Project

_ASKED: Final[Mapping[Action, str]] = {
    Action.READ: "look into it",
    Action.SUBMIT: "run jobs in it",
    Action.CHANGE_OWN_JOB: "change jobs of it",
    Action.CHANGE_ANY_JOB: "change other people's jobs",
    Action.WRITE_DATA: "change its data",
    Action.MANAGE: "manage it",
}


def absent_job(job: JobId) -> NotFoundError:
    """What is said of a job that does not exist, and of one that is not the caller's to see."""
    return NotFoundError(f"there is no job {job}", hint="`jobs` lists those you can see")


def absent_project(name: str) -> NotFoundError:
    return NotFoundError(f'there is no project "{name}"', hint="`projects` lists yours")


def may_read(desk: Desk, roles: Mapping[str, Role], project: str) -> bool:
    return _verdict(desk, Action.READ, roles.get(project)) is Verdict.ALLOWED


async def readable_projects(desk: Desk) -> frozenset[str] | None:
    """Projects whose jobs the caller reads; None: every project's."""
    if _verdict(desk, Action.READ, None) is Verdict.ALLOWED:
        return None
    return frozenset(await desk.accounts.projects(desk.caller.user))


async def need_project(desk: Desk, name: str, action: Action) -> Project:
    """The project, when the caller may do `action` with it.

    Raises:
        NotFoundError: it does not exist, or the caller may not know of it.
        DeniedError: the caller may know of it, but not do that.
        ConflictError: it is archived, and the action would add to it.
    """
    role = (await desk.accounts.projects(desk.caller.user)).get(name)
    project = await desk.accounts.project(name)
    verdict = _verdict(desk, action, role)
    if project is None or verdict is Verdict.ABSENT:
        raise absent_project(name)
    if verdict is Verdict.DENIED:
        raise _denied(action, name, role)
    if project.archived and action in {Action.SUBMIT, Action.WRITE_DATA}:
        raise ConflictError(
            f'project "{name}" is archived',
            why="it takes no new jobs or data",
            hint=f"`project archive {name} --undo` reopens it",
        )
    return project


async def need_job(desk: Desk, job_id: JobId) -> Job:
    """The job with its stages, when the caller may look at it.

    Raises:
        NotFoundError: it does not exist, or the caller may not know of it.
    """
    roles = await desk.accounts.projects(desk.caller.user)
    job = await desk.jobs.job(job_id)
    if job is None or not may_read(desk, roles, job.project):
        raise absent_job(job_id)
    return job


async def need_job_to_change(desk: Desk, job_id: JobId) -> Job:
    """The job with its stages, when the caller may cancel, hold or release it.

    Raises:
        NotFoundError: it does not exist, or the caller may not know of it.
        DeniedError: it is for others to change.
    """
    roles = await desk.accounts.projects(desk.caller.user)
    job = await desk.jobs.job(job_id)
    if job is None:
        raise absent_job(job_id)
    action = Action.CHANGE_OWN_JOB if job.user == desk.caller.user else Action.CHANGE_ANY_JOB
    role = roles.get(job.project)
    match _verdict(desk, action, role):
        case Verdict.ALLOWED:
            return job
        case Verdict.DENIED:
            raise _denied(action, job.project, role)
        case Verdict.ABSENT:
            raise absent_job(job_id)


def need_admin(desk: Desk) -> None:
    """Raises:
    DeniedError: the caller is no admin.
    """
    if not desk.caller.admin:
        raise DeniedError("this needs the admin role", why=f"you are {desk.caller.user}, who does not have it")


def _verdict(desk: Desk, action: Action, role: Role | None) -> Verdict:
    return decide(action, role=role, admin=desk.caller.admin)


def _denied(action: Action, project: str, role: Role | None) -> DeniedError:
    return DeniedError(
        f'you may not {_ASKED[action]}: project "{project}"',
        why=f"your role there is {role or 'none'}",
        hint=f"an owner can change that: `project show {project}` names them",
    )

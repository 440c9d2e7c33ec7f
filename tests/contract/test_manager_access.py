"""Who may do what: every verb that names something, for every role, on one's own job and on another's.

The table below is written by hand from the design, not from the policy function, so that a slip in either shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.manager_doorways import Doorway
from tests.manager_house import House, one_piece, open_house, public_key, submitted
from tovi_server.api import LogOptions, ManagerAPI, SubmitOptions
from tovi_server.core.access import Role
from tovi_server.core.errors import ConflictError, DeniedError, NotFoundError, ToviError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference

Act = Callable[[ManagerAPI, int], Awaitable[object]]

ABSENT_JOB = 999
STANDINGS = ["owner", "member", "viewer", "stranger", "admin"]
"""`admin` is no member of the project."""


def _ref(job: int) -> Reference:
    return Reference(JobId(job))


async def _all_logs(api: ManagerAPI, job: int) -> object:
    return [piece async for piece in api.logs(_ref(job), LogOptions())]


async def _all_events(api: ManagerAPI, job: int) -> object:
    return [event async for event in api.events(_ref(job), follow=False)]


ON_JOBS: dict[str, Act] = {
    "show": lambda api, job: api.show(_ref(job)),
    "show a task": lambda api, job: api.show(Reference(JobId(job), "main", 0)),
    "why": lambda api, job: api.why(_ref(job)),
    "logs": _all_logs,
    "wait": lambda api, job: api.wait((_ref(job),), timeout=timedelta(seconds=5), any=False),
    "events": _all_events,
    "metrics": lambda api, job: api.metrics(_ref(job)),
    "outputs": lambda api, job: api.outputs(_ref(job)),
    "rerun": lambda api, job: api.rerun(JobId(job), failed=False, params={}),
    "cancel": lambda api, job: api.cancel((_ref(job),)),
    "hold": lambda api, job: api.hold((_ref(job),)),
    "release": lambda api, job: api.release((_ref(job),)),
}
READS = {"show", "show a task", "why", "logs", "wait", "events", "metrics", "outputs"}
CHANGES = {"cancel", "hold", "release"}

YES, NO, UNKNOWN, CONFLICT = "allowed", "denied", "absent", "conflict"


def expected_on_job(standing: str, verb: str, *, own: bool) -> str:
    if standing == "stranger":
        return UNKNOWN
    if verb in READS or standing == "owner":
        return YES
    if verb == "rerun":
        return {"member": YES, "viewer": NO, "admin": NO}[standing]
    return {"member": YES if own else NO, "viewer": NO, "admin": YES}[standing]


pytest_plugins = ("tests.contract.doorways",)


@dataclass(frozen=True, slots=True)
class Scene:
    """The five people, and one finished job of each in the project."""

    house: House
    doors: dict[str, ManagerAPI]
    job_of: dict[str, int]


@pytest.fixture
async def scene(tmp_path: Path, doorway: Doorway) -> AsyncIterator[Scene]:
    async with open_house(tmp_path, doorway) as house:
        doors = {name: await house.person(name, admin=name == "admin") for name in STANDINGS}
        everybody = dict.fromkeys(STANDINGS, Role.OWNER)
        await house.project("lab", everybody)
        job_of = {
            name: await submitted(door, "run: true", SubmitOptions(project="lab")) for name, door in doors.items()
        }
        for job in job_of.values():
            await house.run(f"{job}.main.0")
        for name, role in (("member", Role.MEMBER), ("viewer", Role.VIEWER)):
            await house.accounts.set_member("lab", name, role)
        for name in ("stranger", "admin"):
            await house.accounts.remove_member("lab", name)
        yield Scene(house, doors, job_of)


async def answer(act: Awaitable[object]) -> tuple[str, ToviError | None]:
    try:
        await act
    except NotFoundError as error:
        return UNKNOWN, error
    except DeniedError as error:
        return NO, error
    except ConflictError as error:
        return CONFLICT, error
    return YES, None


@pytest.mark.parametrize("standing", STANDINGS)
async def test_every_verb_on_a_job(scene: Scene, standing: str) -> None:
    another = next(name for name in STANDINGS if name != standing)
    rows = [(verb, own) for verb in ON_JOBS for own in (True, False)]
    said = {}
    for verb, own in rows:
        job = scene.job_of[standing if own else another]
        said[verb, own], error = await answer(ON_JOBS[verb](scene.doors[standing], job))
        if said[verb, own] == UNKNOWN:
            _, absent = await answer(ON_JOBS[verb](scene.doors[standing], ABSENT_JOB))
            assert str(absent).replace(str(ABSENT_JOB), "N") == str(error).replace(str(job), "N")
    assert {(verb, own): expected_on_job(standing, verb, own=own) for verb, own in rows} == said


async def _submit(api: ManagerAPI, project: str) -> object:
    return await api.submit(SubmitOptions(project=project), one_piece("run: true"))


async def _check(api: ManagerAPI, project: str) -> object:
    return await api.check(SubmitOptions(project=project), one_piece("run: true"))


async def _submit_archive(api: ManagerAPI, project: str) -> object:
    return await api.submit(SubmitOptions(project=project), one_piece("TARrun: true"))


async def _submit_by_file(api: ManagerAPI, project: str) -> object:
    return await api.submit(SubmitOptions(), one_piece(f"project: {project}\nrun: true"))


ON_PROJECTS: dict[str, Callable[[ManagerAPI, str], Awaitable[object]]] = {
    "project": lambda api, name: api.project(name),
    "use": lambda api, name: api.use_project(name),
    "list its jobs": lambda api, name: api.jobs(JobFilter(project=name), Page()),
    "datasets": lambda api, name: api.datasets(project=name),
    "submit": _submit,
    "submit an archive": _submit_archive,
    "submit a file that names it": _submit_by_file,
    "check": _check,
    "set a member": lambda api, name: api.set_member(name, "stranger", Role.VIEWER),
    "change its note": lambda api, name: api.set_project(name, note="x", archived=None),
    "archive": lambda api, name: api.set_project(name, note=None, archived=True),
    "remove a member": lambda api, name: api.remove_member(name, "viewer"),
}
"""In an order in which an earlier one does not change the verdict on a later one."""

LOOKS = {"project", "use", "list its jobs", "datasets"}
RUNS = {"submit", "submit an archive", "submit a file that names it", "check"}


def expected_on_project(standing: str, verb: str) -> str:
    if standing == "stranger":
        return UNKNOWN
    if (standing, verb) == ("admin", "use"):
        return CONFLICT  # they may see it, but have to join first
    if standing == "owner" or verb in LOOKS:
        return YES
    if verb in RUNS:
        return {"member": YES, "viewer": NO, "admin": NO}[standing]
    if verb == "remove a member" and standing == "viewer":
        return YES  # they may leave
    return {"member": NO, "viewer": NO, "admin": YES}[standing]


@pytest.mark.parametrize("standing", STANDINGS)
async def test_every_verb_on_a_project(scene: Scene, standing: str) -> None:
    said = {}
    for verb, act in ON_PROJECTS.items():
        said[verb], error = await answer(act(scene.doors[standing], "lab"))
        if said[verb] == UNKNOWN:
            _, absent = await answer(act(scene.doors[standing], "nil"))
            assert str(absent).replace("nil", "N") == str(error).replace("lab", "N")
    assert {verb: expected_on_project(standing, verb) for verb in ON_PROJECTS} == said
    if said["submit an archive"] != YES:
        assert scene.house.files.received == [], "not a byte was kept"


ADMINS: dict[str, Callable[[ManagerAPI], Awaitable[object]]] = {
    "users": lambda api: api.users(),
    "add_user": lambda api: api.add_user("eve", key="", admin=True),
    "set_user": lambda api: api.set_user("viewer", disabled=True, admin=None),
    "add_user_key": lambda api: api.add_user_key("viewer", key=public_key()),
    "remove_user_key": lambda api: api.remove_user_key("viewer", fingerprint="SHA256:x"),
}


@pytest.mark.parametrize("verb", list(ADMINS))
@pytest.mark.parametrize("standing", ["owner", "member", "viewer", "stranger"])
async def test_only_admins_see_and_change_users(scene: Scene, standing: str, verb: str) -> None:
    with pytest.raises(DeniedError, match="admin role"):
        await ADMINS[verb](scene.doors[standing])


async def test_lists_without_everybody_hold_no_foreign_job(scene: Scene) -> None:
    assert (await scene.doors["stranger"].jobs(JobFilter(), Page())).items == ()


async def test_of_foreign_jobs_only_user_project_resources_state_and_times_are_seen(scene: Scene) -> None:
    secret = SubmitOptions(project="lab", name="hush-name", tags=("hush-tag",), note="hush-note")
    await submitted(scene.doors["owner"], "run: hush-command", secret)
    page = await scene.doors["stranger"].jobs(JobFilter(everybody=True), Page())
    newest = page.items[0]
    assert (newest.project, newest.user, newest.state) == ("lab", "owner", "queued")
    assert newest.requested is not None
    assert newest.requested.cpu_millicores == 1000
    assert "hush" not in repr(page)


@pytest.mark.parametrize("probe", [JobFilter(everybody=True, name="hush"), JobFilter(everybody=True, tag="hush")])
async def test_what_foreign_jobs_hide_cannot_be_searched_for(scene: Scene, probe: JobFilter) -> None:
    await submitted(scene.doors["owner"], "run: x", SubmitOptions(project="lab", name="hush", tags=("hush",)))
    assert (await scene.doors["stranger"].jobs(probe, Page())).items == ()


async def test_events_of_all_hold_none_of_foreign_projects(scene: Scene) -> None:
    seen = [event.job async for event in scene.doors["stranger"].events(None, follow=False)]
    assert seen == []


async def test_machines_do_not_name_foreign_tasks(scene: Scene) -> None:
    job = await submitted(scene.doors["owner"], "run: x", SubmitOptions(project="lab"))
    await scene.house.dispatch(f"{job}.main.0")
    names = {name: (await scene.doors[name].nodes())[0].tasks for name in STANDINGS}
    assert {"owner", "member", "viewer", "admin"} == {name for name, tasks in names.items() if tasks}


async def test_a_removed_member_stops_following_within_seconds(scene: Scene) -> None:
    job = await submitted(scene.doors["owner"], "run: x", SubmitOptions(project="lab"))
    following = scene.doors["viewer"].events(_ref(job), follow=True)
    await anext(following)
    await scene.house.accounts.remove_member("lab", "viewer")
    await scene.doors["owner"].hold((_ref(job),))
    with pytest.raises(NotFoundError):
        [event async for event in following]

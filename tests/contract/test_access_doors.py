"""Who may do what, through every door of a running server: the wire, the command line, SFTP, and scp both ways.

What each must say of jobs and projects is the table that the manager itself is held to, in `test_manager_access`.
What is not there for somebody is answered, byte for byte, as what nobody has.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.contract.test_manager_access import (
    ABSENT_JOB,
    CONFLICT,
    NO,
    ON_JOBS,
    ON_PROJECTS,
    STANDINGS,
    UNKNOWN,
    YES,
    answer,
    expected_on_job,
    expected_on_project,
)
from tests.live import Live, live_server
from tests.manager_house import one_piece
from tests.ssh_edge import Ended
from tests.wire_door import wire
from tovi_server.api import ManagerAPI, SubmitOptions

pytestmark = pytest.mark.openssh

SAID: Final = {0: YES, 3: UNKNOWN, 4: NO, 5: CONFLICT}
"""By exit status."""


@dataclass(frozen=True)
class Lab:
    """A project `lab` with a dataset and a finished job of each person, and a project `nil` that nobody has."""

    live: Live
    job_of: Mapping[str, str]
    here: Path

    def another(self, standing: str) -> str:
        return next(name for name in STANDINGS if name != standing)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Jobs are made while everybody is an owner; then each is what they are called."""
    here = tmp_path_factory.mktemp("here")
    for folder in ("scans", "folder"):
        (here / folder).mkdir()
        (here / folder / "a").write_text("a\n")
    with live_server() as live:
        for name in STANDINGS:
            live.add_user(name, *(["--admin"] if name == "admin" else []))
        _typed(live, "project create lab")
        for name in STANDINGS[1:]:
            _typed(live, f"project add lab {name} --role owner")
        jobs = {name: _typed(live, "submit --project lab --wait", user=name, stdin=JOB).strip() for name in STANDINGS}
        assert live.scp("-r", str(here / "scans"), "tovi:projects/lab/datasets/scans", user="owner").code == 0
        _be_what_they_are_called(live)
        yield Lab(live, jobs, here)


JOB: Final = b"run: echo hello > out.txt\noutputs: [out.txt]\n"


def _typed(live: Live, line: str, *, user: str = "owner", stdin: bytes = b"") -> str:
    ended = live.ssh(line, user=user, stdin=stdin)
    assert ended.code == 0, (line, ended)
    return ended.out.decode()


def _be_what_they_are_called(live: Live) -> None:
    _typed(live, "project archive lab --undo")
    for name in ("member", "viewer"):
        _typed(live, f"project add lab {name} --role {name}")
    for name in ("stranger", "admin"):
        assert live.ssh(f"project remove lab {name}", user="owner").code in {0, 3}


@pytest.fixture
def restored(lab: Lab) -> Iterator[Lab]:
    """For tests that change who is in the project."""
    yield lab
    _be_what_they_are_called(lab.live)


COMMANDS_ON_JOBS: Final = {
    "show": "show {}",
    "show a task": "show {}.main.0",
    "why": "why {}",
    "logs": "logs {}",
    "wait": "wait {} --timeout 5s",
    "events": "events {}",
    "metrics": "metrics {}",
    "outputs": "outputs {}",
    "rerun": "rerun {}",
    "cancel": "cancel {}",
    "hold": "hold {}",
    "release": "release {}",
}


def test_every_verb_on_jobs_and_projects_is_typed_too() -> None:
    assert set(COMMANDS_ON_JOBS) == set(ON_JOBS)
    assert set(COMMANDS_ON_PROJECTS) == set(ON_PROJECTS)


@pytest.mark.parametrize("standing", STANDINGS)
async def test_every_verb_on_a_job_over_the_wire(lab: Lab, standing: str) -> None:
    rows = [(verb, own) for verb in ON_JOBS for own in (True, False)]
    said = {}
    async with wire(lab.live, standing) as api:
        for verb, own in rows:
            job = lab.job_of[standing if own else lab.another(standing)]
            said[verb, own], error = await answer(ON_JOBS[verb](api, int(job)))
            if said[verb, own] == UNKNOWN:
                _, absent = await answer(ON_JOBS[verb](api, ABSENT_JOB))
                assert str(absent).replace(str(ABSENT_JOB), "N") == str(error).replace(job, "N")
    assert {(verb, own): expected_on_job(standing, verb, own=own) for verb, own in rows} == said


@pytest.mark.parametrize("standing", STANDINGS)
def test_every_verb_on_a_job_as_a_command(lab: Lab, standing: str) -> None:
    rows = [(verb, own) for verb in ON_JOBS for own in (True, False)]
    said = {}
    for verb, own in rows:
        job = lab.job_of[standing if own else lab.another(standing)]
        ended = _typed_of(lab, standing, COMMANDS_ON_JOBS[verb], job)
        said[verb, own] = SAID[ended.code]
        if said[verb, own] == UNKNOWN:
            assert ended == _typed_of(lab, standing, COMMANDS_ON_JOBS[verb], str(ABSENT_JOB))
    assert {(verb, own): expected_on_job(standing, verb, own=own) for verb, own in rows} == said


def _typed_of(lab: Lab, standing: str, line: str, what: str, stdin: bytes = b"") -> Ended:
    """What comes back of a command, with the name of what it is about taken out."""
    typed = stdin.replace(b"lab", what.encode())
    return _nameless(lab.live.ssh(line.format(what), user=standing, stdin=typed), what)


def _nameless(ended: Ended, *names: str) -> Ended:
    out, err = ended.out, ended.err
    for name in names:
        out, err = out.replace(name.encode(), b"N"), err.replace(name.encode(), b"N")
    return Ended(ended.code, out, err)


def _archive(text: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("tovi.yaml")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return packed.getvalue()


COMMANDS_ON_PROJECTS: Final = {
    "project": ("project show {}", b""),
    "use": ("project use {}", b""),
    "list its jobs": ("jobs --project {}", b""),
    "datasets": ("datasets --project {}", b""),
    "submit": ("submit --project {}", b"run: true\n"),
    "submit an archive": ("submit --project {} -", _archive(b"run: true\n")),
    "submit a file that names it": ("submit", b"project: lab\nrun: true\n"),
    "check": ("check --project {}", b"run: true\n"),
    "set a member": ("project add {} stranger --role viewer", b""),
    "change its note": ("project set {} --note x", b""),
    "archive": ("project archive {}", b""),
    "remove a member": ("project remove {} viewer", b""),
}


async def _submit_archive(api: ManagerAPI, project: str) -> object:
    return await api.submit(SubmitOptions(project=project), one_piece(_archive(b"run: true\n")))


@pytest.mark.parametrize("standing", STANDINGS)
async def test_every_verb_on_a_project_over_the_wire(restored: Lab, standing: str) -> None:
    said = {}
    async with wire(restored.live, standing) as api:
        for verb, act in {**ON_PROJECTS, "submit an archive": _submit_archive}.items():
            said[verb], error = await answer(act(api, "lab"))
            if said[verb] == UNKNOWN:
                _, absent = await answer(act(api, "nil"))
                assert str(absent).replace("nil", "N") == str(error).replace("lab", "N")
    assert {verb: expected_on_project(standing, verb) for verb in ON_PROJECTS} == said


@pytest.mark.parametrize("standing", STANDINGS)
def test_every_verb_on_a_project_as_a_command(restored: Lab, standing: str) -> None:
    said = {}
    for verb, (line, stdin) in COMMANDS_ON_PROJECTS.items():
        ended = _typed_of(restored, standing, line, "lab", stdin)
        said[verb] = SAID[ended.code]
        if said[verb] == UNKNOWN:
            assert ended == _typed_of(restored, standing, line, "nil", stdin)
    assert {verb: expected_on_project(standing, verb) for verb in ON_PROJECTS} == said


@pytest.mark.parametrize(
    "line",
    [
        *("admin user list", "admin user show viewer", "admin user add eve", "admin user disable viewer"),
        *("admin user enable viewer", "admin user grant owner", "admin user revoke admin"),
        *("admin key add viewer", "admin key remove viewer SHA256:x"),
    ],
)
@pytest.mark.parametrize("standing", ["owner", "member", "viewer", "stranger"])
def test_admins_alone_see_and_change_users(lab: Lab, standing: str, line: str) -> None:
    key = (lab.live.folder / "owner.pub").read_bytes()
    ended = lab.live.ssh(line, user=standing, stdin=key)
    assert (ended.code, ended.out) == (4, b"")
    assert b"admin role" in ended.err


LOOK, WRITE, CHANGE_RESULTS = "look", "write", "change results"

COPIES: Final = {
    "fetch a file": (LOOK, "tovi:projects/lab/datasets/scans/a", "{here}/got"),
    "fetch a dataset": (LOOK, "-r", "tovi:projects/lab/datasets/scans", "{here}/copied"),
    "fetch a log": (LOOK, "tovi:projects/lab/jobs/{job}/stdout.log", "{here}/got"),
    "fetch a job": (LOOK, "-r", "tovi:projects/lab/jobs/{job}", "{here}/copied"),
    "put a file": (WRITE, "{here}/scans/a", "tovi:projects/lab/datasets/scans/{standing}"),
    "put a dataset": (WRITE, "-r", "{here}/folder", "tovi:projects/lab/datasets/{standing}{mode}"),
    "put over a result": (CHANGE_RESULTS, "{here}/scans/a", "tovi:projects/lab/jobs/{job}/outputs/out.txt"),
}

BATCHES: Final = {
    "list": (LOOK, "ls -l projects/lab/datasets/scans"),
    "enter": (LOOK, "cd projects/lab"),
    "get": (LOOK, "get projects/lab/datasets/scans/a {here}/got"),
    "get a result": (LOOK, "get projects/lab/jobs/{job}/outputs/out.txt {here}/got"),
    "put": (WRITE, "put {here}/scans/a projects/lab/datasets/scans/b"),
    "rename": (WRITE, "rename projects/lab/datasets/scans/b projects/lab/datasets/scans/c"),
    "link": (WRITE, "ln -s a projects/lab/datasets/scans/l"),
    "remove a link": (WRITE, "rm projects/lab/datasets/scans/l"),
    "remove": (WRITE, "rm projects/lab/datasets/scans/c"),
    "make a folder": (WRITE, "mkdir projects/lab/datasets/more"),
    "remove a folder": (WRITE, "rmdir projects/lab/datasets/more"),
    "remove a result": (CHANGE_RESULTS, "rm projects/lab/jobs/{job}/outputs/out.txt"),
    "make a folder of results": (CHANGE_RESULTS, "mkdir projects/lab/jobs/{job}/outputs/more"),
    "put a result": (CHANGE_RESULTS, "put {here}/scans/a projects/lab/jobs/{job}/outputs/more"),
}
"""In an order in which each finds what it needs."""


def expected_on_files(standing: str, kind: str) -> str:
    if standing == "stranger":
        return UNKNOWN
    if kind == LOOK:
        return YES
    return YES if kind == WRITE and standing in {"owner", "member"} else NO


def verdict(ended: Ended) -> str:
    if ended.code == 0:
        return YES
    told = ended.err.decode() + ended.out.decode()
    if any(words in told for words in ("may look at data, not change it", "read-only")):
        return NO
    assert "No such file or directory" in told or "not found" in told, ended
    return UNKNOWN


@pytest.mark.parametrize("mode", ["-s", "-O"])
@pytest.mark.parametrize("standing", STANDINGS)
def test_every_copy(lab: Lab, standing: str, mode: str) -> None:
    holes = {"here": lab.here, "standing": standing, "mode": mode}

    def copy(words: tuple[str, ...], project: str, job: str) -> Ended:
        filled = [word.format(job=job, **holes).replace("/lab/", f"/{project}/") for word in words]
        return _nameless(lab.live.scp(mode, *filled, user=standing), f"projects/{project}", f"jobs/{job}")

    said = _said_of_files({name: tuple(words) for name, (_, *words) in COPIES.items()}, copy, lab)
    assert {name: expected_on_files(standing, kind) for name, (kind, *_) in COPIES.items()} == said


@pytest.mark.parametrize("standing", STANDINGS)
def test_every_batch_of_sftp(lab: Lab, standing: str) -> None:
    def batch(words: tuple[str, ...], project: str, job: str) -> Ended:
        (line,) = (word.format(here=lab.here, job=job).replace("/lab", f"/{project}") for word in words)
        return _nameless(lab.live.sftp(line, user=standing), f"projects/{project}", f"jobs/{job}")

    said = _said_of_files({name: (line,) for name, (_, line) in BATCHES.items()}, batch, lab)
    assert {name: expected_on_files(standing, kind) for name, (kind, _) in BATCHES.items()} == said


def _said_of_files(
    words_of: Mapping[str, tuple[str, ...]], run: Callable[[tuple[str, ...], str, str], Ended], lab: Lab
) -> dict[str, str]:
    """Of each operation, which is refused for what is not there as for what nobody has."""
    said = {}
    for name, words in words_of.items():
        ended = run(words, "lab", lab.job_of["owner"])
        said[name] = verdict(ended)
        if said[name] == UNKNOWN:
            assert ended == run(words, "nil", str(ABSENT_JOB)), name
    return said

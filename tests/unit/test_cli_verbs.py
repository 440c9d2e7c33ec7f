"""What each verb asks the manager for, and how it ends."""

from __future__ import annotations

import asyncio
import json
import shlex
from datetime import timedelta

import pytest

from tests.fakes_manager import NOW, FakeManager, FakeStreams, a_job
from tovi_cli.commands.run import Wants, spec_text
from tovi_cli.main import make_run_command
from tovi_server.api import LogOptions, SubmitOptions
from tovi_server.core import views
from tovi_server.core.access import Role
from tovi_server.core.errors import ConflictError, DeniedError, NotFoundError, ToviError, UnavailableError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference
from tovi_server.core.reasons import Reason
from tovi_server.core.states import TaskState

RUN = make_run_command(lambda: NOW)
JOB = Reference(JobId(12))
KEY = (b"ssh-ed25519 AAAA bob\n",)


async def ended(line: str, fake: FakeManager, typed: tuple[bytes, ...] = ()) -> tuple[int, str, str]:
    streams = FakeStreams(typed=typed)
    status = await RUN(fake, shlex.split(line), streams)
    return status, streams.stdout, streams.stderr


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("queue", ("jobs", (JobFilter(unfinished=True), Page(100)))),
        ("queue --all --limit 5", ("jobs", (JobFilter(unfinished=True, everybody=True), Page(5)))),
        ("jobs", ("jobs", (JobFilter(), Page(100)))),
        (
            "jobs --user bob --project lens --queue fast --tag t --name n --state failed,cancelled --state running"
            " --since 2h --until 2026-01-31T11:30 --before 9",
            (
                "jobs",
                (
                    JobFilter(
                        user="bob",
                        project="lens",
                        queue="fast",
                        tag="t",
                        name="n",
                        states=(TaskState.FAILED, TaskState.CANCELLED, TaskState.RUNNING),
                        since=NOW - timedelta(hours=2),
                        until=NOW - timedelta(minutes=30),
                    ),
                    Page(100, JobId(9)),
                ),
            ),
        ),
        ("show 12", ("show", (JOB, None, False, 200))),
        ("show 12 --files --where lr=0.1 --limit 3", ("show", (JOB, {"lr": "0.1"}, True, 3))),
        ("why 12.train.3", ("why", Reference(JobId(12), "train", 3))),
        ("logs 12.main.0", ("logs", (Reference(JobId(12), "main", 0), LogOptions()))),
        (
            "logs 12.main.0 -f --stream err --attempt 2 --tail 5 --since 10m",
            (
                "logs",
                (
                    Reference(JobId(12), "main", 0),
                    LogOptions(follow=True, stream="err", attempt=2, tail=5, since=NOW - timedelta(minutes=10)),
                ),
            ),
        ),
        ("logs 12.main.0/3", ("logs", (Reference(JobId(12), "main", 0, 3), LogOptions(attempt=3)))),
        ("wait 12 13 --any --timeout 2h", ("wait", ((JOB, Reference(JobId(13))), timedelta(hours=2), True))),
        ("cancel 12 13.main", ("cancel", (JOB, Reference(JobId(13), "main")))),
        ("hold 12", ("hold", (JOB,))),
        ("release 12", ("release", (JOB,))),
        ("rerun 12 --failed --param lr=1=2", ("rerun", (JobId(12), True, {"lr": "1=2"}, None))),
        ("rerun 12 --key k", ("rerun", (JobId(12), False, {}, "k"))),
        ("events", ("events", (None, False, 0))),
        ("events 12 -f --after 7", ("events", (JOB, True, 7))),
        ("metrics 12", ("metrics", JOB)),
        ("outputs 12", ("outputs", JOB)),
        ("compile", ("compile", None)),
        ("datasets --project lens", ("datasets", "lens")),
        ("dataset show scans", ("dataset", ("scans", None))),
        ("projects", ("projects", None)),
        ("project show lens", ("project", "lens")),
        ("project create lens --note x", ("create_project", ("lens", "x"))),
        ("project use lens", ("use_project", "lens")),
        ("project add lens bob", ("set_member", ("lens", "bob", Role.MEMBER))),
        ("project add lens bob --role owner", ("set_member", ("lens", "bob", Role.OWNER))),
        ("project remove lens bob", ("remove_member", ("lens", "bob"))),
        ("project set lens --note y", ("set_project", ("lens", "y", None))),
        ("project archive lens", ("set_project", ("lens", None, True))),
        ("project archive lens --undo", ("set_project", ("lens", None, False))),
        ("nodes", ("nodes", None)),
        ("queues", ("queues", None)),
        ("keys", ("keys", None)),
        ("keys add", ("add_key", "ssh-ed25519 AAAA bob")),
        ("keys add ssh-ed25519 AAAA laptop", ("add_key", "ssh-ed25519 AAAA laptop")),
        ("keys remove SHA256:abc", ("remove_key", "SHA256:abc")),
        ("admin user list", ("users", None)),
        ("admin user add bob --admin", ("add_user", ("bob", "ssh-ed25519 AAAA bob", True))),
        ("admin user disable bob", ("set_user", ("bob", True, None))),
        ("admin user enable bob", ("set_user", ("bob", False, None))),
        ("admin user show bob", ("users", None)),
        ("admin user grant bob", ("set_user", ("bob", None, True))),
        ("admin user revoke bob", ("set_user", ("bob", None, False))),
        ("admin key add bob", ("add_user_key", ("bob", "ssh-ed25519 AAAA bob"))),
        ("admin key add bob ssh-ed25519 AAAA desk", ("add_user_key", ("bob", "ssh-ed25519 AAAA desk"))),
        ("admin key remove bob SHA256:abc", ("remove_user_key", ("bob", "SHA256:abc"))),
        ("whoami", ("me", None)),
        ("version", ("server", None)),
    ],
)
async def test_a_verb_asks_the_manager(line: str, asked: tuple[str, object]) -> None:
    fake = FakeManager()
    status, _, _ = await ended(line, fake, typed=KEY)
    assert status == 0
    assert fake.asked[-1] == asked


async def test_submit_sends_what_is_piped_in_and_prints_the_id_alone() -> None:
    fake = FakeManager()
    status, out, err = await ended(
        "submit --project lens --name n --queue q --param lr=1 --tag a --tag b --note x --hold --key k",
        fake,
        typed=(b"run: ", b"true"),
    )
    options = SubmitOptions("lens", "n", "q", {"lr": "1"}, ("a", "b"), "x", hold=True, key="k")
    assert (status, out, err) == (0, "12\n", "image is ignored here\n")
    assert fake.asked == [("submit", options)]
    assert fake.received == b"run: true"


async def test_submit_wait_ends_with_the_code_of_the_job() -> None:
    ended_job = a_job(state="failed", exit_code=300, reason=Reason("error", "it ended with 300"))
    fake = FakeManager(waited=views.Waited(300, (ended_job,)))
    status, out, err = await ended("submit --wait", fake)
    assert (status, out) == (254, "12\n")
    assert err.endswith("12 failed with exit code 300: it ended with 300\n")
    assert fake.asked[-1] == ("wait", ((JOB,), None, False))


async def test_a_cancelled_job_is_told_as_that() -> None:
    cancelled = a_job(state="cancelled", exit_code=130, reason=Reason("cancelled", "cancelled"))
    status, _, err = await ended("wait 12", FakeManager(waited=views.Waited(130, (cancelled,))))
    assert (status, err) == (130, "12 cancelled\n")


async def test_of_a_job_that_goes_on_after_the_part_that_was_waited_for_nothing_is_told() -> None:
    fake = FakeManager(waited=views.Waited(3, (a_job(state="running"),)))
    assert await ended("wait 12.first", fake) == (3, "", "")


async def test_wait_for_any_tells_which_it_was() -> None:
    fake = FakeManager(waited=views.Waited(0, (a_job(state="succeeded", exit_code=0),)))
    assert await ended("wait 11 12 --any", fake) == (0, "", "12 succeeded\n")
    assert await ended("wait 11 12", fake) == (0, "", "")


@pytest.mark.parametrize("line", ["submit --follow", "submit --wait", "run -- true"])
async def test_whoever_stops_looking_is_told_that_the_job_goes_on(line: str) -> None:
    class Endless(FakeManager):
        async def wait(self, jobs: tuple[Reference, ...], *, timeout: timedelta | None, any: bool) -> views.Waited:
            raise asyncio.CancelledError

    streams = FakeStreams()
    with pytest.raises(asyncio.CancelledError):
        await RUN(Endless(), shlex.split(line), streams)
    assert streams.stderr.endswith("job 12 goes on: `logs -f 12` shows it, `cancel 12` ends it\n")


@pytest.mark.parametrize(("line", "said"), [("--memory 5 -- x", '"5" is not an amount'), ("--time 5 -- x", '"5" is')])
async def test_a_wrong_unit_is_told_before_there_is_a_file_it_could_be_in(line: str, said: str) -> None:
    fake = FakeManager()
    status, _, err = await ended(f"run {line}", fake)
    assert (status, fake.asked) == (2, [])
    assert err.startswith("usage:")
    assert said in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("project create lens", "lens created"),
        ("project use lens", "lens is your current project now"),
        ("project add lens bob --role viewer", "bob is viewer of lens now"),
        ("project remove lens bob", "bob is no member of lens now"),
        ("project set lens --note x", "lens changed"),
        ("project archive lens", "lens archived"),
        ("project archive lens --undo", "lens is in use again"),
    ],
)
async def test_a_change_of_a_project_is_told_in_a_line(line: str, said: str) -> None:
    assert (await ended(line, FakeManager()))[1] == f"{said}\n"


async def test_submit_follow_prints_the_id_and_then_the_log() -> None:
    fake = FakeManager(pieces=(views.LogPiece("12.main.0", "out", b"hello\n"),))
    assert (await ended("submit --follow", fake))[:2] == (0, "12\nhello\n")


async def test_submit_wait_json_is_one_document_with_the_end() -> None:
    _, out, _ = await ended("submit --wait --json", FakeManager())
    document = json.loads(out)
    assert document["schema"] == "tovi.submitted/1"
    assert document["job"]["exit_code"] == 0


async def test_run_keeps_the_output_of_the_command_alone_on_stdout() -> None:
    fake = FakeManager(pieces=(views.LogPiece("12.main.0", "out", b"42\n"),))
    status, out, err = await ended("run --cpus 2 --name n -- python3 -c 'print(6 * 7)' -v --name x", fake)
    assert (status, out) == (0, "42\n")
    assert err.endswith("job 12\n")
    assert fake.asked[0] == ("submit", SubmitOptions(name="n"))
    assert json.loads(fake.received.decode().partition("\n")[0].removeprefix("run: ")) == (
        "python3 -c 'print(6 * 7)' -v --name x"
    )


async def test_run_detached_prints_the_id() -> None:
    fake = FakeManager()
    assert (await ended("run --detach -- true", fake))[:2] == (0, "12\n")
    assert [verb for verb, _ in fake.asked] == ["submit"]


def test_a_command_becomes_a_file_that_says_the_same() -> None:
    wants = Wants(cpus=0.5, memory="4G", gpus=1, time="1h", image="a/b:c")
    text = spec_text(["echo", "a b", "it's\n: }#"], wants)
    assert text == (
        "run: \"echo 'a b' 'it'\\\"'\\\"'s\\n: }#'\"\n"
        'resources: {cpus: 0.5, memory: "4G", gpus: 1}\n'
        'timeout: "1h"\n'
        'image: "a/b:c"\n'
    )


async def test_cancel_by_filters_takes_only_ones_own() -> None:
    fake = FakeManager(job_list=(a_job(13), a_job(12)))
    status, out, _ = await ended("cancel --tag old --yes", fake)
    assert (status, out) == (0, "13 cancelled\n12 cancelled\n")
    assert fake.asked[1] == ("jobs", (JobFilter(user="ada", tag="old", unfinished=True), Page(1000)))


async def test_cancel_all_takes_everybodys() -> None:
    fake = FakeManager(job_list=(a_job(),))
    await ended("cancel --all --project lens --yes", fake)
    assert fake.asked[0] == ("jobs", (JobFilter(project="lens", unfinished=True), Page(1000)))


async def test_filters_without_yes_do_nothing_but_say_what_they_would() -> None:
    fake = FakeManager(job_list=(a_job(13), a_job(12)))
    status, _, err = await ended("cancel --tag old", fake)
    assert status == 2
    assert "jobs 13, 12" in err
    assert "cancel" not in {verb for verb, _ in fake.asked}


async def test_filters_that_select_more_than_a_list_holds_do_nothing() -> None:
    fake = FakeManager(job_list=(a_job(13),), next=12)
    assert (await ended("cancel --tag old --yes", fake))[0] == 2
    assert "cancel" not in {verb for verb, _ in fake.asked}


async def test_filters_that_select_nothing_are_fine() -> None:
    status, out, err = await ended("cancel --tag old --yes", FakeManager())
    assert (status, out, err) == (0, "", "no jobs are like that\n")


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFoundError, 3), (DeniedError, 4), (ConflictError, 5), (UnavailableError, 6), (ToviError, 1)],
)
async def test_an_error_is_three_lines_and_a_status(error: type[ToviError], status: int) -> None:
    fake = FakeManager(error=error("what", why="why", hint="hint"))
    assert await ended("queue", fake) == (status, "", f"{error.code}: what\n  why:  why\n  hint: hint\n")


async def test_an_error_with_json_is_a_document_on_stdout() -> None:
    fake = FakeManager(error=NotFoundError("there is no 12", hint="look"))
    status, out, err = await ended("show 12 --json", fake)
    assert (status, err) == (3, "")
    assert json.loads(out) == {
        "schema": "tovi.error/1",
        "code": "not-found",
        "what": "there is no 12",
        "why": None,
        "hint": "look",
        "exit_status": 3,
    }


async def test_json_of_a_command_that_is_run_is_not_ours() -> None:
    fake = FakeManager(error=DeniedError("you may not"))
    _, out, err = await ended("run -- prog --json --help", fake)
    assert out == ""
    assert err.startswith("denied:")


async def test_a_key_of_two_lines_is_refused() -> None:
    fake = FakeManager()
    assert (await ended("keys add", fake, typed=(b"ssh-ed25519 A\nssh-ed25519 B\n",)))[0] == 2
    assert fake.asked == []


async def test_a_key_without_end_is_not_read_to_its_end() -> None:
    status, _, err = await ended("keys add", FakeManager(), typed=(b"x" * 10_000,) * 100)
    assert status == 2
    assert "too long" in err

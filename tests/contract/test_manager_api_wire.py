"""ManagerAPI gives the same answers over a stream of JSON lines as directly."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.fakes_manager import NOW, FakeManager, a_job, an_event
from tovi_server.api import LogOptions, ManagerAPI, SubmitOptions
from tovi_server.api_client import RemoteManager, remote_manager
from tovi_server.api_wire import WINDOW, Answer, Body, BodyEnd, Call, Failed, Hello, Lines, encode
from tovi_server.core import errors, views
from tovi_server.core.access import Role
from tovi_server.core.closing import closed_after
from tovi_server.core.errors import ToviError, UnavailableError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference
from tovi_server.core.states import TaskState
from tovi_server.receivers.api_channel import serve_api

JOB = Reference(JobId(12), "train", 3)
OPTIONS = SubmitOptions(project="lens", params={"lr": "0.1"}, tags=("a", "b"), key="once")


@asynccontextmanager
async def remote(fake: ManagerAPI) -> AsyncIterator[ManagerAPI]:
    """A RemoteManager on one end of a socket, `serve_api` on the other."""
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=there)
    serving = asyncio.create_task(serve_api(fake, reader, writer))
    my_reader, my_writer = await asyncio.open_connection(sock=here)
    try:
        async with remote_manager(my_reader, my_writer) as api:
            yield api
    finally:
        my_writer.close()
        await serving
        writer.close()


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


VERBS: dict[str, Callable[[ManagerAPI], object]] = {
    "me": lambda api: api.me(),
    "server": lambda api: api.server(),
    "submit": lambda api: api.submit(OPTIONS, pieces(b"run: ", b"true")),
    "check": lambda api: api.check(OPTIONS, pieces(b"run: true")),
    "jobs": lambda api: api.jobs(JobFilter(states=(TaskState.RUNNING,), since=NOW), Page(5, JobId(9))),
    "show": lambda api: api.show(JOB, where={"lr": "0.1"}, files=True, limit=3),
    "why": lambda api: api.why(JOB),
    "logs": lambda api: api.logs(JOB, LogOptions(follow=True, tail=5, since=NOW)),
    "wait": lambda api: api.wait((JOB,), timeout=timedelta(minutes=90), any=True),
    "cancel": lambda api: api.cancel((JOB, Reference(JobId(13)))),
    "hold": lambda api: api.hold((JOB,)),
    "release": lambda api: api.release((JOB,)),
    "rerun": lambda api: api.rerun(JobId(12), failed=True, params={"lr": "1"}, key="k"),
    "events": lambda api: api.events(JOB, follow=False, after=7),
    "metrics": lambda api: api.metrics(JOB),
    "outputs": lambda api: api.outputs(JOB),
    "compile": lambda api: api.compile(pieces(b"run: true")),
    "datasets": lambda api: api.datasets(project=None),
    "dataset": lambda api: api.dataset("scans", project="lens"),
    "projects": lambda api: api.projects(),
    "project": lambda api: api.project("lens"),
    "create_project": lambda api: api.create_project("lens", note="x"),
    "use_project": lambda api: api.use_project("lens"),
    "set_member": lambda api: api.set_member("lens", "bob", Role.VIEWER),
    "remove_member": lambda api: api.remove_member("lens", "bob"),
    "set_project": lambda api: api.set_project("lens", note=None, archived=True),
    "nodes": lambda api: api.nodes(),
    "queues": lambda api: api.queues(),
    "keys": lambda api: api.keys(),
    "add_key": lambda api: api.add_key("ssh-ed25519 AAAA"),
    "remove_key": lambda api: api.remove_key("SHA256:abc"),
    "log_part": lambda api: api.log_part(JOB, stream="out", attempt=None, start=-3, length=9),
    "search_log": lambda api: api.search_log(JOB, stream="err", attempt=2, text="error", start=0),
    "annotate": lambda api: api.annotate(JobId(12), note="ü", tags=("paper",)),
    "news": lambda api: _first(api.news()),
    "list_files": lambda api: api.list_files("datasets", after="a/", limit=7),
    "read_file": lambda api: api.read_file("datasets/scans/a.nii", start=3, length=9),
    "remove_file": lambda api: api.remove_file("datasets/scans"),
    "rename_file": lambda api: api.rename_file("datasets/scans", to="datasets/old"),
    "preferences": lambda api: api.preferences(),
    "prefer": lambda api: api.prefer({"theme": "light"}),
    "users": lambda api: api.users(),
    "add_user": lambda api: api.add_user("bob", key="ssh-ed25519 AAAA", admin=False),
    "set_user": lambda api: api.set_user("bob", disabled=True, admin=None),
    "add_user_key": lambda api: api.add_user_key("bob", key="ssh-ed25519 AAAA"),
    "remove_user_key": lambda api: api.remove_user_key("bob", fingerprint="SHA256:abc"),
}


async def _first(stream: AsyncIterator[views.News]) -> views.News:
    async with closed_after(stream):
        return await anext(stream)


def a_manager() -> FakeManager:
    return FakeManager(
        job_list=(a_job(1), a_job(2, name="ü\u202e", ended_at=NOW)),
        next=1,
        pieces=(views.LogPiece("12.main.0", "out", b"\xff\x00 raw\n", NOW), views.LogPiece("12.main.0", "err", b"")),
        event_list=(an_event(1), an_event(2, data={"exit_code": 3, "cpu_s": 1.5, "node": None, "text": "12"})),
        metrics_rows=(views.MetricsRow("12.main.0", "succeeded", {"lr": "1e-2"}, {"loss": 0.5}),),
    )


async def outcome(answer: object) -> object:
    if isinstance(answer, AsyncIterable):
        return [item async for item in answer]
    assert inspect.isawaitable(answer)
    return await answer


def test_every_verb_of_the_door_is_compared() -> None:
    assert {name for name in vars(ManagerAPI) if not name.startswith("_")} == set(VERBS)


def test_the_remote_manager_takes_what_the_door_takes() -> None:
    for name in VERBS:
        assert inspect.signature(getattr(RemoteManager, name)) == inspect.signature(getattr(ManagerAPI, name)), name


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_gives_the_same_over_the_stream(verb: str) -> None:
    near, far = a_manager(), a_manager()
    async with remote(far) as api:
        assert await outcome(VERBS[verb](near)) == await outcome(VERBS[verb](api))
    assert near.asked == far.asked
    assert near.received == far.received


def every_error() -> list[type[ToviError]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ToviError)]
    assert len(found) > 10
    return found


@pytest.mark.parametrize("kind", every_error())
async def test_an_error_arrives_as_itself(kind: type[ToviError]) -> None:
    error = kind("what is wrong", why="because", hint="do this")
    async with remote(FakeManager(error=error)) as api:
        with pytest.raises(ToviError) as raised:
            await api.me()
    assert type(raised.value) is kind
    assert str(raised.value) == str(error)


async def test_a_number_that_is_none_survives() -> None:
    fake = FakeManager(
        metrics_rows=(views.MetricsRow("1.main.0", "failed", {}, {"a": float("nan"), "b": float("inf")}),)
    )
    async with remote(fake) as api:
        (row,) = await api.metrics(JOB)
    assert str(row.metrics["a"]) == "nan"
    assert row.metrics["b"] == float("inf")


async def test_many_calls_are_under_way_at_once() -> None:
    gate = asyncio.Event()

    class Slow(FakeManager):
        async def why(self, reference: Reference) -> views.Why:
            if reference.job < 30:
                await gate.wait()
            else:
                gate.set()
            return views.Why(str(reference), "queued", ())

    async with remote(Slow()) as api:
        answers = await asyncio.gather(*(api.why(Reference(JobId(number))) for number in range(1, 31)))
    assert [str(number) for number in range(1, 31)] == [answer.id for answer in answers]


async def test_a_stream_does_not_run_ahead_of_its_reader() -> None:
    given = 0

    class Endless(FakeManager):
        async def logs(self, reference: Reference, options: LogOptions) -> AsyncIterator[views.LogPiece]:
            nonlocal given
            while True:
                given += 1
                yield views.LogPiece("12.main.0", "out", b"line\n")

    async with remote(Endless()) as api:
        stream = api.logs(JOB, LogOptions(follow=True))
        for _ in range(3):
            await anext(stream)
        for _ in range(5):
            await api.me()
        assert given <= 3 + WINDOW + 1


async def test_closing_a_stream_early_closes_it_on_the_server() -> None:
    fake = FakeManager(event_list=(an_event(),), endless=True)
    async with remote(fake) as api:
        stream = api.events(None, follow=True)
        assert await anext(stream) == an_event()
        await stream.aclose()  # type: ignore[attr-defined]  # what `async for` leaves behind is a generator
        async with asyncio.timeout(5):
            while not fake.closed:
                await api.me()
    assert fake.closed == ["events"]


async def test_a_cancelled_call_is_cancelled_on_the_server() -> None:
    ended = asyncio.Event()

    class Stuck(FakeManager):
        async def wait(self, jobs: tuple[Reference, ...], *, timeout: timedelta | None, any: bool) -> views.Waited:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return self.waited

    async with remote(Stuck()) as api:
        waiting = asyncio.create_task(api.wait((JOB,), timeout=None, any=False))
        await api.me()
        waiting.cancel()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_a_large_body_arrives_whole_while_other_calls_go_on() -> None:
    fake = FakeManager()
    body = bytes(range(256)) * 8192
    async with remote(fake) as api:
        submitting = asyncio.create_task(api.submit(OPTIONS, pieces(body, b"", b"end")))
        assert (await api.me()).user == "ada"
        await submitting
    assert fake.received == body + b"end"


async def test_a_body_that_breaks_off_is_never_taken_for_a_whole_one() -> None:
    fake = FakeManager()

    async def broken() -> AsyncIterator[bytes]:
        yield b"run: "
        raise FileNotFoundError("gone")

    async with remote(fake) as api:
        with pytest.raises(FileNotFoundError, match="gone"):
            await api.submit(OPTIONS, broken())
        assert (await api.me()).user == "ada"


async def test_a_body_said_to_be_broken_is_answered_with_an_error() -> None:
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=there)
    client_reader, client = await asyncio.open_connection(sock=here)
    serving = asyncio.create_task(serve_api(FakeManager(), reader, writer))
    client.write(hello_and(encode(Call(1, "compile", {})), encode(Body(1, b"run")), encode(BodyEnd(1, whole=False))))
    lines = Lines(client_reader, longest=10_000)
    async with asyncio.timeout(5):
        while not isinstance(answer := await lines.next(), Answer | Failed):
            pass
    assert isinstance(answer, Failed)
    client.close()
    await serving
    writer.close()


async def test_a_refusal_before_the_body_was_read_arrives() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    async with remote(FakeManager(error=errors.DeniedError("you may not"))) as api:
        with pytest.raises(errors.DeniedError):
            await api.submit(OPTIONS, endless())


async def test_a_bug_of_the_server_ends_one_call_only() -> None:
    class Buggy(FakeManager):
        async def nodes(self) -> tuple[views.NodeView, ...]:
            raise ZeroDivisionError

    async with remote(Buggy()) as api:
        with pytest.raises(ToviError, match="the server failed"):
            await api.nodes()
        assert (await api.me()).user == "ada"


async def test_a_lost_connection_ends_calls_as_unavailable() -> None:
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=here)
    their_reader, their_writer = await asyncio.open_connection(sock=there)
    their_writer.write(encode(Hello(1)))
    async with remote_manager(reader, writer) as api:
        asking = asyncio.create_task(api.me())
        await their_reader.readline()
        their_writer.close()
        with pytest.raises(UnavailableError, match="lost"):
            await asking
        with pytest.raises(UnavailableError, match="lost"):
            await api.me()
    writer.close()


async def test_another_version_is_told_so() -> None:
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=here)
    _, their_writer = await asyncio.open_connection(sock=there)
    their_writer.write(encode(Hello(99)))
    with pytest.raises(ToviError, match="version 99"):
        async with remote_manager(reader, writer):
            pass
    writer.close()
    their_writer.close()


def hello_and(*lines: bytes) -> bytes:
    return encode(Hello(1)) + b"".join(lines)


CALL_ME = encode(Call(1, "me", {}))


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\n",
        encode(Hello(99)),
        hello_and(b"\xff\xfe\n"),
        hello_and(encode(Call(1, "__init__", {}))),
        hello_and(encode(Call(1, "_secret", {}))),
        hello_and(encode(Call(1, "asked", {}))),
        hello_and(encode(Call(1, "me", {"surprise": 1}))),
        hello_and(encode(Call(1, "show", {"reference": {"job": "x"}}))),
        hello_and(CALL_ME.replace(b"1", b"[1]")),
        hello_and(b"x" * 2_000_000),
    ],
)
async def test_a_client_that_breaks_the_protocol_is_hung_up_on(sent: bytes) -> None:
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=there)
    _, client = await asyncio.open_connection(sock=here)
    serving = asyncio.create_task(serve_api(FakeManager(), reader, writer))
    client.write(sent)
    async with asyncio.timeout(5):
        await serving
    writer.close()
    client.close()


async def test_a_line_cut_by_the_end_of_the_stream_is_not_acted_on() -> None:
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=there)
    _, client = await asyncio.open_connection(sock=here)
    fake = FakeManager()
    client.write(hello_and(CALL_ME.rstrip(b"\n")))
    client.write_eof()
    async with asyncio.timeout(5):
        await serve_api(fake, reader, writer)
    assert fake.asked == []
    writer.close()
    client.close()


async def test_the_end_of_the_stream_cancels_what_is_under_way() -> None:
    fake = FakeManager(endless=True)
    async with remote(fake) as api:
        stream = api.events(None, follow=True)
        reading = asyncio.ensure_future(anext(stream))
        await api.me()
        reading.cancel()
    assert fake.closed == ["events"]

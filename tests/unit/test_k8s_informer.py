"""What is kept of a kind of objects, whatever its watch tells, and however that breaks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from k8s import informer
from k8s.errors import ApiError
from k8s.informer import Informer, Kind

Json = dict[str, Any]
Step = Json | ApiError | asyncio.Event | None

LONG = timedelta(hours=1)


def thing(name: str, version: int, **more: Any) -> Json:
    return {"metadata": {"namespace": "n", "name": name, "resourceVersion": str(version)}, **more}


def page(*things: Json, version: int, token: str = "") -> Json:
    return {"items": list(things), "metadata": {"resourceVersion": str(version), "continue": token}}


def event(kind: str, name: str, version: int, **more: Any) -> Json:
    return {"type": kind, "object": thing(name, version, **more)}


def bookmark(version: int) -> Json:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}


def error_event(code: int) -> Json:
    return {"type": "ERROR", "object": {"kind": "Status", "code": code, "reason": "Expired", "message": "too old"}}


def failed(status: int | None = None) -> ApiError:
    return ApiError("watch things", status=status)


class Server:
    """Lists and watches as they were written down; nothing more happens after them."""

    def __init__(self, lists: list[Json | ApiError], *watches: list[Step]) -> None:
        self.asked: list[tuple[str, str]] = []
        """`list` with the token, `watch` with the version to go on from."""
        self.closed = 0
        self._lists, self._watches = deque(lists), deque(watches)

    async def get(self, path: str, asked: str, **query: str) -> Json:
        self.asked.append(("list", query.get("continue", "")))
        answer = await self._next(self._lists)
        if isinstance(answer, ApiError):
            raise answer
        return answer

    async def watch(self, path: str, asked: str, *, seconds: int, resourceVersion: str) -> AsyncGenerator[Json, None]:  # noqa: N803  # its word
        self.asked.append(("watch", resourceVersion))
        try:
            for step in await self._next(self._watches):
                if isinstance(step, ApiError):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif step is not None:
                    yield step
        finally:
            self.closed += 1

    async def _next(self, things: deque[Any]) -> Any:
        if not things:
            await asyncio.Event().wait()
        return things.popleft()


class Seen:
    """What an informer told, and a way to wait until it has something."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int | None]] = []
        """Keys with the version that was there before."""

    def take(self, key: str, before: int | None) -> None:
        self.told.append((key, before))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0)


def version_of(raw: Json) -> int | None:
    if raw.get("odd"):
        raise KeyError("spec")
    return None if raw.get("dull") else int(raw["metadata"]["resourceVersion"])


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informer, "_FIRST_PAUSE_S", 0.0)


@asynccontextmanager
async def informed(server: Server, *, relist: timedelta = LONG) -> AsyncIterator[tuple[Informer[int], Seen]]:
    """An informer of things, read as their versions."""
    seen = Seen()
    kind = Kind("/things", "things", version_of)
    watched: Informer[int] = Informer(server, kind, changed=seen.take, relist_interval=relist)  # type: ignore[arg-type]  # a fake
    task = asyncio.create_task(watched.run())
    try:
        async with asyncio.timeout(10):
            yield watched, seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_listed_is_there_and_told_page_by_page() -> None:
    server = Server([page(thing("a", 3), version=9, token="more"), page(thing("b", 5), version=9)])
    async with informed(server) as (watched, seen):
        await watched.synced.wait()

        assert watched.items == {"n/a": 3, "n/b": 5}
        assert seen.told == [("n/a", None), ("n/b", None)]
        await seen.until(lambda: len(server.asked) == 3)
        assert server.asked == [("list", ""), ("list", "more"), ("watch", "9")]


async def test_what_has_no_namespace_is_known_by_its_name() -> None:
    node = {"metadata": {"name": "node1", "resourceVersion": "2"}}
    async with informed(Server([page(node, version=2)])) as (watched, _):
        await watched.synced.wait()

        assert watched.items == {"node1": 2}


async def test_events_add_change_and_remove() -> None:
    events = [event("ADDED", "b", 10), event("MODIFIED", "a", 11), event("DELETED", "b", 12)]
    async with informed(Server([page(thing("a", 3), version=9)], [*events])) as (watched, seen):
        await seen.until(lambda: len(seen.told) == 4)

        assert watched.items == {"n/a": 11}
        assert seen.told == [("n/a", None), ("n/b", None), ("n/a", 3), ("n/b", 10)]


async def test_doubled_and_late_events_change_nothing() -> None:
    events = [
        *(event("MODIFIED", "a", 11), event("MODIFIED", "a", 11), event("MODIFIED", "a", 10)),
        *(event("DELETED", "a", 12), event("MODIFIED", "a", 11), event("DELETED", "a", 12), event("ADDED", "c", 13)),
    ]
    async with informed(Server([page(thing("a", 3), version=9)], [*events])) as (watched, seen):
        await seen.until(lambda: "n/c" in watched.items)

        assert watched.items == {"n/c": 13}
        assert seen.told == [("n/a", None), ("n/a", 3), ("n/a", 11), ("n/c", None)]


async def test_a_name_that_was_removed_can_come_again() -> None:
    events = [event("DELETED", "a", 10), event("ADDED", "a", 11)]
    async with informed(Server([page(thing("a", 3), version=9)], [*events])) as (watched, seen):
        await seen.until(lambda: len(seen.told) == 3)

        assert watched.items == {"n/a": 11}


async def test_the_removal_of_what_was_never_seen_is_not_told() -> None:
    events = [event("DELETED", "x", 10), event("ADDED", "a", 11)]
    async with informed(Server([page(version=9)], [*events])) as (_, seen):
        await seen.until(lambda: len(seen.told) == 1)

        assert seen.told == [("n/a", None)]


async def test_what_becomes_of_no_interest_is_gone_and_told_with_what_was_there() -> None:
    events = [event("MODIFIED", "a", 10, dull=True)]
    async with informed(Server([page(thing("a", 3), version=9)], [*events])) as (watched, seen):
        await seen.until(lambda: len(seen.told) == 2)

        assert (watched.items, seen.told[-1]) == ({}, ("n/a", 3))


async def test_one_thing_that_cannot_be_read_does_not_stop_the_others() -> None:
    events = [event("MODIFIED", "a", 10, odd=True), event("ADDED", "c", 11)]
    server = Server([page(thing("a", 3), thing("b", 4, odd=True), version=9)], [*events])
    async with informed(server) as (watched, seen):
        await seen.until(lambda: "n/c" in watched.items)

        assert (watched.items, watched.trouble) == ({"n/c": 11}, None)


async def test_a_watch_that_ends_goes_on_from_the_last_it_told() -> None:
    server = Server([page(version=9)], [event("ADDED", "a", 12)], [event("ADDED", "b", 15)])
    async with informed(server) as (_, seen):
        await seen.until(lambda: len(server.asked) == 4)

        assert server.asked == [("list", ""), ("watch", "9"), ("watch", "12"), ("watch", "15")]


async def test_a_bookmark_moves_on_the_version_to_go_on_from_and_nothing_else() -> None:
    server = Server([page(thing("a", 3), version=9)], [bookmark(40), bookmark(38)])
    async with informed(server) as (watched, seen):
        await seen.until(lambda: len(server.asked) == 3)

        assert server.asked[-1] == ("watch", "40")
        assert (watched.items, seen.told) == ({"n/a": 3}, [("n/a", None)])


@pytest.mark.parametrize("status", [None, 500, 503, 401, 429])
async def test_an_interrupted_watch_goes_on_from_where_it_was_without_a_list(status: int | None) -> None:
    server = Server([page(version=9)], [event("ADDED", "a", 12), failed(status)], [event("ADDED", "b", 13)])
    async with informed(server) as (watched, seen):
        await seen.until(lambda: "n/b" in watched.items)

        assert server.asked[:3] == [("list", ""), ("watch", "9"), ("watch", "12")]


@pytest.mark.parametrize("gone", [failed(410), error_event(410)], ids=["as a status", "as an event"])
async def test_a_version_that_is_too_old_is_listed_anew_and_what_was_missed_is_told(gone: Step) -> None:
    server = Server(
        [page(thing("a", 3), thing("b", 4), version=9), page(thing("b", 20), thing("c", 21), version=30)],
        [gone],
        [event("ADDED", "d", 31)],
    )
    async with informed(server) as (watched, seen):
        await seen.until(lambda: "n/d" in watched.items)

        assert watched.items == {"n/b": 20, "n/c": 21, "n/d": 31}
        assert seen.told == [("n/a", None), ("n/b", None), ("n/a", 3), ("n/b", 4), ("n/c", None), ("n/d", None)]
        assert server.asked[:4] == [("list", ""), ("watch", "9"), ("list", ""), ("watch", "30")]


async def test_another_error_told_as_an_event_is_trouble_and_not_a_reason_to_list() -> None:
    server = Server([page(version=9)], [error_event(500)])
    async with informed(server) as (watched, seen):
        await seen.until(lambda: watched.trouble is not None)

        assert watched.trouble is not None
        assert (watched.trouble.status, watched.trouble.message) == (500, "too old")
        assert ("list", "") not in server.asked[1:]


async def test_everything_is_listed_anew_after_a_time_whatever_the_watch_told() -> None:
    server = Server([page(thing("a", 3), version=9), page(thing("b", 4), version=10)])
    async with informed(server, relist=timedelta(0)) as (watched, seen):
        await seen.until(lambda: "n/b" in watched.items)

        assert watched.items == {"n/b": 4}
        assert seen.told == [("n/a", None), ("n/a", 3), ("n/b", None)]


async def test_a_list_that_fails_is_tried_again_and_nothing_counts_as_seen_before() -> None:
    again = asyncio.Event()
    server = Server([failed(), failed(503)], [again])
    async with informed(server) as (watched, seen):
        await seen.until(lambda: len(server.asked) == 3)

        assert not watched.synced.is_set()
        assert watched.trouble is not None
        assert watched.trouble.status == 503


async def test_a_list_that_expires_between_its_pages_begins_again() -> None:
    server = Server([page(thing("a", 3), version=9, token="old"), failed(410), page(thing("b", 4), version=12)])
    async with informed(server) as (watched, _):
        await watched.synced.wait()

        assert watched.items == {"n/b": 4}
        assert [asked for asked in server.asked if asked[0] == "list"] == [("list", ""), ("list", "old"), ("list", "")]


async def test_trouble_is_over_as_soon_as_anything_is_heard_again() -> None:
    go_on, never = asyncio.Event(), asyncio.Event()
    server = Server([page(version=9)], [failed()], [go_on, bookmark(10), never])
    async with informed(server) as (watched, seen):
        await seen.until(lambda: len(server.asked) == 3)
        assert watched.trouble is not None

        go_on.set()
        await seen.until(lambda: watched.trouble is None)
        assert len(server.asked) == 3, "by the same watch"


async def test_a_watch_that_is_given_up_is_closed_at_once() -> None:
    server = Server([page(version=9)], [error_event(500), event("ADDED", "a", 10)], [asyncio.Event()])
    async with informed(server) as (_, seen):
        await seen.until(lambda: len(server.asked) == 3)
        assert server.closed == 1

    assert server.closed == 2, "the second one too, when nobody wants to know any more"


async def test_pauses_grow_while_nothing_is_heard_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            pauses.append(seconds)
        await real_sleep(0)

    monkeypatch.setattr(informer, "_FIRST_PAUSE_S", 1.0)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    server = Server([*[failed()] * 6, page(version=9)], [failed()])
    async with informed(server) as (watched, _):
        await watched.synced.wait()
        while len(server.asked) < 9:
            await real_sleep(0)

    assert pauses == [1, 2, 4, 8, 10, 10, 1, 1]


changes = some.lists(
    some.tuples(some.sampled_from(["ADDED", "MODIFIED", "DELETED"]), some.sampled_from("abc")), min_size=1, max_size=12
)


@given(changes, some.randoms(use_true_random=False))
def test_whatever_is_doubled_late_or_in_a_wrong_order_the_newest_of_each_thing_counts(
    history: list[tuple[str, str]], chance: Any
) -> None:
    events = [event(kind, name, version) for version, (kind, name) in enumerate(history, start=10)]
    told = events + chance.choices(events, k=4)
    chance.shuffle(told)
    newest = {one["object"]["metadata"]["name"]: one for one in events}
    expected = {
        f"n/{name}": int(one["object"]["metadata"]["resourceVersion"])
        for name, one in newest.items()
        if one["type"] != "DELETED"
    }

    assert asyncio.run(after(told)) == expected


async def after(told: list[Json]) -> dict[str, int]:
    server = Server([page(version=9)], [*told], [asyncio.Event()])
    async with informed(server) as (watched, seen):
        await seen.until(lambda: len(server.asked) == 3)
        return dict(watched.items)

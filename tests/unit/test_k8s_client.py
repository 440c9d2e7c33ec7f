"""Requests to the API server: what is sent again and when, against a server that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from k8s.client import Client, open_client
from k8s.errors import ApiError, QuotaError, RefusedError, from_answer
from k8s.settings import Access

NOW = "1"
"""The shortest pause that is asked for: a second."""


@dataclass
class Server:
    """Answers each request with the next of its answers, then with 200 for ever."""

    kubeconfig: Path
    answers: list[int] = field(default_factory=list)
    token: str = "first"
    statuses: list[int] = field(default_factory=list)
    beside: list[int] = field(default_factory=list)
    """With each answer: how many requests were under way just then."""
    _under_way: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        self._under_way += 1
        await asyncio.sleep(0.02)  # for those that come at the same time
        status = self._status(request)
        self.statuses.append(status)
        self.beside.append(self._under_way)
        self._under_way -= 1
        return web.json_response({"message": f"it is {status}"}, status=status, headers={"Retry-After": NOW})

    def _status(self, request: web.Request) -> int:
        if request.headers["Authorization"] != f"Bearer {self.token}":
            return 401
        return self.answers.pop(0) if self.answers else 200

    def write_kubeconfig(self, port: int, token: str) -> None:
        named = {"name": "it"}
        config = {
            "current-context": "it",
            "clusters": [named | {"cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [named | {"user": {"token": token}}],
            "contexts": [named | {"context": {"cluster": "it", "user": "it"}}],
        }
        self.kubeconfig.write_text(yaml.safe_dump(config))


Rotate = Callable[[], None]


@asynccontextmanager
async def asked(folder: Path, *answers: int) -> AsyncIterator[tuple[Server, Client, Rotate]]:
    """With a way to have the server know another token than the client read at first."""
    server = Server(folder / "kubeconfig", [*answers])
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    server.write_kubeconfig(port, server.token)

    def rotate() -> None:
        server.token = "second"
        server.write_kubeconfig(port, server.token)

    try:
        async with open_client(Access(server.kubeconfig, None, requests=8)) as client:
            yield server, client, rotate
    finally:
        await runner.cleanup()


async def ask(client: Client, times: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(times):
            group.create_task(client.get("/x", "get x"))


async def test_whoever_was_asked_to_wait_comes_back_alone_until_requests_are_taken_again(tmp_path: Path) -> None:
    async with asked(tmp_path, *[429] * 6) as (server, client, _):
        await ask(client, 5)
    assert server.statuses == [*[429] * 6, *[200] * 5]
    assert server.beside[5:7] == [1, 1]


async def test_a_watch_that_is_asked_to_wait_holds_back_itself_and_all_others(tmp_path: Path) -> None:
    async with asked(tmp_path, 429) as (server, client, _):
        with pytest.raises(ApiError, match="429"):
            await events_of(client)
        for next_one in (events_of(client), client.get("/x", "get x")):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await next_one
        assert server.statuses == [429]


async def test_a_request_is_given_up_after_some_tries(tmp_path: Path) -> None:
    async with asked(tmp_path, *[429] * 4) as (server, client, _):
        with pytest.raises(ApiError, match="429"):
            await client.get("/x", "get x")
    assert server.statuses == [429] * 4


async def test_a_request_with_an_old_token_is_sent_again_with_the_new_one(tmp_path: Path) -> None:
    async with asked(tmp_path) as (server, client, rotate):
        rotate()
        await client.get("/x", "get x")
    assert server.statuses == [401, 200]


async def test_a_watch_with_an_old_token_has_the_new_one_next_time(tmp_path: Path) -> None:
    async with asked(tmp_path) as (server, client, rotate):
        rotate()
        with pytest.raises(ApiError, match="401"):
            await events_of(client)
        await events_of(client)
    assert server.statuses == [401, 200]


@pytest.mark.parametrize("half", ["users: [a\n", "", 'current-context: "it', "clusters: 1\n"])
async def test_a_kubeconfig_that_is_half_written_is_read_again_with_the_next_refusal(tmp_path: Path, half: str) -> None:
    async with asked(tmp_path) as (server, client, rotate):
        rotate()
        whole = server.kubeconfig.read_text()
        server.kubeconfig.write_text(half)
        with pytest.raises(ApiError, match="401"):
            await client.get("/x", "get x")

        server.kubeconfig.write_text(whole)
        await client.get("/x", "get x")


@pytest.mark.parametrize("status", [409, 500, 504])
async def test_what_may_have_been_acted_on_is_not_sent_again(tmp_path: Path, status: int) -> None:
    async with asked(tmp_path, status) as (server, client, _):
        with pytest.raises(ApiError):
            await client.create("/x", "create x", {})
    assert server.statuses == [status]


@pytest.mark.parametrize(
    "message",
    [
        'pods "x" is forbidden: exceeded quota: tasks, requested: pods=1, used: pods=10, limited: pods=10',
        'pods "x" is forbidden: status unknown for quota: tasks, resources: pods',
    ],
)
def test_a_quota_that_is_used_up_or_not_counted_yet_is_waited_for(message: str) -> None:
    assert isinstance(from_answer("create pods", 403, "Forbidden", message), QuotaError)


def test_a_quota_that_asks_for_what_pods_do_not_say_is_no_use_to_wait_for() -> None:
    message = 'pods "x" is forbidden: failed quota: tasks: must specify requests.example.com/thing for: task'
    assert isinstance(from_answer("create pods", 403, "Forbidden", message), RefusedError)


async def events_of(client: Client) -> Sequence[object]:
    async with aclosing(client.watch("/x", "watch x", seconds=1)) as events:
        return [event async for event in events]

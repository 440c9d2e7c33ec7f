"""The proxy that makes faults for other tests: each is what it says, in front of the real API server."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from k8s.client import open_client
from k8s.settings import Access
from tests import kube
from tests.cluster.bare_pod import bare_pod
from tests.cluster.quota import no_room_for_pods
from tests.fault_proxy import answers, events, faults
from tests.fault_proxy.exchange import Answer
from tests.fault_proxy.faults import Fault
from tests.fault_proxy.proxy import FaultProxy, fault_proxy
from tests.fault_proxy.requests import Request
from tests.pods import Place
from tests.raw_api import cut, open_session

DEADLINE_S = 30
BROKEN = (aiohttp.ClientError, ConnectionError)


@pytest.fixture
def proxy(place: Place) -> Iterator[FaultProxy]:
    with fault_proxy(place.kubeconfig) as proxy:
        yield proxy


@dataclass(frozen=True)
class Asked:
    status: int
    body: Any


@dataclass(frozen=True)
class Api:
    """Pods of the place's namespace, that nobody runs."""

    session: aiohttp.ClientSession
    pods: str

    async def create(self, name: str) -> Asked:
        return await self._ask("POST", self.pods, json=bare_pod(name))

    async def get(self, name: str) -> Asked:
        return await self._ask("GET", f"{self.pods}/{name}")

    async def exists(self, name: str) -> bool:
        return (await self.get(name)).status == 200

    @asynccontextmanager
    async def watch(self, **query: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """Types of events and their objects, from now on."""
        version = (await self._ask("GET", self.pods)).body["metadata"]["resourceVersion"]
        asked = {"watch": "true", "resourceVersion": version} | query
        async with asyncio.timeout(DEADLINE_S), self.session.get(self.pods, params=asked) as response:
            assert response.status == 200, await response.text()
            try:
                yield ((it["type"], it["object"]) async for line in response.content for it in [json.loads(line)])
            finally:
                cut(response)

    async def _ask(self, method: str, path: str, **more: Any) -> Asked:
        async with asyncio.timeout(DEADLINE_S), self.session.request(method, path, **more) as response:
            return Asked(response.status, await response.json())


@asynccontextmanager
async def api(kubeconfig: Path, place: Place) -> AsyncIterator[Api]:
    async with open_session(kubeconfig) as session:
        yield Api(session, f"/api/v1/namespaces/{place.namespace}/pods")


@pytest.fixture
async def through(proxy: FaultProxy, place: Place) -> AsyncIterator[Api]:
    async with api(proxy.kubeconfig, place) as found:
        yield found


@pytest.fixture
async def direct(place: Place) -> AsyncIterator[Api]:
    async with api(place.kubeconfig, place) as found:
        yield found


@pytest.fixture
def name() -> str:
    return f"p{secrets.token_hex(4)}"


async def test_what_is_not_meant_passes_as_it_is(through: Api, direct: Api, name: str) -> None:
    created = await through.create(name)
    assert created.status == 201
    assert await through.get(name) == await direct.get(name)


def test_other_programs_can_use_it(proxy: FaultProxy, place: Place) -> None:
    config = f"--kubeconfig={proxy.kubeconfig}"
    assert kube.read("get", "pods", config, "-n", place.namespace)["kind"] == "List"
    assert [(one.verb, one.what) for one in proxy.requests(what="pods")] == [("list", "pods")]


async def test_requests_are_known_by_what_they_ask(proxy: FaultProxy, through: Api, place: Place, name: str) -> None:
    await through.create(name)
    await through.get(name)
    seen = [(one.verb, one.what, one.namespace) for one in proxy.requests(name=name)]
    assert seen == [("create", "pods", place.namespace), ("get", "pods", place.namespace)]
    assert [one.at_s for one in proxy.requests()] == sorted(one.at_s for one in proxy.requests())


async def test_a_fault_happens_as_often_as_it_was_programmed_and_only_to_what_matches(
    proxy: FaultProxy, through: Api, name: str
) -> None:
    failed = proxy.program(faults.refused(answers.internal_error()), verb="create", what="pods", times=2)
    statuses = [(await through.get(name)).status, *[(await through.create(name)).status for _ in range(3)]]
    assert statuses == [404, 500, 500, 201]
    assert [(one.verb, one.name) for one in failed.happened] == [("create", name)] * 2


async def test_faults_happen_in_the_order_in_which_they_were_programmed(
    proxy: FaultProxy, through: Api, name: str
) -> None:
    proxy.program(faults.passed, verb="get")
    proxy.program(faults.refused(answers.timed_out()), verb="get")
    proxy.program(faults.refused(answers.internal_error()), verb="get", times=None)
    statuses = [(await through.get(name)).status for _ in range(4)]
    proxy.forget()
    assert [*statuses, (await through.get(name)).status] == [404, 504, 500, 500, 404]


@pytest.mark.parametrize(
    "refusal",
    [
        answers.too_many(3),
        answers.unauthorized(),
        answers.internal_error(),
        answers.timed_out(),
        answers.conflict,
        answers.over_quota,
    ],
)
async def test_what_is_refused_has_no_effect(
    proxy: FaultProxy, through: Api, direct: Api, name: str, refusal: Answer
) -> None:
    proxy.program(faults.refused(refusal), verb="create")
    refused = await through.create(name)
    assert (refused.status, refused.body["kind"], refused.body["status"]) == (refused.body["code"], "Status", "Failure")
    assert not await direct.exists(name)


async def test_too_many_requests_are_told_how_long_to_wait(proxy: FaultProxy, through: Api) -> None:
    proxy.program(faults.refused(answers.too_many(7)))
    async with through.session.get(through.pods) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")


async def test_words_of_refusals_are_those_of_the_real_one(direct: Api, place: Place, name: str) -> None:
    """Tovi decides by them what happened."""
    asked = Request(0, "POST", direct.pods, {}, json.dumps(bare_pod(name)).encode())
    await direct.create(name)
    assert told(await direct.create(name)) == told_by(answers.conflict(asked))

    async with direct.session.get(direct.pods, headers={"Authorization": "Bearer wrong"}) as response:
        assert told(Asked(response.status, await response.json())) == told_by(answers.unauthorized())


async def test_words_of_a_quota_are_those_of_the_real_one(direct: Api, place: Place, name: str) -> None:
    with no_room_for_pods(place.namespace):
        refused = await direct.create(name)
    ours = answers.over_quota(Request(0, "POST", direct.pods, {}, json.dumps(bare_pod(name)).encode()))
    assert [without_numbers(it) for it in told(refused)] == [without_numbers(it) for it in told_by(ours)]


def without_numbers(told: object) -> str:
    return re.sub(r"=\d+", "=n", str(told))


def told(asked: Asked) -> tuple[int, str, str]:
    assert asked.status == asked.body["code"]
    return asked.status, asked.body["reason"], asked.body["message"]


def told_by(answer: Answer) -> tuple[int, str, str]:
    return told(Asked(answer.status, json.loads(answer.body)))


@pytest.mark.parametrize(
    ("fault", "has_effect"),
    [(faults.reset, False), (faults.reset_after_effect, True), (faults.reset_in_answer, True)],
)
async def test_a_connection_is_reset_before_the_effect_or_after_it(
    proxy: FaultProxy, through: Api, direct: Api, name: str, fault: Fault, has_effect: bool
) -> None:
    proxy.program(fault, verb="create")
    with pytest.raises(BROKEN):
        await through.create(name)
    assert await direct.exists(name) is has_effect


async def test_of_an_answer_that_is_cut_the_first_half_arrives(proxy: FaultProxy, through: Api, name: str) -> None:
    await through.create(name)
    proxy.program(faults.reset_in_answer, verb="get")
    async with through.session.get(f"{through.pods}/{name}") as response:
        length = response.content_length
        arrived = await response.content.readexactly((length or 0) // 2)
        with pytest.raises(BROKEN):
            await response.content.readany()
    assert arrived.startswith(b'{"kind":"Pod"')


async def test_what_has_its_effect_can_be_answered_as_if_it_had_failed(
    proxy: FaultProxy, through: Api, direct: Api, name: str
) -> None:
    proxy.program(faults.answered_after_effect(answers.timed_out()), verb="create")
    assert (await through.create(name)).status == 504
    assert await direct.exists(name)


@pytest.mark.parametrize(("fault", "has_effect"), [(faults.silence, False), (faults.silence_after_effect, True)])
async def test_who_is_not_answered_waits_until_it_gives_up(
    proxy: FaultProxy, through: Api, direct: Api, name: str, fault: Fault, has_effect: bool
) -> None:
    silent = proxy.program(fault, verb="create")
    async with direct.watch() as happening:
        asking = asyncio.create_task(through.create(name))
        await asyncio.to_thread(proxy.wait_for, silent)
        if has_effect:
            assert (await anext(happening))[1]["metadata"]["name"] == name
        assert not asking.done()
        asking.cancel()
    assert await direct.exists(name) is has_effect


async def test_a_slow_answer_is_overtaken_by_others(proxy: FaultProxy, through: Api, name: str) -> None:
    proxy.program(faults.slow(3), verb="create")
    slow = asyncio.create_task(through.create(name))
    await asyncio.to_thread(proxy.wait_for_requests, 1, verb="create")
    assert (await through.get(name)).status == 404
    assert (await slow).status == 201


async def test_while_it_is_away_connections_are_refused_and_open_ones_are_reset(
    proxy: FaultProxy, through: Api, name: str
) -> None:
    async with through.watch() as happening:
        with proxy.away():
            with pytest.raises(BROKEN):
                await anext(happening)
            with pytest.raises(aiohttp.ClientConnectorError):
                await through.get(name)
        assert (await through.get(name)).status == 404


async def test_while_it_is_paused_nothing_has_effect_and_nothing_is_told(
    proxy: FaultProxy, through: Api, direct: Api, name: str
) -> None:
    async with through.watch() as happening, direct.watch() as really:
        with proxy.paused():
            asking = asyncio.create_task(through.create(name))
            hearing = asyncio.ensure_future(anext(happening))
            await asyncio.to_thread(proxy.wait_for_requests, 1, verb="create")
            await direct.create(f"{name}-2")
            assert (await anext(really))[1]["metadata"]["name"] == f"{name}-2"
            assert not await direct.exists(name)
            assert not {task.done() for task in (asking, hearing)} - {False}
        assert (await asking).status == 201
        assert (await hearing)[1]["metadata"]["name"] == f"{name}-2"


async def test_connections_can_be_cut_while_it_goes_on(proxy: FaultProxy, through: Api, name: str) -> None:
    async with through.watch() as happening:
        proxy.cut()
        with pytest.raises(BROKEN):
            await anext(happening)
    assert (await through.get(name)).status == 404


async def test_after_the_token_was_rotated_the_old_one_is_refused_and_the_kubeconfig_has_the_new_one(
    proxy: FaultProxy, through: Api, place: Place, name: str
) -> None:
    assert (await through.get(name)).status == 404
    proxy.rotate_token()
    assert (await through.get(name)).status == 401
    async with api(proxy.kubeconfig, place) as anew:
        assert (await anew.get(name)).status == 404


async def test_a_client_of_tovi_goes_on_with_the_rotated_token(proxy: FaultProxy, place: Place) -> None:
    async with open_client(Access(proxy.kubeconfig, None, requests=1)) as client:
        proxy.rotate_token()
        assert (await client.get(f"/api/v1/namespaces/{place.namespace}/pods", "list pods"))["kind"] == "PodList"


TRULY = [("ADDED", "1"), ("ADDED", "2"), ("ADDED", "3"), ("ADDED", "4")]


async def changes(through: Api, direct: Api, name: str, *, count: int) -> list[tuple[str, str]]:
    """What a watch tells first, of four pods that are created in turn."""
    heard: list[tuple[str, str]] = []
    async with through.watch() as happening:
        for number in range(1, 5):
            await direct.create(f"{name}-{number}")
        while len(heard) < count:
            kind, found = await anext(happening)
            heard.append((kind, found["metadata"].get("name", "").removeprefix(f"{name}-")))
    return heard


async def test_a_watch_passes_as_it_is(through: Api, direct: Api, name: str) -> None:
    assert await changes(through, direct, name, count=4) == TRULY


async def test_a_watch_can_tell_everything_twice(proxy: FaultProxy, through: Api, direct: Api, name: str) -> None:
    proxy.program(faults.told(events.doubled), verb="watch")
    assert await changes(through, direct, name, count=8) == [event for event in TRULY for _ in range(2)]


async def test_a_watch_can_tell_things_in_another_order(
    proxy: FaultProxy, through: Api, direct: Api, name: str
) -> None:
    proxy.program(faults.told(events.reordered(seed=1, within_s=1)), verb="watch")
    heard = await changes(through, direct, name, count=4)
    assert heard != TRULY
    assert sorted(heard) == sorted(TRULY)


async def test_a_watch_can_tell_versions_alone(proxy: FaultProxy, through: Api, direct: Api, name: str) -> None:
    proxy.program(faults.told(events.only_bookmarks), verb="watch")
    assert await changes(through, direct, name, count=4) == [("BOOKMARK", "")] * 4


async def test_a_watch_can_end_in_an_error(proxy: FaultProxy, through: Api, direct: Api, name: str) -> None:
    proxy.program(faults.told(events.error_after(1)), verb="watch")
    async with through.watch() as happening:
        await direct.create(name)
        heard = [event async for event in happening]
    assert [kind for kind, _ in heard] == ["ADDED", "ERROR"]
    assert heard[-1][1]["code"] == 410


async def test_a_watch_can_be_cut_within_an_event(proxy: FaultProxy, through: Api, direct: Api, name: str) -> None:
    proxy.program(faults.told(events.cut_after(1)), verb="watch")
    async with through.watch() as happening:
        await direct.create(f"{name}-1")
        assert (await anext(happening))[0] == "ADDED"
        await direct.create(f"{name}-2")
        with pytest.raises((*BROKEN, ValueError)):
            await anext(happening)


async def test_a_watch_can_be_refused_as_too_old(proxy: FaultProxy, through: Api) -> None:
    proxy.program(faults.watch_is_too_old, verb="watch")
    async with through.session.get(through.pods, params={"watch": "true", "resourceVersion": "1"}) as response:
        assert (response.status, (await response.json())["reason"]) == (410, "Expired")

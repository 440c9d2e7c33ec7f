"""Parts of the cluster itself die, or stand still, and come back: every job comes to its end, and nothing is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import pytest

from tests import kube
from tests.cluster.faults.ground import PodGround
from tests.cluster.faults.people import People, eventually, some_people
from tests.fault_proxy import answers
from tests.integration.faults.program import Kind
from tests.live import Live
from tests.pod_scan import await_clean
from tests.pods import Place
from tests.raw_api import cut, open_session

SHORT: Final = Kind(lines=1)
SLOW: Final = Kind(lines=20, pause="0.5")
AWAY_S: Final = 10
PAUSE_S: Final = 25
"""Longer than a node may be silent, so that they all seem lost."""
CLEAN_S: Final = 90


@pytest.fixture(scope="module", autouse=True)
def ours() -> None:
    if not kube.is_shared_cluster():
        pytest.skip("only parts of ../shared/cluster can be killed")


@pytest.fixture(scope="module")
def live(place: Place) -> Iterator[Live]:
    with place.server('grace = "2s"\n') as server:
        yield server


@contextmanager
def killed(part: str) -> Iterator[None]:
    kube.cluster("kill", part)
    try:
        yield
    finally:
        kube.cluster("start", part)


@contextmanager
def paused(part: str) -> Iterator[None]:
    kube.cluster("pause", part)
    try:
        yield
    finally:
        kube.cluster("resume", part)


@asynccontextmanager
async def people_at_work(live: Live, place: Place, name: str) -> AsyncIterator[People]:
    people = some_people(live, PodGround(live.data), name)
    async with people.at_work():
        await people.running(await people.submit(SLOW))
        yield people
    await people.judge()
    people.assert_ends()
    await asyncio.to_thread(await_clean, live, place.namespace, deadline_s=CLEAN_S)
    assert "Traceback" not in live.log


async def test_jobs_go_on_when_the_api_server_is_back(live: Live, place: Place) -> None:
    async with people_at_work(live, place, "killed") as people:
        with killed("apiserver"):
            job = await people.submit(SHORT)
            await eventually(lambda: "the cluster did not answer" in people.why(job))


async def test_jobs_go_on_when_the_api_server_has_its_etcd_back(live: Live, place: Place) -> None:
    async with people_at_work(live, place, "etcd") as people:
        with killed("etcd"):
            await people.submit(SHORT)
            await asyncio.sleep(AWAY_S)  # this is the fault


async def test_jobs_go_on_when_the_api_server_stood_still(live: Live, place: Place) -> None:
    async with people_at_work(live, place, "paused") as people:
        with paused("apiserver"):
            await people.submit(SHORT)
            await asyncio.sleep(PAUSE_S)  # this is the fault


async def test_a_restarted_api_server_calls_old_versions_too_old_in_the_words_of_the_fault_proxy(place: Place) -> None:
    """A young one has them all still. Tovi lists again because of these words."""
    with killed("apiserver"):
        pass
    pods = f"/api/v1/namespaces/{place.namespace}/pods?watch=true&resourceVersion=1"
    async with asyncio.timeout(CLEAN_S), open_session(place.kubeconfig) as session, session.get(pods) as response:
        told = json.loads(await response.content.readline())
        cut(response)

    status = json.loads(answers.gone().body)
    assert (told["type"], told["object"]["code"], told["object"]["reason"]) == ("ERROR", 410, status["reason"])

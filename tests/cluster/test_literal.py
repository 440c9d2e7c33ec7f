"""What people wrote arrives in a real pod as they wrote it, whatever Kubernetes could make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from scheduler.ports import Mount, Order
from tests.contract.machines import Pods, pods_of
from tests.local_house import following
from tests.pods import Place
from tovi_server.core.events import Exited
from tovi_server.core.reasons import EndReason


@pytest.fixture(scope="module")
def pods(place: Place) -> Iterator[Pods]:
    with pods_of(place) as pods:
        yield pods


async def succeeded(pods: Pods, order: Order) -> str:
    """What it printed."""
    async with pods.open() as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited), end
    assert end.reason is EndReason.OK, (end, (order.control / "stderr.log").read_text())
    return (order.control / "stdout.log").read_text()


VALUES = ("$(HOSTNAME)", "$$(HOSTNAME)", "${HOSTNAME}", "$", "$$$(USER)$$", "`id`", "a\nb", "'\"", "")


async def test_values_are_not_read_as_anything_else_and_the_path_stays_the_images(pods: Pods) -> None:
    given = {f"TOVI_V{number}": value for number, value in enumerate(VALUES)} | {"PATH": "/of/the/server"}
    printed = " ".join(f'"${name}"' for name in given)
    order = pods.house.order(f"printf '%s|' {printed}", environment=given)

    *values, path, nothing = (await succeeded(pods, order)).split("|")
    assert tuple(values) == VALUES
    assert ("/of/the/server" in path, nothing) == (False, "")


async def test_a_dataset_is_there_whatever_it_is_called(pods: Pods) -> None:
    names = ["a b", "$(HOSTNAME)", "$$", "日本", "-rf", "a'\"\\\\", "%s", "a..b", "x" * 255]
    order = pods.house.order('cat "$TOVI_DATA"/*/word')
    datasets = pods.house.base / "datasets"
    for name in names:
        (datasets / name).mkdir(parents=True)
        (datasets / name / "word").write_text(f"{name}\n")
    mounts = (*order.mounts, *(Mount(datasets / name) for name in names))
    environment = {**order.environment, "TOVI_DATA": str(datasets)}

    assert set((await succeeded(pods, replace(order, mounts=mounts, environment=environment))).splitlines()) == set(
        names
    )


async def test_what_is_only_read_cannot_be_written(pods: Pods) -> None:
    order = pods.house.order('touch "$TOVI_DATA/new" && exit 1; echo refused', environment={})
    folder = pods.house.base / "frozen"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    environment = {**order.environment, "TOVI_DATA": str(folder)}

    assert (
        await succeeded(pods, replace(order, mounts=(*order.mounts, Mount(folder)), environment=environment))
        == "refused\n"
    )

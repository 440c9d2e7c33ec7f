"""The API server itself, where PodSecurity *restricted* is enforced, takes every pod that Tovi could make."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, Final

import pytest

from k8s.manifests import Manifest
from k8s.settings import Access
from tests import random_orders
from tests.pods import Place

PODS: Final = int(os.environ.get("TOVI_TEST_DRY_RUNS", "2000"))
"""`make soak` asks for 10,000."""
AT_ONCE: Final = 32


async def test_every_pod_that_tovi_could_make_is_taken(place: Place) -> None:
    from k8s.client import open_client  # importing its library takes long

    chance = Random(4)
    bodies = (random_orders.case(chance, namespace=place.namespace).manifest() for _ in range(PODS))
    async with open_client(Access(place.kubeconfig, None, requests=AT_ONCE)) as client, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(_try_all(client, place.namespace, bodies))


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("python", "Always"),
        ("python:latest", "Always"),
        ("python:3.12", "IfNotPresent"),
        (f"python@sha256:{'0a' * 32}", "IfNotPresent"),
        (f"ghcr.io/a/b:1@sha256:{'0a' * 32}", "IfNotPresent"),
    ],
)
async def test_an_image_stays_as_it_was_written_and_only_the_newest_is_asked_for_each_time(
    place: Place, image: str, policy: str
) -> None:
    from k8s.client import open_client

    body = replace(random_orders.case(Random(1), namespace=place.namespace), image=image).manifest()
    async with open_client(Access(place.kubeconfig, None, requests=1)) as client:
        taken = await client.create(f"/api/v1/namespaces/{place.namespace}/pods", "try a pod", body, dryRun="All")

    container = taken["spec"]["containers"][0]
    assert (container["image"], container["imagePullPolicy"]) == (image, policy)


async def _try_all(client: Any, namespace: str, bodies: Iterator[Manifest]) -> None:
    for body in bodies:
        taken = await client.create(f"/api/v1/namespaces/{namespace}/pods", "try pods", body, dryRun="All")
        assert taken["metadata"]["name"] == body["metadata"]["name"]

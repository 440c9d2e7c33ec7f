"""Tokens that end: a real API server refuses the old one, and the new one is read where it stands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.client import Client, open_client
from k8s.errors import ApiError
from k8s.settings import Access
from tests import kube
from tests.cluster.test_rights import DEADLINE_S, SMALL, ends, submit
from tests.pods import Place


@pytest.fixture
def own(place: Place) -> Iterator[Place]:
    """The account is made anew in each test, and others of the module need theirs."""
    yield place
    kube.write_kubeconfig(place.namespace, new_token(place))


def new_token(place: Place) -> str:
    return kube.kubectl("create", "token", kube.ACCOUNT, "-n", place.namespace, "--duration=10m").strip()


def end_tokens(place: Place) -> None:
    """All that were given out: the account that they speak for is no more, but another of its name."""
    kube.kubectl("delete", "serviceaccount", kube.ACCOUNT, "-n", place.namespace)
    kube.kubectl("create", "serviceaccount", kube.ACCOUNT, "-n", place.namespace)


def by_token_file(place: Place, file: Path) -> Path:
    """A kubeconfig that says where the token is."""
    config: Any = yaml.safe_load(place.kubeconfig.read_text())
    config["users"][0]["user"] = {"tokenFile": str(file)}
    kubeconfig = file.with_name("kubeconfig")
    kubeconfig.write_text(yaml.safe_dump(config))
    return kubeconfig


async def ask(client: Client, place: Place) -> None:
    await client.get(f"/api/v1/namespaces/{place.namespace}/pods", "list pods")


async def is_refused(client: Client, place: Place) -> None:
    """Until it is: for some seconds the API server remembers whom it has let in."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            await ask(client, place)
        except ApiError as error:
            if error.status == 401:
                return
            raise
        assert time.monotonic() < deadline, "the old token is taken all the time"
        await asyncio.sleep(0.2)


async def test_a_token_that_is_replaced_in_the_kubeconfig_is_taken(own: Place) -> None:
    async with open_client(Access(own.kubeconfig, None, requests=2)) as client:
        end_tokens(own)
        await is_refused(client, own)

        kube.write_kubeconfig(own.namespace, new_token(own))

        await ask(client, own)


async def test_a_token_that_is_replaced_in_its_file_is_taken(own: Place, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(new_token(own))
    async with open_client(Access(by_token_file(own, file), None, requests=2)) as client:
        await ask(client, own)
        end_tokens(own)
        await is_refused(client, own)

        file.write_text(new_token(own))

        await ask(client, own)


def test_a_server_goes_on_with_the_new_token(own: Place) -> None:
    with own.server() as live:
        job = submit(live, f"run: sleep 5\n{SMALL}")
        end_tokens(own)
        kube.write_kubeconfig(own.namespace, new_token(own))
        later = submit(live, f"run: true\n{SMALL}")

        assert (ends(live, job), ends(live, later)) == ("succeeded", "succeeded")

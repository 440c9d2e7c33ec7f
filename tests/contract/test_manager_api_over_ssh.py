"""ManagerAPI gives the same answers through the real `ssh` and a receiver as directly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.contract.test_manager_api_wire import VERBS, a_manager, outcome
from tests.ssh_edge import serving, started
from tovi_server.api import ManagerAPI
from tovi_server.api_client import remote_manager
from tovi_server.receivers.api_channel import serve_api
from tovi_server.receivers.doors import Doors, Pipes

pytestmark = pytest.mark.openssh


async def test_every_verb_gives_the_same_over_ssh(tmp_path: Path) -> None:
    near, far = a_manager(), a_manager()

    async def door(api: ManagerAPI, pipes: Pipes, words: Sequence[str]) -> int:
        await serve_api(far, pipes.stdin, pipes.stdout)
        return 0

    async with (
        serving(tmp_path, doors=Doors(api=door)) as server,
        started(server.ssh("tovi-api", options=["-s"])) as ssh,
    ):
        assert ssh.stdin is not None
        assert ssh.stdout is not None
        async with remote_manager(ssh.stdout, ssh.stdin) as api:
            for name, verb in VERBS.items():
                assert await outcome(verb(near)) == await outcome(verb(api)), name
        ssh.stdin.close()
        assert await ssh.wait() == 0
    assert near.asked == far.asked

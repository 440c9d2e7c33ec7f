"""A server whose tasks are pods, and which goes away for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.live import Live
from tests.pods import Place
from tests.waiting import eventually

TEXT: Final = b"""\
data: {flags: datasets/flags}
resources: {cpus: 0.2, memory: 64Mi, disk: 100Mi}
run: until [ -e "$TOVI_DATA/flags/go" ]; do sleep 0.1; done; echo over
"""


@pytest.fixture
def live(place: Place) -> Iterator[Live]:
    with place.server() as server:
        yield server


def test_a_job_goes_on_while_no_server_runs_and_is_known_afterwards(live: Live, tmp_path: Path) -> None:
    (tmp_path / "flags").mkdir()
    live.scp("-qr", str(tmp_path / "flags"), "tovi:datasets/flags")
    live.ssh("submit", stdin=TEXT)
    eventually(lambda: live.json("show", "1")["state"] == "running")

    live.kill()
    (live.data / "projects/ada/datasets/flags/go").touch()
    live.start()

    assert live.ssh("wait", "1").code == 0
    assert live.ssh("logs", "1").out == b"over\n"
    assert live.json("show", "1.main.0")["attempt"] == 1

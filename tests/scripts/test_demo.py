"""The demo shows the product and ends by itself, leaving nothing; or goes on, and says how to stop it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes

DEMO = Path(__file__).parents[2] / "examples" / "demo" / "run.sh"
DEADLINE_S = 180
IN_ORDER = (
    "$ tovi-server init --data data --admin demo --key key.pub\n",
    "$ tovi-server serve --data data --listen 127.0.0.1:0 &\ntovi: listening on 127.0.0.1:",
    "$ scp -qr datasets/digits tovi:datasets/digits",
    "$ tar c tovi.yaml *.py | ssh tovi submit -\n1\n",
    "$ ssh tovi queue\nJOB  NAME    USER  PROJECT  STATE",
    "$ ssh tovi logs -f 1.train.0 | grep loss\n",
    "epoch 1/15  loss 0.5531\n",
    "$ ssh tovi wait 1\n",
    "$ ssh tovi metrics 1.train\nTASK       STATE      epochs  seed  lr    decay  accuracy  loss",
    "$ scp -qr tovi:jobs/1 results",
    "best: lr 0.3, decay 0.8: 95.3% of 360 unseen images right",
)


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the demo makes its temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="tovi-demo-"))
    folder.chmod(0o755)
    yield folder
    processes.end(processes.mentioning(folder))
    shutil.rmtree(folder)


def run(place: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "KEEP"}
    return subprocess.run(
        [DEMO],
        env={**environment, "TMPDIR": str(place), **more},
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def is_clean(place: Path) -> bool:
    return list(place.iterdir()) == [] and processes.mentioning(place) == set()


def test_the_demo_goes_from_an_upload_to_a_result_and_leaves_nothing(place: Path) -> None:
    ended = run(place)

    assert ended.returncode == 0, ended.stdout
    assert re.search(".*".join(map(re.escape, IN_ORDER)), ended.stdout, re.DOTALL), ended.stdout
    assert is_clean(place)


def test_the_demo_goes_on_when_asked_and_says_how_to_stop_it(place: Path) -> None:
    ended = run(place, KEEP="1")
    told = dict(line.removeprefix("# ").split(" with:  ") for line in ended.stdout.splitlines() if " with:  " in line)

    assert ended.returncode == 0, ended.stdout
    assert (
        subprocess.run(f"{told['The server goes on. Open its screens']} queue", shell=True, check=False).returncode == 0
    )
    assert subprocess.run(told["Stop it and remove all of it"], shell=True, check=False).returncode == 0
    assert is_clean(place)


def test_the_demo_stops_at_a_step_that_fails_and_leaves_nothing(place: Path, tmp_path: Path) -> None:
    broken = tmp_path / "scp"
    broken.write_text("#!/bin/sh\nexit 7\n")
    broken.chmod(0o755)

    ended = run(place, PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert ended.returncode == 1
    assert "demo: this ended with exit code 7: scp -qr datasets/digits tovi:datasets/digits" in ended.stdout
    assert "submit" not in ended.stdout
    assert is_clean(place)

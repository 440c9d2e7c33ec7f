"""What becomes of a part that the nursery forked."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from pathlib import Path
from tovi_server.app import forking, run_part
from tovi_server.app.start import Kind, Start
from tovi_server.settings import Settings

def run(start, sockets):
    raise ZeroDivisionError("a bug")

run_part.run = run
forking._be_a_part(Start(kind=Kind.RECEIVER, data=Path("/nowhere"), settings=Settings()), [])
"""


def test_a_bug_that_ends_a_part_is_in_the_log() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert "ZeroDivisionError: a bug" in ended.stderr

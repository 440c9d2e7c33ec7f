"""Every example is a job file that this version understands, and is listed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tovi_server.core.script_pipeline import compile_pipeline
from tovi_server.core.spec_reader import read_spec

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/tovi.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_compiles_to_shell_without_a_notice(name: str) -> None:
    spec = read_spec((EXAMPLES / name / "tovi.yaml").read_text())

    assert spec.notices == ()
    subprocess.run(["sh", "-n"], input=compile_pipeline(spec).encode(), check=True)


def test_the_overview_lists_every_example() -> None:
    overview = (EXAMPLES / "README.md").read_text()

    assert NAMES
    assert [name for name in NAMES if f"({name})" not in overview] == []

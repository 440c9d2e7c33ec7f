"""A real `sh` and real folders, as an executor gives them to a task's script."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tovi_server.core.expand import cell
from tovi_server.core.script import render
from tovi_server.core.spec import StageSpec


@dataclass(frozen=True)
class Ran:
    """How a script ended, and what it left."""

    code: int
    stdout: str
    stderr: str
    folders: Path

    @property
    def outputs(self) -> dict[str, str]:
        out = self.folders / "out"
        return {str(path.relative_to(out)): path.read_text() for path in sorted(out.rglob("*")) if path.is_file()}

    @property
    def ended(self) -> str:
        hint = self.folders / "scratch" / "ended"
        return hint.read_text().strip() if hint.exists() else ""


def environment(folders: Path, *, code: Path | None = None, env: Path | None = None) -> dict[str, str]:
    """All the variables that an executor sets, with folders beneath `folders`; the output folder is made."""
    (folders / "out").mkdir(parents=True, exist_ok=True)
    (folders / "scratch").mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "TOVI_JOB": "12",
        "TOVI_STAGE": "main",
        "TOVI_TASK": "12.main.0",
        "TOVI_ATTEMPT": "1",
        "TOVI_NODE_RANK": "0",
        "TOVI_NODES": "1",
        "TOVI_MASTER_ADDR": "127.0.0.1",
        "TOVI_GPUS": "0",
        "TOVI_LOCAL": "",
        "TOVI_CODE": str(code) if code else "",
        "TOVI_DATA": str(folders / "data"),
        "TOVI_IN": str(folders / "in"),
        "TOVI_OUT": str(folders / "out"),
        "TOVI_SCRATCH": str(folders / "scratch"),
        "TOVI_ENV": str(env or folders / "env"),
    }


def start(
    stage: StageSpec, variables: Mapping[str, str], *, index: int = 0, shell: str = "sh"
) -> subprocess.Popen[bytes]:
    """Start the script of one task in a process group of its own."""
    return subprocess.Popen(
        [shell, "-c", render(stage, cell(stage, index))],
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[bytes], folders: Path) -> Ran:
    """Wait for a script to end."""
    stdout, stderr = process.communicate(timeout=60)
    return Ran(process.returncode, stdout.decode(), stderr.decode(), folders)


def run(stage: StageSpec, folders: Path, *, index: int = 0, code: Path | None = None, env: Path | None = None) -> Ran:
    """Run the script of one task to its end."""
    return finish(start(stage, environment(folders, code=code, env=env), index=index), folders)

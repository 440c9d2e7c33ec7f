"""The parts of a machine that some tests need: how to tell whether one is there, and how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from scheduler.local import cgroups
from tests import kube

OPENSSH = ("ssh", "scp", "sftp", "ssh-keygen")


@dataclass(frozen=True)
class Part:
    """`missing` says what is not there, and is empty when all is."""

    missing: Callable[[], str]
    get: str


def openssh() -> str:
    return ", ".join(program for program in OPENSSH if shutil.which(program) is None)


def postgres_programs() -> Path | None:
    """The folder of the newest installed PostgreSQL's programs; Debian keeps them off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    anywhere = shutil.which("initdb")
    return None if anywhere is None else Path(anywhere).resolve().parent


def postgres() -> str:
    return "initdb" if postgres_programs() is None else ""


def root() -> str:
    return "" if os.geteuid() == 0 else "root"


@cache
def mount() -> str:
    """Root alone does not say it: containers often may not mount."""
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
        if tried.returncode:
            return "the right to mount"
        subprocess.run(["umount", "-l", folder], check=True)
    return ""


@cache
def cgroup() -> str:
    return "" if cgroups.find() else "a control group for memory that can be written"


def busybox() -> str:
    return "" if shutil.which("busybox") else "busybox"


PARTS: Mapping[str, Part] = {
    "busybox": Part(busybox, "apt-get install busybox-static"),
    "cgroup": Part(cgroup, "run the tests as root, where /sys/fs/cgroup can be written"),
    "cluster": Part(kube.missing, "../shared/cluster/cluster up --nodes 2, and set TOVI_TEST_KUBECONFIG as it says"),
    "mount": Part(mount, "run the tests as root, where mounting is allowed"),
    "openssh": Part(openssh, "apt-get install openssh-client"),
    "postgres": Part(postgres, "apt-get install postgresql"),
    "root": Part(root, "run the tests as root"),
}


def required() -> set[str]:
    """The parts without which the whole run is worth nothing."""
    return {name.strip() for name in os.environ.get("TOVI_TEST_REQUIRE", "").split(",")} - {""}


def need(name: str) -> None:
    """Leave the running test out where the part is missing; where it is required, fail it."""
    part = PARTS[name]
    if missing := part.missing():
        if name in required():
            pytest.fail(f"{name} is required, and not here: {missing}; {part.get}", pytrace=False)
        pytest.skip(f"{name} is not here: {missing}; {part.get}")

"""What this machine is said to have."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.local import LocalSettings, gpus, machine, open_local_executor
from scheduler.local.gpus import Gpu
from scheduler.ports import Owner
from tests.local_house import House, WallClock, following
from tovi_server.core.events import Exited
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import GIB, MIB, Resources

SMI = """#!/bin/sh
echo 'NVIDIA A100-SXM4-40GB, 40960'
echo 'NVIDIA A100-SXM4-40GB, 40536'
"""


def on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, text: str) -> None:
    program = folder / name
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_machine_has_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "find", lambda: ())
    capacity = machine.node(LocalSettings("here")).capacity
    assert capacity.cpu_millicores == 1000 * len(os.sched_getaffinity(0))
    assert capacity.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert capacity.disk_bytes > GIB
    assert capacity.gpus == 0


def test_what_is_set_beats_what_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on_path(monkeypatch, tmp_path, "nvidia-smi", SMI)
    settings = LocalSettings("here", cpus=3, memory_bytes=5 * GIB, disk_bytes=7 * GIB, gpus=0)
    assert machine.node(settings).capacity == Resources(3000, 5 * GIB, 7 * GIB)


def test_gpus_are_counted_with_their_model_and_the_memory_each_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_path(monkeypatch, tmp_path, "nvidia-smi", SMI)
    capacity = machine.node(LocalSettings("here")).capacity
    assert (capacity.gpus, capacity.gpu_memory_bytes) == (2, 40536 * MIB)
    assert Resources(gpus=1, gpu_models=("a100",)).fits(capacity)
    assert Resources(gpus=1, gpu_models=("nvidia a100-sxm4-40gb",)).fits(capacity)
    assert not Resources(gpus=1, gpu_models=("h100",)).fits(capacity)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("NVIDIA A100-SXM4-40GB", ("nvidia a100-sxm4-40gb", "a100")),
        ("NVIDIA H100 80GB HBM3", ("nvidia h100 80gb hbm3", "h100")),
        ("Tesla V100-SXM2-16GB", ("tesla v100-sxm2-16gb", "v100")),
        ("NVIDIA GeForce RTX 3090", ("nvidia geforce rtx 3090", "rtx3090")),
        ("NVIDIA RTX A6000", ("nvidia rtx a6000", "a6000")),
        ("NVIDIA L4", ("nvidia l4", "l4")),
        ("Something", ("something",)),
    ],
)
def test_a_model_goes_by_its_full_name_and_the_one_people_use(name: str, names: tuple[str, ...]) -> None:
    assert Gpu(name.lower(), 0).names == names


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 9\n", "#!/bin/sh\necho No devices were found\n"])
def test_a_driver_that_does_not_answer_leaves_no_gpus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    on_path(monkeypatch, tmp_path, "nvidia-smi", text)
    assert gpus.find() == ()


async def test_without_the_program_that_leaves_root_nothing_is_started_as_root(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    order = House(tmp_path).order("echo ran")
    order = replace(order, owner=Owner(61001, 62001))
    async with open_local_executor(LocalSettings("here"), clock=WallClock()) as executor, following(executor) as heard:
        await executor.start(order)
        end = await heard.end(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.START_FAILED
    assert "setpriv" in end.message
    assert (order.control / "stdout.log").read_text() == ""


async def test_a_folder_that_is_gone_is_a_start_that_failed(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    shutil.rmtree(order.control)
    async with open_local_executor(LocalSettings("here"), clock=WallClock()) as executor, following(executor) as heard:
        await executor.start(order)
        end = await heard.end(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.START_FAILED
    assert "No such file" in end.message

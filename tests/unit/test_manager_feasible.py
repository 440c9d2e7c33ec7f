"""What can never run is refused at once, naming the value, the largest machine and a way out."""

from __future__ import annotations

import pytest

from scheduler.snapshot import Node
from tovi_server.core.errors import NeverFitsError
from tovi_server.core.resources import GIB, Resources
from tovi_server.core.spec import Spec, StageSpec
from tovi_server.manager.feasible import need_room

SMALL = Node("small", Resources(cpu_millicores=4000, memory_bytes=64 * GIB, disk_bytes=GIB))
LARGE = Node(
    "large", Resources(cpu_millicores=16000, memory_bytes=32 * GIB, disk_bytes=GIB, gpus=2, gpu_models=("a100",))
)


def _spec(request: Resources) -> Spec:
    return Spec(stages=(StageSpec(name="train", run="true", request=request),))


def test_what_fits_on_one_machine_is_accepted() -> None:
    need_room(_spec(Resources(cpu_millicores=16000, memory_bytes=GIB)), [SMALL, LARGE])


def test_while_no_machine_is_known_everything_is_accepted() -> None:
    need_room(_spec(Resources(gpus=1000)), [])


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Resources(cpu_millicores=32000), ("32 cpus", "large, has 16 cpus")),
        (Resources(memory_bytes=128 * GIB), ("128 GiB of memory", "small, has 64 GiB of memory")),
        (Resources(gpus=4), ("4 GPUs", "large, has 2 GPUs")),
        (Resources(gpus=1, gpu_models=("h100",)), ("h100", "large, has a100")),
        (Resources(cpu_millicores=32000, memory_bytes=128 * GIB), ("32 cpus and 128 GiB of memory", "large, has 16")),
    ],
)
def test_the_error_names_what_was_asked_and_the_closest_machine(request_: Resources, says: tuple[str, str]) -> None:
    with pytest.raises(NeverFitsError) as refused:
        need_room(_spec(request_), [SMALL, LARGE])
    assert says[0] in refused.value.what
    assert says[1] in refused.value.why
    assert refused.value.hint


@pytest.mark.parametrize(
    ("request_", "hint"),
    [
        (Resources(gpus=1), "ask for no GPU; `nodes` lists the machines"),
        (Resources(gpus=1, cpu_millicores=8000), "ask for at most 4 cpus, and no GPU; `nodes` lists the machines"),
    ],
)
def test_where_there_are_no_gpus_none_is_offered(request_: Resources, hint: str) -> None:
    with pytest.raises(NeverFitsError) as refused:
        need_room(_spec(request_), [SMALL])
    assert "has no GPUs" in refused.value.why or "and no GPUs" in refused.value.why
    assert hint == refused.value.hint


def test_room_in_pieces_on_two_machines_is_no_room() -> None:
    with pytest.raises(NeverFitsError):
        need_room(_spec(Resources(cpu_millicores=16000, memory_bytes=64 * GIB)), [SMALL, LARGE])

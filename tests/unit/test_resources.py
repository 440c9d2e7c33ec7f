"""Amounts of resources: read, shown, compared, added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.errors import UsageError
from tovi_server.core.resources import (
    GIB,
    KIB,
    LARGEST_BYTES,
    MIB,
    TIB,
    Resources,
    format_bytes,
    format_cpus,
    parse_bytes,
)
from tovi_server.core.safe import safe_line

H100 = Resources(64_000, 512 * GIB, TIB, gpus=4, gpu_models=("h100",), gpu_memory_bytes=80 * GIB)
PLAIN = Resources(8000, 32 * GIB, 100 * GIB)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1K", KIB),
        ("512M", 512 * MIB),
        ("32G", 32 * GIB),
        ("32Gi", 32 * GIB),
        ("32GiB", 32 * GIB),
        ("32 GB", 32 * GIB),
        ("1.5T", 1536 * GIB),
        (" 2G ", 2 * GIB),
        ("0.000001M", 1),
        ("1048576T", LARGEST_BYTES),
    ],
)
def test_amounts_are_binary_whatever_the_unit_looks_like(text: str, amount: int) -> None:
    assert parse_bytes(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", "32", "G", "-1G", "1e3G", "1,5G", "32g", "1P", "1048577T", "0G", "0.0000001M", "32\nG", "٣G", "9" * 20 + "K"],
)
def test_what_is_no_amount_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_bytes(text)
    assert safe_line(text) in raised.value.what


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (KIB, "1 KiB"),
        (1536 * MIB, "1.5 GiB"),
        (TIB - 1, "1 TiB"),
        (MIB - 100 * 1024, "924 KiB"),
        (-3 * GIB, "-3 GiB"),
        (LARGEST_BYTES, "1048576 TiB"),
    ],
)
def test_an_amount_is_shown_in_its_largest_unit(amount: int, text: str) -> None:
    assert format_bytes(amount) == text


@given(st.integers(0, LARGEST_BYTES))
def test_no_amount_is_shown_as_1024_of_a_unit_that_has_a_larger_one(amount: int) -> None:
    number, unit = format_bytes(amount).split()
    assert unit == "TiB" or float(number) < 1024


@pytest.mark.parametrize(
    ("millicores", "text"),
    [
        (0, "0"),
        (1, "0.001"),
        (500, "0.5"),
        (4000, "4"),
        (10_000, "10"),
        (1_000_000_000, "1000000"),
        (1_234_567, "1234.567"),
    ],
)
def test_cpus_are_shown_without_superfluous_digits(millicores: int, text: str) -> None:
    assert format_cpus(millicores) == text


@pytest.mark.parametrize(
    ("request_", "offered", "short"),
    [
        (Resources(), PLAIN, ()),
        (PLAIN, PLAIN, ()),
        (Resources(8001), PLAIN, ("cpus",)),
        (Resources(9000, 33 * GIB, 101 * GIB), PLAIN, ("cpus", "memory", "disk")),
        (Resources(gpus=1), PLAIN, ("gpus",)),
        (Resources(gpus=1), H100, ()),
        (Resources(gpus=1, gpu_models=("h100", "a100")), H100, ()),
        (Resources(gpus=1, gpu_models=("a100",)), H100, ("gpu",)),
        (Resources(gpus=5, gpu_models=("a100",)), H100, ("gpus", "gpu")),
        (Resources(gpus=1, gpu_memory_bytes=80 * GIB), H100, ()),
        (Resources(gpus=1, gpu_memory_bytes=81 * GIB), H100, ("gpu",)),
        (Resources(gpu_models=("a100",)), PLAIN, ()),
    ],
)
def test_a_request_falls_short_in_the_kinds_it_exceeds(
    request_: Resources, offered: Resources, short: tuple[str, ...]
) -> None:
    assert (request_.shortfalls(offered), request_.fits(offered)) == (short, not short)


def test_amounts_add_and_subtract_and_the_kind_stays_that_of_the_left() -> None:
    used = Resources(1000, GIB, GIB, gpus=1, gpu_models=("a100",), gpu_memory_bytes=GIB)
    free = H100 - used
    assert (free.cpu_millicores, free.memory_bytes, free.gpus) == (63_000, 511 * GIB, 3)
    assert (free.gpu_models, free.gpu_memory_bytes) == (("h100",), 80 * GIB)
    assert free + used == H100
    assert (PLAIN - H100).cpu_millicores == -56_000


def test_a_request_reads_as_a_person_would_say_it() -> None:
    assert str(Resources(500, 2 * GIB)) == "0.5 cpu, 2 GiB memory"
    assert str(H100) == "64 cpu, 512 GiB memory, 4 h100"
    assert str(Resources(1000, GIB, gpus=2)) == "1 cpu, 1 GiB memory, 2 gpu"


def test_what_has_less_than_nothing_has_nothing() -> None:
    over = Resources(cpu_millicores=-620, memory_bytes=5, gpus=-1)
    assert over.not_below_zero() == Resources(memory_bytes=5)

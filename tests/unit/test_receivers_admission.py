"""Who may try to log in, and what failing costs."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from tovi_server.receivers.admission import Admission, early_limit
from tovi_server.receivers.counter import LocalCounter
from tovi_server.receivers.settings import Limits
from tovi_server.receivers.sources import is_trusted, source_of

LUCKY, UNLUCKY = 0.999, 0.0


def admission(limits: Limits | None = None, *, dice: float = LUCKY) -> Admission:
    return Admission(LocalCounter(), limits or Limits(), dice=lambda: dice)


@pytest.mark.parametrize(
    ("held", "probability"),
    [
        pytest.param(9, 0.0, id="below a few nobody is displaced"),
        pytest.param(10, 0.3, id="at a few 30 per cent"),
        pytest.param(55, 0.65, id="half way half of the rest"),
        pytest.param(99, 0.992, id="just before the most nearly all"),
        pytest.param(100, 1.0, id="at the most all"),
    ],
)
def test_displacing_grows_from_few_to_most(held: int, probability: float) -> None:
    throws = 10_000
    displacing = sum(held >= early_limit(Limits(), throw / throws) for throw in range(throws))

    assert displacing / throws == pytest.approx(probability, abs=0.001)


async def test_one_source_gets_ten_tries_at_once_and_others_still_get_in() -> None:
    door = admission()
    entries = [await door.admit("192.0.2.1", 0.0) for _ in range(11)]

    assert [entry is not None for entry in entries] == [True] * 10 + [False]
    assert await door.admit("192.0.2.2", 0.0) is not None


async def test_an_unlucky_newcomer_displaces_the_oldest_stranger_of_ten() -> None:
    door = admission(dice=UNLUCKY)
    shown_out: list[int] = []
    for n in range(10):
        entry = await door.admit(f"192.0.2.{n}", float(n))
        assert entry is not None
        entry.displaced = lambda n=n: shown_out.append(n)

    assert await door.admit("192.0.2.10", 10.0) is not None
    assert shown_out == [0]


async def test_a_lucky_newcomer_displaces_nobody() -> None:
    door = admission(dice=LUCKY)
    for n in range(11):
        entry = await door.admit(f"192.0.2.{n}", float(n))
        assert entry is not None
        entry.displaced = pytest.fail


async def test_strangers_of_less_than_a_second_are_spared_until_there_are_too_many() -> None:
    door = admission(dice=UNLUCKY)
    shown_out: list[int] = []
    for n in range(102):
        entry = await door.admit(f"192.0.2.{n}", 0.0)
        assert entry is not None
        entry.displaced = lambda n=n: shown_out.append(n)

    assert shown_out == [0, 1]


async def test_who_can_displace_nobody_is_turned_away_when_all_places_are_taken() -> None:
    shared = LocalCounter()
    full, empty = (Admission(shared, Limits(), dice=lambda: LUCKY) for _ in range(2))
    for n in range(100):
        await full.admit(f"192.0.2.{n}", 0.0)

    assert await empty.admit("198.51.100.1", 0.0) is None


async def test_a_login_frees_its_place_and_is_not_held_against_anybody() -> None:
    door = admission()
    for _ in range(50):
        entry = await door.admit("192.0.2.1", 0.0)
        assert entry is not None
        entry.logged_in()
        entry.left(0.0)

    assert await door.admit("192.0.2.1", 0.0) is not None


async def test_ten_failures_shut_a_source_out_until_they_are_forgotten() -> None:
    door = admission()
    for n in range(10):
        entry = await door.admit("192.0.2.1", 0.0)
        assert entry is not None
        entry.left(float(n))
    assert await door.admit("192.0.2.1", 0.0) is None

    door.forget(59.0)
    assert await door.admit("192.0.2.1", 0.0) is None
    door.forget(60.0)
    assert await door.admit("192.0.2.1", 0.0) is not None


async def test_a_trusted_source_is_not_limited_by_itself() -> None:
    door = admission(Limits(trusted_sources=(ip_network("192.0.2.0/24"),)))
    for _ in range(50):
        entry = await door.admit("192.0.2.1", 0.0)
        assert entry is not None
        entry.left(0.0)

    assert await door.admit("192.0.2.1", 0.0) is not None


async def test_leaving_twice_counts_once() -> None:
    door = admission(Limits(failures_per_source=2))
    entry = await door.admit("192.0.2.1", 0.0)
    assert entry is not None
    entry.left(0.0)
    entry.left(0.0)

    assert await door.admit("192.0.2.1", 0.0) is not None


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "local"),
    ],
)
def test_a_source_is_an_address_or_a_64(host: str, source: str) -> None:
    assert source_of(host) == source


def test_a_mapped_address_is_trusted_as_what_it_is() -> None:
    assert is_trusted("::ffff:192.0.2.1", [ip_network("192.0.2.0/24")])
    assert not is_trusted("2001:db8::1", [ip_network("192.0.2.0/24")])

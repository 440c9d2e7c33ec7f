"""What probes are told, and that asking badly harms nobody."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest
from structlog.testing import capture_logs

from tovi_server.app import plain_http
from tovi_server.app.health import Health
from tovi_server.app.plain_http import Page
from tovi_server.app.start import Kind

DEADLINE_S = 20


@dataclass
class FakePart:
    kind: Kind
    is_serving: bool = True
    is_leading: bool = False
    restarts: int = 0


def receiver(**more: Any) -> FakePart:
    return FakePart(Kind.RECEIVER, **more)


def scheduler(**more: Any) -> FakePart:
    return FakePart(Kind.SCHEDULER, **more)


def health(*parts: FakePart, **held: int) -> Health:
    return Health(parts, lambda kind: held.get(kind, 0))


def figures(health: Health) -> dict[str, float]:
    lines = health.answer("/metrics").text.splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_a_parent_that_answers_lives_whatever_its_parts_do() -> None:
    assert health(receiver(is_serving=False)).answer("/live") == Page("live\n")


def test_it_is_ready_when_all_parts_serve_though_its_scheduler_stands_by() -> None:
    assert health(receiver(), receiver(), scheduler(is_leading=False)).answer("/ready") == Page("ready\n")


def test_while_a_part_is_away_it_is_not_ready_and_names_it() -> None:
    page = health(receiver(is_serving=False), receiver(), scheduler(is_serving=False)).answer("/ready")
    assert page == Page("not ready: receiver 1, scheduler 1\n", HTTPStatus.SERVICE_UNAVAILABLE)


def test_the_figures_tell_of_parts_restarts_connections_and_who_leads() -> None:
    parts = (receiver(restarts=2), receiver(is_serving=False, restarts=1), scheduler(is_leading=True))
    assert figures(health(*parts, user=3, stranger=1)) == {
        'tovi_parts{part="receiver"}': 2,
        'tovi_parts{part="scheduler"}': 1,
        'tovi_parts_serving{part="receiver"}': 1,
        'tovi_parts_serving{part="scheduler"}': 1,
        'tovi_part_restarts_total{part="receiver"}': 3,
        'tovi_part_restarts_total{part="scheduler"}': 0,
        'tovi_connections{state="logged in"}': 3,
        'tovi_connections{state="not logged in"}': 1,
        "tovi_leader": 1,
    }


def test_figures_of_parts_that_a_server_has_not_are_left_out() -> None:
    assert "tovi_leader" not in figures(health(receiver()))
    assert not [name for name in figures(health(scheduler())) if name.startswith("tovi_connections")]


def test_there_are_no_other_pages() -> None:
    assert health().answer("/").status == HTTPStatus.NOT_FOUND


def pages(path: str) -> Page:
    if path == "/bug":
        raise RuntimeError("planted")
    return Page(f"you asked for {path}\n")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    sock = socket.create_server(("127.0.0.1", 0))
    async with await plain_http.start(sock, pages):
        yield sock.getsockname()[1]


async def say(port: int, words: bytes) -> bytes:
    """All that is answered until the connection is closed."""
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(words)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


async def test_a_get_is_answered_by_its_path_alone(port: int) -> None:
    assert await say(port, b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n") == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\nConnection: close\r\n\r\n"
        b"you asked for /a\n"
    )


async def test_nothing_but_get_is_answered(port: int) -> None:
    assert (await say(port, b"POST / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")


async def test_a_bug_of_a_page_is_in_the_log_and_ends_nothing(port: int) -> None:
    with capture_logs() as logs:
        assert (await say(port, b"GET /bug HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 500 ")
    assert [entry["event"] for entry in logs] == ["probe_not_answered"]
    assert b" 200 " in await say(port, b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize("words", [b"x" * 100_000, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000 + b"\r\n"])
async def test_a_question_without_end_is_not_listened_to(port: int, words: bytes) -> None:
    assert await say(port, words) == b""


async def test_who_hangs_up_in_the_middle_is_forgotten(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /")
    writer.close()
    await writer.wait_closed()
    assert b" 200 " in await say(port, b"GET / HTTP/1.1\r\n\r\n")


async def test_beyond_so_many_at_once_newcomers_are_turned_away_until_others_left(port: int) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(64)]
    assert await say(port, b"GET / HTTP/1.1\r\n\r\n") == b""

    for _, writer in silent:
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(DEADLINE_S):
        while b" 200 " not in await say(port, b"GET / HTTP/1.1\r\n\r\n"):
            await asyncio.sleep(0.01)

"""The parent's side of a part whose nursery dies."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from tovi_server.app.nursery import Nursery
from tovi_server.app.part import Part
from tovi_server.app.start import Kind, Start
from tovi_server.settings import Settings

DEADLINE_S = 30
NURSERY = """\
import os, signal, socket, sys

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
parent = socket.socket(fileno=int(sys.argv[-1]))
while True:
    message, descriptors, _, _ = socket.recv_fds(parent, 65536, 8)
    if not message:
        break
    pid = os.fork()
    if pid == 0:
        parent.close()
        link = socket.socket(fileno=descriptors[0])
        link.send(b"ready\\n")
        link.recv(100)
        os._exit(0)
    for one in descriptors:
        os.close(one)
    try:
        os.mkdir(__file__ + ".died")
    except FileExistsError:
        parent.send(str(pid).encode())
    else:
        os._exit(1)
"""
"""Forks parts that end when they are told to, or their link ends. The first one dies right after its first fork."""


@pytest.fixture
def nursery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nursery:
    program = tmp_path / "nursery"
    program.write_text(f"#!{sys.executable}\n{NURSERY}")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return Nursery()


async def test_what_a_nursery_forked_before_it_died_finds_its_sockets_ended(nursery: Nursery, tmp_path: Path) -> None:
    equipped: list[socket.socket] = []

    async def equip() -> list[socket.socket]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        equipped.append(ours)
        return [theirs]

    part = Part(Start(kind=Kind.RECEIVER, data=tmp_path, settings=Settings()), nursery, equip)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        group.create_task(part.run())
        await part.ready.wait()
        assert await asyncio.get_running_loop().sock_recv(equipped[0], 1) == b""
        part.end()
    nursery.close()
    assert nursery._process is not None
    await nursery._process.wait()
    for sock in equipped:
        sock.close()
    assert len(equipped) == 2

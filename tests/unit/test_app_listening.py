"""Sockets that several processes accept from."""

from __future__ import annotations

import os

from tovi_server.app.listening import open_sockets


async def test_a_part_that_begins_does_not_make_the_others_wait_for_a_connection_that_it_took() -> None:
    (shared,) = await open_sockets(("127.0.0.1:0",))
    with shared, shared.dup():
        assert not os.get_blocking(shared.fileno())

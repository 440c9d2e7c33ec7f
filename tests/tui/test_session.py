"""What the server tells a session of its client."""

from __future__ import annotations

import asyncio
import json
import socket

from tests.tui.house import an_app, settled
from tests.tui.lab import Lab
from tovi_tui.session import _listen


async def test_the_client_is_behind_and_the_end_is_near() -> None:
    ours, theirs = socket.socketpair()
    app = await an_app(Lab())
    async with app.run_test() as pilot:
        await settled(pilot)
        listening = asyncio.create_task(_listen(theirs, app))
        ours.sendall(json.dumps({"behind": True}).encode() + b"\n" + json.dumps({"idle_left_s": 300}).encode() + b"\n")
        ours.sendall(b'{"something": "newer"}\n')
        ours.close()
        await listening
        assert app._is_behind  # private: there is no other sight of it
        (toast,) = app._notifications  # private: there is no public list
        assert "closes in 5 min" in toast.message
        assert "any key keeps it open" in toast.message

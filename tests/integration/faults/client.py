"""A person at the other end of an open SSH connection, who comes back whenever it breaks."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import asyncssh

from tests.live import ADMIN, Live
from tests.ssh_edge import Ended, run

ANSWER_S = 60
PAUSE_S = 0.05
UNAVAILABLE = 6
NO_ANSWER = 255
"""As ssh says it."""


@dataclass
class Client:
    """Asks one thing at a time, over a connection that stays open between them."""

    live: Live
    hangs: list[str] = field(default_factory=list)
    """Questions to which no answer came in time, though the connection stood."""
    _connection: asyncssh.SSHClientConnection | None = None

    async def ask(self, command: str, stdin: str = "") -> Ended | None:
        """Run a command over the open connection. None: no answer came, so nobody knows what was done."""
        try:
            async with asyncio.timeout(ANSWER_S):
                connection = await self._connected()
                done = await connection.run(command, input=stdin.encode(), encoding=None)
        except TimeoutError:
            self.hangs.append(command)
            await self.close()
            return None
        except (OSError, asyncssh.Error):
            await self.close()
            return None
        if done.exit_status is None:
            await self.close()
            return None
        assert isinstance(done.stdout, bytes)
        assert isinstance(done.stderr, bytes)
        return _answered(Ended(done.exit_status, done.stdout, done.stderr))

    async def ask_afresh(self, command: str, stdin: str = "") -> Ended | None:
        """The same by the program `ssh`, with a connection of its own."""
        try:
            return _answered(await run(self.live.ssh_words(command), stdin=stdin.encode(), deadline_s=ANSWER_S))
        except TimeoutError:
            self.hangs.append(command)
            return None

    async def insist(self, command: str, *, tries: int = 200) -> Ended:
        """Ask until an answer comes: for questions that change nothing."""
        for _ in range(tries):
            answer = await self.ask(command)
            if answer is not None:
                return answer
            await asyncio.sleep(PAUSE_S)
        raise AssertionError(f"no answer to `{command}`; the server's log ends with\n{self.live.log[-2000:]}")

    async def _connected(self) -> asyncssh.SSHClientConnection:
        if self._connection is None:
            self._connection = await connect(self.live)
        return self._connection

    async def close(self) -> None:
        """For now: it comes back with the next question."""
        if self._connection is not None:
            self._connection.abort()
            with contextlib.suppress(OSError, asyncssh.Error):
                await self._connection.wait_closed()
            self._connection = None


async def connect(live: Live) -> asyncssh.SSHClientConnection:
    """As the admin."""
    return await asyncssh.connect(
        "127.0.0.1",
        live.port,
        username="tovi",
        client_keys=[str(live.folder / ADMIN)],
        known_hosts=None,
        config=None,
        agent_path=None,
    )


def _answered(ended: Ended) -> Ended | None:
    """Unless the server says that it cannot tell, or ssh that there was none."""
    return None if ended.code in (UNAVAILABLE, NO_ANSWER) else ended

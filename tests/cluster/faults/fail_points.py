"""`kill -9` of the scheduler at a step that the proxy sees: before a request has its effect, after it, at an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from k8s.names import INSTALLATION
from tests import processes
from tests.fault_proxy import faults
from tests.fault_proxy.exchange import Exchange, Lines, ResetError
from tests.fault_proxy.faults import Fault
from tests.live import Live

SCHEDULER: Final = "tovi-scheduler"

Says = Callable[[Any], bool]
"""Whether the status of a pod says something."""


@dataclass
class Killer:
    """Of the scheduler of a server, once."""

    live: Live
    kills: int = 0

    def kill(self) -> None:
        if not self.kills:
            self.kills += 1
            processes.end(processes.called(SCHEDULER, self.live.parts()))

    def before(self) -> Fault:
        """The request has no effect any more."""

        async def fault(_: Exchange) -> web.StreamResponse:
            self.kill()
            raise ResetError

        return fault

    def after(self) -> Fault:
        """It had its effect, and nobody hears the answer."""

        async def fault(exchange: Exchange) -> web.StreamResponse:
            await exchange.forward()
            self.kill()
            raise ResetError

        return fault

    def at_event(self, says: Says) -> Fault:
        """Nobody hears the first event of one of the server's pods that says so."""
        installation = (self.live.data / "server/installation").read_text()

        async def reshape(lines: Lines) -> Lines:
            async for line in lines:
                told = json.loads(line)["object"]
                labels = told["metadata"].get("labels") or {}
                if not self.kills and labels.get(INSTALLATION) == installation and says(told["status"]):
                    self.kill()
                    raise ResetError
                yield line

        return faults.told(reshape)


def runs(status: Any) -> bool:
    return "running" in _state(status)


def ended(status: Any) -> bool:
    return "terminated" in _state(status)


def _state(status: Any) -> Any:
    return next((container["state"] for container in status.get("containerStatuses") or ()), {})

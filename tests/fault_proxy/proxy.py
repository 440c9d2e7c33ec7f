"""A proxy in front of a real API server, which does to requests what a test programmed.

    with fault_proxy(place.kubeconfig) as proxy:
        lost = proxy.program(faults.reset_after_effect, verb="create", what="pods")
        ...  # with what reads proxy.kubeconfig
        assert len(lost.happened) == 1

It runs in a thread of its own, so that tests with an event loop and without can use it. `exec`, `attach` and
port forwards, which turn a request into something else, do not pass.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

import yaml

from tests.fault_proxy.book import Book, Programmed
from tests.fault_proxy.certificate import Certificate, make_certificate
from tests.fault_proxy.faults import Fault
from tests.fault_proxy.requests import Matching, Request
from tests.fault_proxy.server import Server, open_server

_DEADLINE_S: Final = 30


@dataclass(frozen=True)
class FaultProxy:
    """`verb`, `what` and `name` say which requests are meant, as in `Matching`; without them, all."""

    kubeconfig: Path
    """For its clients: nothing but the proxy is known by it."""
    _certificate: Certificate
    _loop: asyncio.AbstractEventLoop
    _server: Server
    _book: Book

    def program(
        self, fault: Fault, *, verb: str = "", what: str = "", name: str = "", times: int | None = 1
    ) -> Programmed:
        """Do it to the next so many requests (None: to all) that no earlier fault is still waiting for."""
        programmed = Programmed(fault, Matching(verb, what, name), inf if times is None else times)
        self._book.program(programmed)
        return programmed

    def forget(self) -> None:
        """All that was programmed and has not happened."""
        self._book.forget()

    def requests(self, *, verb: str = "", what: str = "", name: str = "") -> Sequence[Request]:
        """All that came in so far, in their order, whatever was done to them."""
        return self._book.requests(Matching(verb, what, name))

    def wait_for(self, programmed: Programmed, *, times: int = 1, deadline_s: float = _DEADLINE_S) -> None:
        """Until it happened so many times."""
        came = self._book.wait(lambda: len(programmed.happened) >= times, deadline_s=deadline_s)
        assert came, f"it happened {len(programmed.happened)} times"

    def wait_for_requests(
        self, count: int, *, verb: str = "", what: str = "", name: str = "", deadline_s: float = _DEADLINE_S
    ) -> None:
        """Until so many came in, counted from the beginning."""
        matches = Matching(verb, what, name)
        came = self._book.wait(lambda: len(self._book.requests(matches)) >= count, deadline_s=deadline_s)
        assert came, f"{len(self._book.requests(matches))} came"

    @contextmanager
    def away(self) -> Iterator[None]:
        """Connections are refused, and those that were open are reset."""
        self._do(self._server.down())
        try:
            yield
        finally:
            self._do(self._server.up())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Requests are taken and have no effect and no answer until it goes on; watches are silent."""
        self._do(self._server.pause())
        try:
            yield
        finally:
            self._do(self._server.resume())

    def cut(self) -> None:
        """Reset all connections, so that watches are opened anew."""
        self._do(self._server.cut())

    def rotate_token(self) -> None:
        """The old one is refused with 401 from now on; the new one is in the kubeconfig."""
        self._server.token = secrets.token_hex(16)
        self.write_kubeconfig()

    def write_kubeconfig(self) -> None:
        """Whoever reads it sees the old one or the new one."""
        half = self.kubeconfig.with_suffix(".half")
        cluster = {
            "server": f"https://127.0.0.1:{self._server.port}",
            "certificate-authority": str(self._certificate.file),
        }
        half.write_text(yaml.safe_dump(_kubeconfig(cluster, {"token": self._server.token})))
        half.replace(self.kubeconfig)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_DEADLINE_S)


@contextmanager
def fault_proxy(kubeconfig: Path) -> Iterator[FaultProxy]:
    """In front of the API server of a kubeconfig, with its credentials."""
    with tempfile.TemporaryDirectory(prefix="tovi-proxy-") as folder, _loop_in_thread() as loop:
        certificate, book = make_certificate(Path(folder)), Book()
        opening = open_server(kubeconfig, certificate.context(), book)
        server = asyncio.run_coroutine_threadsafe(opening.__aenter__(), loop).result(_DEADLINE_S)
        try:
            proxy = FaultProxy(Path(folder) / "kubeconfig", certificate, loop, server, book)
            proxy.rotate_token()
            yield proxy
        finally:
            asyncio.run_coroutine_threadsafe(opening.__aexit__(None, None, None), loop).result(_DEADLINE_S)


@contextmanager
def _loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fault proxy")
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _kubeconfig(cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "proxy",
        "clusters": [{"name": "proxy", "cluster": cluster}],
        "users": [{"name": "proxy", "user": user}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
    }

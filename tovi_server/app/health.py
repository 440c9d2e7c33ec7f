"""What machines that watch are told by the parent over HTTP: whether it lives, whether its parts serve, and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from tovi_server.app.plain_http import NOT_FOUND, Page
from tovi_server.app.start import Kind

_CONNECTIONS: Final = {"user": "logged in", "stranger": "not logged in"}
"""Kinds of claims, and what they say of a connection."""


class WatchedPart(Protocol):
    """What is looked at of a part."""

    @property
    def kind(self) -> Kind: ...

    @property
    def is_serving(self) -> bool: ...

    @property
    def is_leading(self) -> bool: ...

    @property
    def restarts(self) -> int: ...


class Health:
    """The pages about these parts; `held` tells how many claims of a kind receivers hold."""

    def __init__(self, parts: Sequence[WatchedPart], held: Callable[[str], int]) -> None:
        self._parts = parts
        self._registry = CollectorRegistry()
        self._registry.register(_Figures(parts, held))
        self._pages: Mapping[str, Callable[[], Page]] = {
            "/live": self._live,
            "/ready": self._ready,
            "/metrics": self._metrics,
        }

    def answer(self, path: str) -> Page:
        return self._pages.get(path, lambda: NOT_FOUND)()

    def _live(self) -> Page:
        return Page("live\n")

    def _ready(self) -> Page:
        """All parts serve; a scheduler that stands by does."""
        away = Counter(part.kind.value for part in self._parts if not part.is_serving)
        if not away:
            return Page("ready\n")
        named = ", ".join(f"{kind} {count}" for kind, count in sorted(away.items()))
        return Page(f"not ready: {named}\n", HTTPStatus.SERVICE_UNAVAILABLE)

    def _metrics(self) -> Page:
        return Page(generate_latest(self._registry).decode(), kind=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    def __init__(self, parts: Sequence[WatchedPart], held: Callable[[str], int]) -> None:
        self._parts = parts
        self._held = held

    def collect(self) -> Iterator[Metric]:
        """As they are at this moment."""
        kinds = sorted({part.kind for part in self._parts})
        yield from self._of_parts(kinds)
        if Kind.RECEIVER in kinds:
            yield self._connections()
        if Kind.SCHEDULER in kinds:
            leads = any(part.is_leading for part in self._parts)
            yield GaugeMetricFamily("tovi_leader", "1: the scheduler of this server leads, 0: it stands by.", leads)

    def _of_parts(self, kinds: Sequence[Kind]) -> Iterator[Metric]:
        wanted = GaugeMetricFamily("tovi_parts", "Processes that this server is made of.", labels=["part"])
        serving = GaugeMetricFamily("tovi_parts_serving", "Those of them that serve now.", labels=["part"])
        restarts = CounterMetricFamily("tovi_part_restarts", "How often one died and was replaced.", labels=["part"])
        for kind in kinds:
            parts = [part for part in self._parts if part.kind is kind]
            wanted.add_metric([kind.value], len(parts))
            serving.add_metric([kind.value], sum(part.is_serving for part in parts))
            restarts.add_metric([kind.value], sum(part.restarts for part in parts))
        return iter((wanted, serving, restarts))

    def _connections(self) -> Metric:
        connections = GaugeMetricFamily("tovi_connections", "Open SSH connections.", labels=["state"])
        for kind, state in _CONNECTIONS.items():
            connections.add_metric([state], self._held(kind))
        return connections

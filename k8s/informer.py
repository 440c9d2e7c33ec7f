"""Everything of one kind in the cluster, kept up with: listed, watched from there, and listed anew now and then.

What a watch tells is a hint to look again at one object; doubled, late and reordered events are normal. Protocol:
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

import structlog

from k8s.client import Client
from k8s.errors import ApiError, from_answer

T = TypeVar("T")
Json = dict[str, Any]

_PAGE: Final = "500"
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
_REMEMBERED: Final = 10_000
"""Removed objects of which an old event, come late, is recognised."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What is watched, and how it is read."""

    path: str
    name: str
    """In the plural, for what is told to people."""
    read: Callable[[Json], T | None]
    """None: it is of no interest."""


class Informer(Generic[T]):
    """What there is, by `namespace/name`, or by name where there is no namespace."""

    def __init__(
        self, client: Client, kind: Kind[T], *, changed: Callable[[str, T | None], None], relist_interval: timedelta
    ) -> None:
        """`changed` is told a key, and what was there before, after each change; and of everything after each list."""
        self.items: dict[str, T] = {}
        self.synced = asyncio.Event()
        """It was listed once."""
        self.trouble: ApiError | None = None
        """Why it cannot keep up now."""
        self._client = client
        self._kind = kind
        self._changed = changed
        self._relist_s = relist_interval.total_seconds()
        self._versions: dict[str, int] = {}
        """Of each object the newest that was seen; also of some that are gone."""
        self._last = ""
        self._pause_s = _FIRST_PAUSE_S

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._list()
                await self._watch()
            except ApiError as error:
                await self._wait_out(error)

    async def _list(self) -> None:
        found: dict[str, Json] = {}
        token = ""
        while True:
            query = {"limit": _PAGE, **({"continue": token} if token else {})}
            page = await self._client.get(self._kind.path, f"list {self._kind.name}", **query)
            found |= {_key(raw): raw for raw in page["items"]}
            token = page["metadata"].get("continue", "")
            if not token:
                break
        self._last = page["metadata"]["resourceVersion"]
        self._replace(found)
        self._note(None)
        self.synced.set()

    def _replace(self, found: dict[str, Json]) -> None:
        for key in [key for key in self.items if key not in found]:
            self._changed(key, self.items.pop(key))
        self._versions = {}
        for key, raw in found.items():
            self._put(key, raw)

    async def _watch(self) -> None:
        """Until it is time to list again. An interrupted watch goes on from where it was."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._relist_s
        while (left_s := until_s - loop.time()) > 0:
            try:
                await self._hear(seconds=max(1, round(left_s)))
            except ApiError as error:
                if error.is_gone:
                    return
                await self._wait_out(error)
            else:
                self._note(None)
            await asyncio.sleep(_FIRST_PAUSE_S)

    async def _wait_out(self, trouble: ApiError) -> None:
        """Longer each time, until something is heard again."""
        self._note(trouble)
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _hear(self, *, seconds: int) -> None:
        asked = f"watch {self._kind.name}"
        events = self._client.watch(self._kind.path, asked, seconds=seconds, resourceVersion=self._last)
        async with aclosing(events):
            async for event in events:
                raw = event["object"]
                if event["type"] == "ERROR":
                    raise from_answer(asked, raw.get("code", 500), raw.get("reason", ""), raw.get("message", ""))
                self._note(None)
                self._last = _newer(self._last, raw["metadata"]["resourceVersion"])
                if event["type"] != "BOOKMARK":
                    self._take(event["type"], raw)

    def _take(self, what: str, raw: Json) -> None:
        key, version = _key(raw), int(raw["metadata"]["resourceVersion"])
        if version <= self._versions.get(key, 0):
            return
        if what != "DELETED":
            self._put(key, raw)
            return
        self._versions[key] = version
        self._forget_some()
        before = self.items.pop(key, None)
        if before is not None:
            self._changed(key, before)

    def _put(self, key: str, raw: Json) -> None:
        self._versions[key] = int(raw["metadata"]["resourceVersion"])
        before = self.items.pop(key, None)
        item = self._read(key, raw)
        if item is not None:
            self.items[key] = item
        self._changed(key, before)

    def _read(self, key: str, raw: Json) -> T | None:
        """One that cannot be read is none: the others go on."""
        try:
            return self._kind.read(raw)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("not_understood", kind=self._kind.name, key=key, error=repr(error))
            return None

    def _forget_some(self) -> None:
        if len(self._versions) > 2 * len(self.items) + _REMEMBERED:
            self._versions = {key: version for key, version in self._versions.items() if key in self.items}

    def _note(self, trouble: ApiError | None) -> None:
        if trouble is not None and self.trouble is None:
            log.warning("cluster_not_seen", kind=self._kind.name, why=trouble.what, message=trouble.message)
        elif trouble is None and self.trouble is not None:
            log.info("cluster_seen_again", kind=self._kind.name)
        if trouble is None:
            self._pause_s = _FIRST_PAUSE_S
        self.trouble = trouble


def _key(raw: Json) -> str:
    metadata = raw["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else str(metadata["name"])


def _newer(one: str, other: str) -> str:
    """Since Kubernetes 1.35 they may be compared as numbers; before, nobody stored them otherwise."""
    return one if int(one) > int(other) else other

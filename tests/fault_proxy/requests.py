"""A request to an API server, in the words in which rights are given: who asks what of which object. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PATH: Final = re.compile(
    r"/(?:api|apis/[^/]+)/[^/]+(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"/(?P<kind>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?"
)
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Request:
    """As it came in. What a path that is no object's asks for is all empty, but for the verb."""

    at_s: float
    """By the monotonic clock."""
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes

    @property
    def verb(self) -> str:
        """`get`, `list`, `watch`, `create`, `update`, `patch` or `delete`."""
        if self.method != "GET":
            return _VERBS.get(self.method, self.method.lower())
        if self.query.get("watch") in {"true", "1"}:
            return "watch"
        return "get" if self._part("name") or not self.what else "list"

    @property
    def what(self) -> str:
        """`pods`, or with a part of it, `pods/log`."""
        kind, part = self._part("kind"), self._part("part")
        return f"{kind}/{part}" if part else kind

    @property
    def is_followed(self) -> bool:
        """Whether its answer goes on and on."""
        return self.verb == "watch" or self.query.get("follow") in {"true", "1"}

    @property
    def namespace(self) -> str:
        return self._part("namespace")

    @property
    def name(self) -> str:
        """Of the object, also of one that is to be created; empty: of all."""
        return self._part("name") or _name_in(self.body)

    def _part(self, name: str) -> str:
        found = _PATH.fullmatch(self.path)
        return (found[name] or "") if found else ""


@dataclass(frozen=True, slots=True)
class Matching:
    """Which requests are meant: all that have what is said here."""

    verb: str = ""
    what: str = ""
    name: str = ""
    """A regular expression, for the whole name."""

    def __call__(self, request: Request) -> bool:
        return (
            self.verb in {"", request.verb}
            and self.what in {"", request.what}
            and (not self.name or re.fullmatch(self.name, request.name) is not None)
        )


def _name_in(body: bytes) -> str:
    try:
        return str(json.loads(body)["metadata"]["name"])
    except (ValueError, KeyError, TypeError):
        return ""

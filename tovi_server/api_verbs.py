"""How the verbs of ManagerAPI travel in messages: read off its signatures, so that there is nothing to keep in step."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args, get_origin, get_type_hints

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_json

from tovi_server.api import ManagerAPI
from tovi_server.api_wire import WIRE_CONFIG, ProtocolError

Values = tuple[object]
"""One value, boxed: pydantic takes a config for a tuple of a dataclass, but not for the dataclass."""


@dataclass(frozen=True, slots=True)
class WireVerb:
    """A verb of ManagerAPI, and how its arguments and results travel."""

    name: str
    arguments: Mapping[str, TypeAdapter[Values]]
    """Without its body."""
    result: TypeAdapter[Values]
    """Of the answer, or of one item of a stream."""
    is_stream: bool
    body: str | None
    """The name of the argument that is a body."""

    def pack(self, arguments: Mapping[str, object]) -> dict[str, JsonValue]:
        return {name: _pack(self.arguments[name], value) for name, value in arguments.items()}

    def unpack(self, arguments: Mapping[str, JsonValue]) -> dict[str, object]:
        """Raises ProtocolError: an argument is unknown or of another form."""
        try:
            return {name: _unpack(self.arguments[name], value) for name, value in arguments.items()}
        except (KeyError, ValidationError) as error:
            raise ProtocolError(f"{self.name} does not take these arguments") from error

    def pack_result(self, value: object) -> JsonValue:
        return _pack(self.result, value)

    def unpack_result(self, value: JsonValue) -> object:
        """Raises ProtocolError: it is of another form."""
        try:
            return _unpack(self.result, value)
        except ValidationError as error:
            raise ProtocolError(f"the answer to {self.name} has another form") from error


@lru_cache(maxsize=128)
def wire_verb(name: str) -> WireVerb | None:
    """The verb of that name; None when ManagerAPI has none."""
    function = vars(ManagerAPI).get(name)
    if function is None or name.startswith("_"):
        return None
    hints = get_type_hints(function)
    answer = hints.pop("return")
    bodies = [argument for argument, kind in hints.items() if get_origin(kind) is AsyncIterable]
    is_stream = get_origin(answer) is AsyncIterator
    return WireVerb(
        name=name,
        arguments={argument: _adapter(kind) for argument, kind in hints.items() if argument not in bodies},
        result=_adapter(get_args(answer)[0] if is_stream else answer),
        is_stream=is_stream,
        body=bodies[0] if bodies else None,
    )


def _adapter(kind: object) -> TypeAdapter[Values]:
    return TypeAdapter(tuple[kind], config=WIRE_CONFIG)  # type: ignore[arg-type, valid-type]  # the type is known at run time only


def _pack(adapter: TypeAdapter[Values], value: object) -> JsonValue:
    packed: list[JsonValue] = adapter.dump_python((value,), mode="json")
    return packed[0]


def _unpack(adapter: TypeAdapter[Values], value: JsonValue) -> object:
    # As JSON once more: only then bytes are read as base64.
    return adapter.validate_json(to_json([value], inf_nan_mode="constants"))[0]

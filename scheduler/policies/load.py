"""A policy file to policies: names are looked up among the entry points, `module:attribute` is imported."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points

from pydantic import BaseModel, ConfigDict, ValidationError

from scheduler.policies.filter import Capacity
from scheduler.policies.protocols import Filter, Order, Policies, Score
from tovi_server.core.errors import ToviError


class PolicyFile(BaseModel):
    """What `policy.toml` may say."""

    model_config = ConfigDict(extra="forbid")

    order: str = "priority-fifo"
    """Who goes first."""
    filters: tuple[str, ...] = ("capacity",)
    """Which nodes may serve a request; all must admit. `capacity` always must, named or not."""
    score: str = "binpack"
    """Which of the admitted nodes is best."""


class InvalidPolicyError(ToviError):
    """A policy file that cannot be used."""

    code = "invalid-policy"


def read_policies(text: str) -> Policies:
    """The policies that the text of a policy file names; an empty text names the defaults.

    Raises:
        InvalidPolicyError: it is no TOML, says something unknown, or names what cannot be loaded.
    """
    try:
        return load_policies(PolicyFile.model_validate(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicyError("the policy file is not TOML", why=str(error)) from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidPolicyError(f'the policy file\'s "{field}" is wrong', why=first["msg"]) from error


def load_policies(file: PolicyFile) -> Policies:
    """Make each named policy.

    Raises:
        InvalidPolicyError: a name is unknown, or its policy cannot be made.
    """
    order, score = _make("order", file.order), _make("score", file.score)
    if not isinstance(order, Order):
        raise _wrong_kind("order", file.order)
    if not isinstance(score, Score):
        raise _wrong_kind("score", file.score)
    filters = tuple(_filters(file.filters))
    if not any(isinstance(one, Capacity) for one in filters):
        filters = (Capacity(), *filters)
    return Policies(order, filters, score)


def _filters(names: tuple[str, ...]) -> Iterator[Filter]:
    for name in names:
        policy = _make("filter", name)
        if not isinstance(policy, Filter):
            raise _wrong_kind("filter", name)
        yield policy


def _make(kind: str, name: str) -> object:
    """Whatever the name stands for, made without arguments."""
    group = f"tovi.{kind}"
    known = {point.name: point for point in entry_points(group=group)}
    point = EntryPoint(name, name, group) if ":" in name else known.get(name)
    if point is None:
        raise InvalidPolicyError(
            f'there is no {kind} policy "{name}"',
            why="known are " + ", ".join(sorted(known)),
            hint="a policy of your own is written module:attribute",
        )
    try:
        return point.load()()
    except Exception as error:  # it is somebody else's code; whatever it raises is the reason
        raise InvalidPolicyError(
            f'the policy "{name}" cannot be loaded', why=f"{type(error).__name__}: {error}"
        ) from error


def _wrong_kind(kind: str, name: str) -> InvalidPolicyError:
    return InvalidPolicyError(f'"{name}" is no {kind} policy', why=f"it lacks what {kind} policies can do")

"""A verb of the command language, as the catalog lists it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Run = Callable[..., Awaitable[int]]
"""Takes what cyclopts bound from the words, and `call`; returns the exit status."""


@dataclass(frozen=True, slots=True)
class Verb:
    """`words` are what is typed, e.g. `("project", "create")`; `examples` follow `ssh HOST `, or are whole
    lines where they hold `{host}`."""

    words: tuple[str, ...]
    run: Run
    examples: tuple[str, ...]

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (self.run.__doc__ or "").strip().partition("\n")[0]

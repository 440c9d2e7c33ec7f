"""What a GPU may be called: by its full model name, and by the short one that people use. Pure."""

from __future__ import annotations

import re
from typing import Final

_RTX: Final = re.compile(r"\b[rg]tx[ -][0-9]+")
_SHORT: Final = re.compile(r"\b[a-z]{1,2}[0-9]+[a-z]?\b")


def names_of_model(model: str) -> tuple[str, ...]:
    """`nvidia a100-sxm4-40gb` is also an `a100`. All in lower case, the full name first."""
    short = _RTX.search(model) or _SHORT.search(model)
    return (model,) if short is None else (model, re.sub("[ -]", "", short[0]))

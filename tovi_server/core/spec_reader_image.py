"""The name of a container image, as registries and container runtimes read it.

    [HOST[:PORT]/]NAME[/NAME…][:TAG][@DIGEST]

The grammar is that of https://github.com/distribution/reference, which the kubelet uses too: what it would refuse when
the task is to start is refused when it is submitted.
"""

from __future__ import annotations

import re
from typing import Final

from tovi_server.core.spec_reader_field import Field, invalid, line, quoted

LONGEST_NAME: Final = 255
"""Without tag and digest."""
LONGEST: Final = LONGEST_NAME + len(":@sha512:") + 128 + 128

_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PORT: Final = ":[0-9]{1,5}"
_HOST: Final = rf"(?:{_LABEL}(?:\.{_LABEL})+(?:{_PORT})?|{_LABEL}{_PORT}|localhost|\[[0-9A-Fa-f:]+\](?:{_PORT})?)"
"""A first part without a dot or a port is none, and belongs to the name."""
_PART: Final = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE: Final = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(?:@(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}))?",
    re.ASCII,
)
_ID: Final = re.compile("[0-9a-f]{64}", re.ASCII)


def read_image(field: Field) -> str:
    image = line(field, longest=LONGEST)
    if not _is_image(image):
        raise invalid(
            field,
            f"{quoted(image)} is not the name of an image",
            why="an image is written [HOST/]NAME[:TAG][@sha256:…], NAME in lower case, such as python:3.12-slim",
            hint=_nearest(image),
        )
    return image


def _is_image(text: str) -> bool:
    match = _IMAGE.fullmatch(text)
    return match is not None and len(match["name"]) <= LONGEST_NAME and not _ID.fullmatch(match["name"])


def _nearest(image: str) -> str:
    """What was probably meant: a scheme too many, or capitals."""
    name = image.strip().rpartition("://")[2]
    near = next((one for one in (name, name.lower()) if _is_image(one)), "")
    return f"did you mean {quoted(near)}?" if near else ""

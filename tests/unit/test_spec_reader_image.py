"""What can be an image's name: the grammar of registries, and nothing that a node would refuse later."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.spec_reader import read_spec

SHA256 = f"sha256:{'0a' * 32}"
LONGEST_NAME = f"{'a' * 127}/{'b' * 127}"

IMAGES = [
    *("python", "python:3.12", "python:3.12-slim", "python:latest", "python:_x", f"python@{SHA256}"),
    *(
        f"python:3.12@{SHA256}",
        f"a@sha512:{'0a' * 64}",
        f"a@sha384:{'0a' * 48}",
        "a/b/c/d:e",
        "a__b",
        "a--b",
        "a.b_c-d",
    ),
    *(
        "ghcr.io/astro/lens:1.8",
        "localhost/x",
        "localhost:5000/x",
        "registry:5000/x/y:1",
        "10.0.0.1:5000/x",
        "[::1]:5000/x",
        "registry:5000",
    ),
    *("pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime", "Registry.example.org/x", "0", "a" * 255, LONGEST_NAME),
    *(f"a:{'t' * 128}", f"{LONGEST_NAME}:{'t' * 128}@sha512:{'0a' * 64}"),
]

NO_IMAGES = [
    *(
        "Python",
        "a b",
        " a",
        "a ",
        "a:",
        "a@",
        ":1",
        "@sha256:00",
        "a::1",
        "a:1:2",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a.",
        "-a",
        "a-",
    ),
    *(
        "_a",
        "a___b",
        "a..b",
        "a._b",
        "Tovi/x",
        "a/B",
        "a:-x",
        "a:.x",
        f"a:{'t' * 129}",
        "a@sha256:00",
        f"a@{SHA256.upper()}",
    ),
    *(f"a@sha256:{'0A' * 32}", f"a@md5:{'0a' * 16}", f"a@{SHA256}:1", "0a" * 32, "a" * 256, f"{LONGEST_NAME}c"),
    *(
        "docker://a",
        "https://ghcr.io/a",
        "a;id",
        "a$(id)",
        "$(HOSTNAME)",
        "${x}",
        "a`id`",
        "a|b",
        "a&b",
        "a>b",
        "a'b",
        "a\\b",
    ),
    *(
        "../a",
        "a/../b",
        "./a",
        "/etc/passwd",
        "file:///etc/passwd",
        "a?b",
        "a#b",
        "a%2e",
        "é",
        "а",
        "a\u200bb",
        "a\u202eb",
        "*",
        "~",
    ),
    *("[::1]/", "[x]/a", "a.b:/c", "a.b:999999/c", "-a.b/c", "a,b", "{a}", "a=b", "a+b"),
]


def image_of(text: str) -> str | None:
    return read_spec(f"run: x\nimage: {json.dumps(text)}\n").stages[0].image


@pytest.mark.parametrize("image", IMAGES)
def test_the_name_of_an_image_is_kept_as_it_was_written(image: str) -> None:
    assert image_of(image) == image


@pytest.mark.parametrize("image", NO_IMAGES)
def test_what_no_registry_could_have_is_refused_by_its_text(image: str) -> None:
    with pytest.raises(
        InvalidSpecError, match=r"tovi.yaml:2:8: image: .* is not (the name of an image|a line of text)"
    ):
        image_of(image)


def test_a_stage_and_defaults_are_held_to_the_same() -> None:
    for text in ("defaults: {image: A}\nstages: {a: {run: x}}\n", "stages: {a: {run: x, image: A}}\n"):
        with pytest.raises(InvalidSpecError, match='"A" is not the name of an image'):
            read_spec(text)


@pytest.mark.parametrize(
    ("image", "near"),
    [("Python:3.12", "python:3.12"), ("docker://python", "python"), ("https://GHCR.io/A/b", "ghcr.io/a/b")],
)
def test_what_was_probably_meant_is_said(image: str, near: str) -> None:
    with pytest.raises(InvalidSpecError) as raised:
        image_of(image)

    assert raised.value.hint == f'did you mean "{near}"?'


@given(some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_nothing_but_the_plain_characters_of_names_ever_passes(text: str) -> None:
    try:
        image = image_of(text)
    except InvalidSpecError:
        return
    assert image == text
    assert re.fullmatch(r"[A-Za-z0-9._:@/\[\]-]+", text)

"""The reader of YAML: what it takes, what it refuses and where, and that no text can hurt it."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.yaml_node import Entry, Items, Mark, Scalar, Table
from tovi_server.core.yaml_reader import DEEPEST, LARGEST_BYTES, MOST_EVENTS, read_document


def test_texts_stay_as_written_and_have_their_places() -> None:
    document = read_document("lr: 1e-2\nwords: [on, 'on']\n")
    assert document == Table(
        (
            Entry(Scalar("lr", True, Mark(1, 1)), Scalar("1e-2", True, Mark(1, 5))),
            Entry(
                Scalar("words", True, Mark(2, 1)),
                Items((Scalar("on", True, Mark(2, 9)), Scalar("on", False, Mark(2, 13))), Mark(2, 8)),
            ),
        ),
        Mark(1, 1),
    )


def test_columns_count_characters() -> None:
    document = read_document("é: ü\n")
    assert isinstance(document, Table)
    assert Mark(1, 4) == document.entries[0].value.mark


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "tovi.yaml is empty"),
        ("# nothing\n", "tovi.yaml is empty"),
        ("a: 1\nb: &x 2\n", "tovi.yaml:2:4: anchors (&) and aliases (*) are not used"),
        ("a: *x\n", "tovi.yaml:1:4: anchors (&) and aliases (*) are not used"),
        ("a: !!python/name:os.system x\n", "tovi.yaml:1:4: tags (!) are not used"),
        ("a: !x [1]\n", "tovi.yaml:1:4: tags (!) are not used"),
        ("a:\n  <<: {b: 1}\n", "tovi.yaml:2:3: merge keys (<<) are not used"),
        ("a: 1\nb: 2\na: 3\n", 'tovi.yaml:3:1: the key "a" is here twice'),
        ("[a]: 1\n", "tovi.yaml:1:1: a list or table cannot be a key"),
        ("a: 1\n---\nb: 1\n", "tovi.yaml:2:1: a second document starts here"),
        ("a: [1\n", "tovi.yaml:2:1: this is not YAML"),
        ("a: b: c\n", "tovi.yaml:1:5: this is not YAML"),
        ("\ta: 1\n", "tovi.yaml:1:1: this is not YAML"),
        ('a: "\\0"\n', "tovi.yaml:1:4: this text has a NUL character"),
        ('a: "\\ud800"\n', "tovi.yaml:1:7: this is not YAML"),
        ("a: \x1b[31m\n", "tovi.yaml has a character that no text file has"),
        ("a: \udcff\n", "tovi.yaml is not UTF-8 text"),
        ("x" * (LARGEST_BYTES + 1), f"tovi.yaml has {LARGEST_BYTES + 1} bytes"),
        ("é" * LARGEST_BYTES, f"tovi.yaml has {2 * LARGEST_BYTES} bytes"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), f"tovi.yaml:1:{DEEPEST + 1}: this is nested too deeply"),
        ("- a\n" * MOST_EVENTS, "too much is in this file"),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, what: str) -> None:
    with pytest.raises(InvalidSpecError) as raised:
        read_document(text)
    assert what in raised.value.what


def test_the_deepest_allowed_nesting_is_read() -> None:
    assert isinstance(read_document("[" * DEEPEST + "]" * DEEPEST), Items)


@pytest.mark.parametrize(
    "text",
    [
        "- " * 500_000,
        "[" * 1_000_000,
        "{a: " * 250_000,
        "[a, " * 250_000,
        "? " * 500_000,
        "- [" * 300_000,
        "x: " * 300_000,
        "&a " * 300_000,
        '"' + "\n" * 1_000_000,
        "a: |\n" + " \n" * 500_000,
        ("a" * 1000 + " ") * 1000,
    ],
)
def test_no_shape_of_text_takes_long_or_kills_the_process(text: str) -> None:
    before = time.process_time()
    with suppress(InvalidSpecError):
        read_document(text)
    assert time.process_time() - before < 20, "it grows with more than the size"


@given(st.text(max_size=300))
def test_any_text_is_a_document_or_a_named_error(text: str) -> None:
    with suppress(InvalidSpecError):
        read_document(text)


@given(st.text(alphabet="ab:-[]{},?&*!|>'\"%@`#\n \t0.~<\\", max_size=80))
def test_any_soup_of_signs_is_a_document_or_a_named_error(text: str) -> None:
    with suppress(InvalidSpecError):
        read_document(text)

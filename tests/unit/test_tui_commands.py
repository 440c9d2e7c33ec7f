"""The words of the `:` line, and the way a person came."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.errors import ToviError, UsageError
from tovi_server.core.safe import safe_line
from tovi_tui import places
from tovi_tui.places import Place
from tovi_tui.text.commands import COMMANDS, Control, Do, Go, Order, Set, matching, read_command
from tovi_tui.text.frame import error_lines
from tovi_tui.way import Way, place_of, words_of

PLACES: list[tuple[str, Place]] = [
    ("queue", places.QueuePlace()),
    ("queue state:running user:ada sweep", places.QueuePlace("state:running user:ada sweep")),
    ("show 12", places.JobPlace(12)),
    ("show 12.train.3", places.JobPlace(12, "12.train.3")),
    ("logs 12.train.3 12.train.4", places.LogPlace(("12.train.3", "12.train.4"))),
    ("metrics 12", places.MetricsPlace(12)),
    ("nodes", places.NodesPlace()),
    ("data", places.DataPlace()),
    ("data home/a b", places.DataPlace("home/a b")),
    ("people", places.AdminPlace()),
    ("submit", places.SubmitPlace()),
]


@pytest.mark.parametrize(("words", "place"), PLACES)
def test_words_lead_to_places_and_places_have_words(words: str, place: Place) -> None:
    assert read_command(words) == Go(place)
    assert words_of(place) == words


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("rerun 12", Go(places.RerunPlace(12))),
        ("project lens", Set("project", "lens")),
        ("theme light", Set("theme", "light")),
        ("quit", Do("quit")),
        ("help", Do("help")),
    ],
)
def test_words_do_things(words: str, order: Order) -> None:
    assert read_command(words) == order


@pytest.mark.parametrize("verb", ["cancel", "hold", "release"])
def test_several_are_controlled_at_once(verb: str) -> None:
    order = read_command(f"{verb} 12 13.train")
    assert isinstance(order, Control)
    assert (order.verb, [str(target) for target in order.targets]) == (verb, ["12", "13.train"])


@pytest.mark.parametrize(
    "words", ["", "nonsense", "show", "show 1 2", "show x", "cancel", "logs", "theme", "metrics a"]
)
def test_what_cannot_be_meant_says_why(words: str) -> None:
    with pytest.raises(ToviError):
        read_command(words)


def test_a_near_word_is_proposed() -> None:
    with pytest.raises(UsageError) as raised:
        read_command("cancle 12")
    assert "cancel" in raised.value.hint


@given(st.text(max_size=60), st.sampled_from(["", *(f"{one.word} " for one in COMMANDS)]))
def test_any_text_is_an_order_or_a_safe_error(text: str, word: str) -> None:
    matching(word + text)
    place_of(word + text)
    try:
        read_command(word + text)
    except ToviError as error:
        told = "".join(span.text for line in error_lines(error) for span in line)
        assert safe_line(told) == told


@given(st.text(max_size=300))
def test_any_place_comes_back_as_itself_or_the_queue(text: str) -> None:
    for place in (places.DataPlace(text), places.QueuePlace(text), places.LogPlace((text,)), places.JobPlace(1, text)):
        assert place_of(words_of(place)) in {place, places.QueuePlace()}


def test_a_text_in_the_editor_is_not_remembered() -> None:
    assert words_of(places.SubmitPlace("a secret")) == "queue"


def test_the_first_place_is_never_left() -> None:
    way = Way(places.QueuePlace())
    way.back()
    way.forth(places.NodesPlace())
    assert way.here != places.QueuePlace()
    way.home()
    assert way.here == places.QueuePlace()
    with suppress(IndexError):
        way.back()
    assert way.here == places.QueuePlace()

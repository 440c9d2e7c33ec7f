"""What keys on a terminal mean."""

from __future__ import annotations

import pytest

from tovi_server.receivers.terminal import Size, Typed, typed


@pytest.mark.parametrize(
    ("keys", "meaning"),
    [
        pytest.param(b"yes\r", Typed(b"yes\n", interrupt=False, end=False), id="Enter ends a line"),
        pytest.param(b"ab\x03", Typed(b"ab\x03", interrupt=True, end=False), id="Ctrl-C interrupts"),
        pytest.param(b"ab\x04cd", Typed(b"ab", interrupt=False, end=True), id="Ctrl-D ends the input"),
    ],
)
def test_keys_have_their_usual_meaning(keys: bytes, meaning: Typed) -> None:
    assert typed(keys) == meaning


def test_a_width_that_the_client_does_not_know_is_80() -> None:
    assert [Size.told(0, 0, 0, 0), Size.told(132, 43, 0, 0)] == [Size(80, 24, 0, 0), Size(132, 43, 0, 0)]

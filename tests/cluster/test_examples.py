"""The examples again, where tasks are pods."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import Live
from tests.pods import Place
from tests.scripts import test_examples as on_one_machine

example = on_one_machine.example
played = on_one_machine.played


@pytest.fixture(scope="module")
def live(place: Place) -> Iterator[Live]:
    with place.server(f'node_selector = {{"kubernetes.io/hostname" = "{place.nodes[-1]}"}}\n') as server:
        yield server


test_what_the_readme_says_comes_back = on_one_machine.test_what_the_readme_says_comes_back
test_a_laptop_is_left_with_the_same_results = on_one_machine.test_a_laptop_is_left_with_the_same_results

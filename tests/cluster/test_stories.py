"""The stories of people, told again where tasks are pods."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.live import Live
from tests.pods import Place
from tests.scripts import test_stories as on_one_machine

SETTINGS: Final = """\
node_selector = {{"kubernetes.io/hostname" = "{node}"}}
grace = "5s"
[server]
name = "tovi.lab"
"""
"""One machine, as in the stories."""


@pytest.fixture
def live(place: Place) -> Iterator[Live]:
    with place.server(SETTINGS.format(node=place.nodes[-1])) as server:
        on_one_machine.make_people(server)
        yield server


@pytest.fixture
def by_chance() -> re.Pattern[bytes]:
    """Why a job waits: other tests' tasks may fill the node for a moment."""
    return re.compile(rb"^\d+ is queued: needs .*\n", re.MULTILINE)


test_a_story_goes_as_it_is_told = on_one_machine.test_a_story_goes_as_it_is_told

"""The same storm where tasks are pods: the scheduler and its parent are killed, and pods know nothing of it."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from tests.cluster.faults.ground import PodGround
from tests.integration.faults.kills import PARENT, Kills
from tests.integration.faults.load import Load
from tests.integration.faults.storm import Outcome, blow, judge
from tests.live import Live
from tests.pod_scan import await_clean
from tests.pods import Place

SUBMITS_PER_S: Final = 1.5
WEIGHTS: Final = {"scheduler": 4, PARENT: 1}
"""What has no part in what becomes of pods is killed elsewhere."""
_SETTINGS: Final = 'grace = "2s"\n'


def pod_storm(place: Place, seed: int, kills: int) -> Outcome:
    """As `storm`."""
    with place.server(_SETTINGS) as live:
        load = Load(live, PodGround(live.data), random.Random(seed), f"p{seed}")
        killing = Kills(load, random.Random(seed + 1), WEIGHTS)
        history = asyncio.run(blow(killing, kills, rate=SUBMITS_PER_S))
        return judge(killing, history, _left_over(live, place), seed=seed)


def _left_over(live: Live, place: Place) -> list[str]:
    try:
        await_clean(live, place.namespace)
    except AssertionError as error:
        return [str(error)]
    return []

"""The look for whoever made a call."""

from __future__ import annotations

from tovi_cli.call import Call
from tovi_server.core.look import Look, zone_of


def look_of(call: Call) -> Look:
    """With the clock, zone and terminal of its streams."""
    streams = call.streams
    return Look(call.now, zone_of(streams.environment), streams.colour, streams.columns)

"""The policies in force, from the policy file."""

from __future__ import annotations

from scheduler.policies.load import read_policies
from scheduler.policies.protocols import Policies
from tovi_server.app.foundations import Foundations


def open_policies(base: Foundations) -> Policies:
    """As the file says now."""
    path = base.server / base.settings.scheduler.policy
    return read_policies(path.read_text() if path.exists() else "")

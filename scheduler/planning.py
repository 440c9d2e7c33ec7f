"""A plan in any case: somebody else's policy that raises stops neither scheduling nor any answer."""

from __future__ import annotations

import structlog

from scheduler.plan import Plan, plan
from scheduler.policies.default import DEFAULT
from scheduler.policies.protocols import Policies
from scheduler.snapshot import Snapshot

log = structlog.get_logger(__name__)


def plan_anyway(snapshot: Snapshot, policies: Policies) -> Plan:
    """When any of the policies raises, this one time all goes by those that come with Tovi; it is logged."""
    try:
        return plan(snapshot, policies)
    except Exception:  # a plug-in may raise anything
        log.exception("policy_failed")
        return plan(snapshot, DEFAULT)

"""The policies that are there without a word in the policy file."""

from __future__ import annotations

from typing import Final

from scheduler.policies.filter import Capacity
from scheduler.policies.order import PriorityFifo
from scheduler.policies.protocols import Policies
from scheduler.policies.score import Binpack

DEFAULT: Final = Policies(order=PriorityFifo(), filters=(Capacity(),), score=Binpack())

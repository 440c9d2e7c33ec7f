"""How much front ends may have kept for a user: texts by name."""

from typing import Final

MOST: Final = 64
LONGEST: Final = 16 * 1024
"""Characters of one."""

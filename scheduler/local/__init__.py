"""The local executor: attempts as processes on this machine, each under a plain sh shim that outlives the server.

Belongs here: starting, adopting, watching, limiting and ending processes, and the facts about their ends.
Never here: what a task's script says, the layout of the data directory, or which task runs next.
"""

from scheduler.local.executor import open_local_executor
from scheduler.local.settings import LocalSettings

__all__ = ["LocalSettings", "open_local_executor"]

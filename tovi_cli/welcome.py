"""What `ssh HOST` without a command says."""

from __future__ import annotations

from tovi_server.api import ManagerAPI
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.safe import safe_line
from tovi_server.core.states import ACTIVE

MOST_COUNTED = 1000

_NEXT = """\
  scp -r FOLDER {host}:datasets/NAME     upload data
  tar c . | ssh {host} submit -          run the tovi.yaml of this folder, with its code
  ssh {host} queue                       what waits and runs
  ssh {host} logs -f ID                  what a job prints
  ssh {host} help                        everything else
"""


async def welcome(api: ManagerAPI) -> str:
    """Who the caller is, what of theirs waits and runs, and what to type next."""
    me, server = await api.me(), await api.server()
    mine = await api.jobs(JobFilter(user=me.user, unfinished=True), Page(MOST_COUNTED))
    running = sum(job.state in ACTIVE for job in mine.items)
    waiting = len(mine.items) - running
    more = " or more" if mine.next is not None else ""
    host = safe_line(server.name)
    about = f"Tovi on {host}: you are {safe_line(me.user)}, in project {safe_line(me.project)}.\n"
    counts = f"Your jobs: {running} running, {waiting} waiting{more}.\n"
    return f"{about}{counts}\n{_NEXT.format(host=host)}"

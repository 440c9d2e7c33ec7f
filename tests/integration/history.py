"""Whether what happened is what Tovi promises: an independent judge, which knows nothing of Tovi's code.

It is told three things: what clients asked for and were answered, what the jobs' own processes wrote down outside
Tovi, and what Tovi shows in the end. Each rule goes through all three and says in a sentence what is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "skipped"})
MOVES: Final[Mapping[str, Mapping[str, str]]] = {
    "waiting": {"queued": "queued", "skipped": "skipped", "cancelled": "cancelled"},
    "queued": {"dispatched": "starting", "skipped": "skipped", "cancelled": "cancelled"},
    "starting": {
        "started": "running",
        "succeeded": "succeeded",
        "failed": "failed",
        "requeued": "queued",
        "cancelled": "cancelled",
    },
    "running": {"succeeded": "succeeded", "failed": "failed", "requeued": "queued", "cancelled": "cancelled"},
}
"""What may happen to a task in each state, and what it becomes."""
NOTES: Final = frozenset({"cancel-requested", "delayed", "held", "released"})
"""What may happen to any unfinished task, and changes no state."""
ENDS: Final = frozenset({"succeeded", "failed", "requeued", "cancelled"})


@dataclass(frozen=True, slots=True)
class Submit:
    """One try to submit. The token is its idempotency key, the job's name, and what its process writes and prints."""

    token: str
    started: float
    ended: float | None = None
    job: int | None = None
    """The answer; None: none came, so nobody knows."""
    tries: int = 1
    """How often each task may be tried."""
    prints: int = 0
    """How many lines `TOKEN 1`, `TOKEN 2`, … a finished task has printed."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """One try to cancel a job; `did` is the answer, None when none came."""

    job: int
    started: float
    ended: float | None = None
    did: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A line that a job's process wrote: `start`, `finish` (with its exit code), or `beside`: another try was alive."""

    what: str
    task: str
    attempt: int
    token: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the event stream; `at` on the clients' clock, `tasks` how many it says it was about."""

    seq: int
    at: float
    kind: str
    job: int
    stage: str | None = None
    index: int | None = None
    attempt: int | None = None
    reason: str | None = None
    exit_code: int | None = None
    tasks: int | None = None

    @property
    def task(self) -> str:
        return f"{self.job}.{self.stage}.{self.index}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is shown in the end; `stages` says how many tasks each has."""

    id: int
    name: str
    state: str
    stages: Mapping[str, int]
    by_state: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class History:
    submits: Sequence[Submit] = ()
    cancels: Sequence[Cancel] = ()
    truth: Sequence[Mark] = ()
    """In the order in which it was written."""
    jobs: Sequence[Job] = ()
    events: Sequence[Event] = ()
    """In the order of their numbers."""
    logs: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Standard output by task and attempt, of all that have one."""

    def events_of(self) -> Mapping[int, Sequence[Event]]:
        by_job: defaultdict[int, list[Event]] = defaultdict(list)
        for event in self.events:
            by_job[event.job].append(event)
        return by_job

    def cancelled_jobs(self) -> frozenset[int]:
        """Jobs that somebody at least tried to cancel: their processes may end before their time."""
        return frozenset(cancel.job for cancel in self.cancels)


def problems(history: History) -> list[str]:
    """Every promise that was broken, in a sentence each; empty when all is well."""
    return [problem for rule in RULES for problem in rule(history)]


def nothing_is_lost(history: History) -> Iterator[str]:
    there = {job.id: job for job in history.jobs}
    for submit in history.submits:
        if submit.job is None:
            continue
        if submit.job not in there:
            yield f"job {submit.job} was acknowledged to {submit.token} and is gone"
        elif there[submit.job].name != submit.token:
            yield f"job {submit.job} was acknowledged to {submit.token} and is {there[submit.job].name}"


def nothing_is_doubled(history: History) -> Iterator[str]:
    """The same token is the same job, whether an answer came or not; and nothing is there that nobody submitted."""
    known = {submit.token for submit in history.submits}
    for token, times in Counter(job.name for job in history.jobs).items():
        if token not in known:
            yield f"{token} was never submitted and is there"
        elif times > 1:
            yield f"{token} is there {times} times"


def ids_are_given_once(history: History) -> Iterator[str]:
    tokens: defaultdict[int, set[str]] = defaultdict(set)
    ids: defaultdict[str, set[int]] = defaultdict(set)
    for submit in history.submits:
        if submit.job is not None:
            tokens[submit.job].add(submit.token)
            ids[submit.token].add(submit.job)
    yield from (f"id {job} was given to {' and '.join(sorted(to))}" for job, to in tokens.items() if len(to) > 1)
    yield from (f"{token} was given the ids {sorted(given)}" for token, given in ids.items() if len(given) > 1)
    shown = Counter(job.id for job in history.jobs)
    yield from (f"id {job} is shown {times} times" for job, times in shown.items() if times > 1)


def every_job_ends_once(history: History) -> Iterator[str]:
    events = history.events_of()
    for job in history.jobs:
        if job.state not in FINAL:
            yield f"job {job.id} has not ended: it is {job.state}"
        ends = sum(event.kind == "ended" for event in events[job.id])
        if ends != 1:
            yield f"job {job.id} ended {ends} times"


def states_follow_the_automaton(history: History) -> Iterator[str]:
    """The events lead each task from state to state as declared, and to the numbers that are shown."""
    events = history.events_of()
    yield from (f"job {job} has events and is not there" for job in events.keys() - {job.id for job in history.jobs})
    for job in history.jobs:
        yield from _replay(job, events[job.id])


def _replay(job: Job, events: Sequence[Event]) -> Iterator[str]:
    states = {(stage, index): "waiting" for stage, total in job.stages.items() for index in range(total)}
    for event in events:
        if event.stage is None or (event.index is None and event.kind in NOTES):
            continue
        elif event.index is None:
            yield from _move_stage(states, event)
        else:
            yield from _move_task(states, event)
    counted = Counter(states.values())
    if counted != Counter(job.by_state):
        yield f"job {job.id} shows {dict(job.by_state)}, and its events add up to {dict(counted)}"


def _move_stage(states: dict[tuple[str, int], str], event: Event) -> Iterator[str]:
    """What happens to a whole stage happens to those of its tasks to which it can."""
    moved = 0
    for place, state in states.items():
        if place[0] == event.stage and state in ("waiting", "queued") and event.kind in MOVES[state]:
            states[place] = MOVES[state][event.kind]
            moved += 1
    if event.tasks is not None and event.tasks != moved:
        yield f"event {event.seq} says {event.kind} of {event.tasks} tasks of {event.job}.{event.stage}, not {moved}"


def _move_task(states: dict[tuple[str, int], str], event: Event) -> Iterator[str]:
    assert event.stage is not None
    assert event.index is not None
    state = states.get((event.stage, event.index))
    if state is None:
        yield f"event {event.seq} is about {event.task}, which does not exist"
    elif event.kind in NOTES and state not in FINAL:
        return
    elif event.kind not in MOVES.get(state, {}):
        yield f"task {event.task} was {state} when it was {event.kind} (event {event.seq})"
    else:
        states[event.stage, event.index] = MOVES[state][event.kind]


def attempts_are_counted(history: History) -> Iterator[str]:
    """They are numbered one after the other, and no more than allowed: lost machines do not count."""
    allowed = {submit.token: submit.tries for submit in history.submits}
    names = {job.id: job.name for job in history.jobs}
    numbers: defaultdict[str, list[int | None]] = defaultdict(list)
    lost: Counter[str] = Counter()
    for event in history.events:
        if event.kind == "dispatched":
            numbers[event.task].append(event.attempt)
        elif event.reason == "node-lost":
            lost[event.task] += 1
    for task, given in numbers.items():
        if given != list(range(1, len(given) + 1)):
            yield f"task {task} was dispatched as attempts {given}"
        tries = allowed.get(names.get(int(task.split(".")[0]), ""), 1)
        if len(given) - lost[task] > tries:
            yield f"task {task} was tried {len(given) - lost[task]} times, and {tries} were allowed"


def nothing_runs_unknown_or_twice(history: History) -> Iterator[str]:
    dispatched = {(event.task, event.attempt) for event in history.events if event.kind == "dispatched"}
    names = {job.id: job.name for job in history.jobs}
    newest: dict[str, int] = {}
    started: set[tuple[str, int]] = set()
    for mark in history.truth:
        place = (mark.task, mark.attempt)
        if mark.what == "beside":
            yield f"task {mark.task} was alive twice when attempt {mark.attempt} began"
        elif mark.what == "finish" and mark.attempt < newest.get(mark.task, 0):
            yield f"attempt {mark.task}/{mark.attempt} finished when attempt {newest[mark.task]} had begun"
        elif mark.what == "start":
            if place in started:
                yield f"attempt {mark.task}/{mark.attempt} was started twice"
            if place not in dispatched:
                yield f"attempt {mark.task}/{mark.attempt} ran, and nobody knows of it"
            if names.get(int(mark.task.split(".")[0])) != mark.token:
                yield f"attempt {mark.task}/{mark.attempt} ran the program of {mark.token}"
            started.add(place)
            newest[mark.task] = mark.attempt


def ends_are_known(history: History) -> Iterator[str]:
    """A program that finished ended as it says itself, whatever died meanwhile; and no end is made up."""
    ends = {
        (event.task, event.attempt): event for event in history.events if event.index is not None and event.kind in ENDS
    }
    finished = {(mark.task, mark.attempt): mark.code for mark in history.truth if mark.what == "finish"}
    cancelled = history.cancelled_jobs()
    for place, code in finished.items():
        told = ends.get(place)
        if told is None:
            yield f"attempt {place[0]}/{place[1]} finished, and its end is unknown"
        elif told.exit_code != code and told.job not in cancelled:
            yield f"attempt {place[0]}/{place[1]} ended with {code}, and is told as {told.reason} {told.exit_code}"
    for (task, attempt), end in ends.items():
        if end.reason in ("ok", "error") and (task, attempt) not in finished and end.job not in cancelled:
            yield f"attempt {task}/{attempt} is told as {end.reason} {end.exit_code}, and never finished"


def nothing_starts_after_a_cancel(history: History) -> Iterator[str]:
    events = history.events_of()
    jobs = {job.id: job for job in history.jobs}
    for cancel in history.cancels:
        if cancel.did not in ("cancelled", "cancelling") or cancel.ended is None:
            continue
        asked = [event.seq for event in events[cancel.job] if event.kind == "cancel-requested"]
        if not asked:
            yield f"the cancel of job {cancel.job} was acknowledged and left no event"
            continue
        for event in events[cancel.job]:
            if event.kind == "dispatched" and (event.seq > asked[0] or event.at > cancel.ended):
                yield f"attempt {event.task}/{event.attempt} was dispatched after the cancel of its job"
        job = jobs.get(cancel.job)
        if cancel.did == "cancelled" and job is not None and not job.by_state.get("cancelled"):
            yield f"job {cancel.job} was cancelled and is {job.state}"


def logs_are_complete(history: History) -> Iterator[str]:
    """Of a finished program to its last line; of one that was ended, a beginning of that."""
    prints = {submit.token: submit.prints for submit in history.submits}
    tokens = {job.id: job.name for job in history.jobs}
    finished = {(mark.task, mark.attempt) for mark in history.truth if mark.what == "finish"}
    yield from (f"the log of {task}/{attempt} is gone" for task, attempt in sorted(finished - history.logs.keys()))
    for (task, attempt), text in history.logs.items():
        token = tokens.get(int(task.split(".")[0]), "")
        whole = "".join(f"{token} {number}\n" for number in range(1, prints.get(token, 0) + 1))
        if (task, attempt) in finished and text != whole:
            yield f"the log of {task}/{attempt} has {text.count(token)} lines of {prints.get(token, 0)}, or others"
        elif not whole.startswith(text):
            yield f"the log of {task}/{attempt} is not what it printed"


RULES: Final[Sequence[Callable[[History], Iterator[str]]]] = (
    nothing_is_lost,
    nothing_is_doubled,
    ids_are_given_once,
    every_job_ends_once,
    states_follow_the_automaton,
    attempts_are_counted,
    nothing_runs_unknown_or_twice,
    ends_are_known,
    nothing_starts_after_a_cancel,
    logs_are_complete,
)

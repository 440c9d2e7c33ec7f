"""A laboratory in full work, for pictures and for hostile names: one person's view of a server that answers sensibly.

Each text that a person could have chosen passes `word`, so that a test can give all of them other people's bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tests.fakes_manager import NOW, FakeManager, a_job, a_stage, a_task, an_attempt
from tovi_server.api import SubmitOptions
from tovi_server.core import views
from tovi_server.core.errors import NotFoundError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import Reference
from tovi_server.core.reasons import Reason

Word = Callable[[str], str]

GIB = 2**30
RATES = ("0.1", "0.03", "0.01", "0.003", "0.001", "3e-4")
SEEDS = ("0", "1", "2", "3", "4")
STATES: Final = ("succeeded",) * 18 + ("failed",) * 2 + ("running",) * 3 + ("queued",) * 7
"""Of the tasks of the sweep."""
SPEC = """\
name: cifar-sweep
params: {epochs: 90, batch: 256}
stages:
  prepare:
    run: python prepare.py
    resources: {cpus: 4, memory: 16G}
  train:
    needs: [prepare]
    matrix:
      lr: [0.1, 0.03, 0.01, 0.003, 0.001, 3e-4]
      seed: 0..4
    run: python train.py --lr $lr --seed $seed --epochs $epochs
    resources: {cpus: 8, memory: 32G, gpus: 1}
  report:
    needs: [train]
    run: python report.py
"""


KINDS: Final = ("frog", "truck", "deer", "car", "horse", "ship", "cat", "bird", "dog", "plane")
README: Final = """\
# {name}

60,000 colour pictures of 32 by 32, 6,000 of each of ten kinds.

- train/      50,000 pictures
- labels.csv  what is on them, and how many people said so
"""


def asked(cpus: int, memory_gib: int, gpus: int = 0, gpu: str | None = None) -> views.Requested:
    return views.Requested(cpus * 1000, memory_gib * GIB, 10 * GIB, gpus, gpu)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _at(epoch: int) -> str:
    """The accuracy then, of a model that learns ever more slowly."""
    return f"{0.93 - 0.6 / (epoch + 1):.3f}"


def ago(**time: float) -> timedelta:
    return timedelta(**time)


class Lab(FakeManager):
    """`word` makes what people named."""

    def __init__(self, word: Word = str) -> None:
        super().__init__()
        self.word = word
        self.job_list = tuple(self._jobs())
        table = "".join(f"{number:04}.png,{word(kind)},{number * 37 % 101}\n" for number, kind in enumerate(KINDS))
        self.files = {
            f"datasets/cifar-10/{word('labels')}.csv": _bytes(f"file,{word('kind')},votes\n{table}"),
            **{f"datasets/cifar-10/train/{number:04}.png": b"x" * 4000 for number in range(len(KINDS))},
            "datasets/cifar-10/README.md": _bytes(README.format(name=word("CIFAR-10"))),
        }
        self.log_bytes = {(f"412.train.{index}", "out"): self._log(index) for index in range(18, 23)}
        self.endless = True

    def _log(self, index: int) -> bytes:
        said = self.word("loss")
        lines = (
            f"epoch {number:3}  {said} {index / 9 / (number + 1):.4f}  val_acc {_at(number)}" for number in range(90)
        )
        warned = f"\x1b[33mwarning\x1b[0m \x1b[38;5;40m{self.word('learning rate halved')}\x1b[0m"
        return _bytes("\n".join((*lines, warned, "")))

    def _jobs(self) -> list[views.JobView]:
        word = self.word
        tasks = {"succeeded": 19, "failed": 2, "running": 3, "waiting": 1, "queued": 7}
        sweep = a_job(
            412,
            name=word("cifar-sweep"),
            tags=(word("paper"), word("v2")),
            note=word("for figure 3"),
            reason=Reason("error", word("2 failed: out of memory")),
            stages=self._stages(),
            requested=asked(8, 32, 1, "h100"),
            tasks_total=32,
            tasks_by_state=tasks,
            spec=SPEC,
            snapshot="3f2a9c",
        )
        waits = "waits for 4 h100 on one node: node-07 has 3 free, the 4th is held by 401"
        rest: list[tuple[int, str, str, Mapping[str, object]]] = [
            (411, "lens-survey", "running", {"requested": asked(4, 16), "tasks_total": 3, "user": "ada"}),
            (409, "bigsim", "queued", {"requested": asked(64, 400, 4, "h100"), "reason": Reason("resources", waits)}),
            (407, "notebook", "queued", {"held": True, "reason": Reason("held", "held by ada")}),
            (405, "星系-classifier", "running", {"user": "bob", "requested": asked(16, 64, 2, "a100")}),
            (404, "tokenise", "running", {"user": "bob", "tasks_total": 100, "tasks_by_state": {"succeeded": 61}}),
            (403, "ablation-long-name-that-does-not-fit-anywhere", "waiting", {"user": "carla"}),
            (401, "pretrain", "running", {"user": "carla", "requested": asked(32, 256, 8, "h100")}),
        ]
        return [sweep, *(self._job(number, name, state, more) for number, name, state, more in rest)]

    def _job(self, number: int, name: str, state: str, more: Mapping[str, object]) -> views.JobView:
        reason = more.get("reason")
        told = {"reason": Reason(reason.code, self.word(reason.message))} if isinstance(reason, Reason) else {}
        started = None if state in {"queued", "waiting"} else NOW - ago(minutes=number - 340)
        named = {**more, "user": self.word(str(more.get("user", "ada")))}
        return a_job(number, name=self.word(name), state=state, started_at=started, tags=(), **{**named, **told})

    def _stages(self) -> tuple[views.StageView, ...]:
        train = {"succeeded": 18, "failed": 2, "running": 3, "queued": 7}
        names = [self.word(name) for name in ("prepare", "train", "report")]
        return (
            a_stage(names[0], id="412.prepare", state="succeeded", tasks_by_state={"succeeded": 1}),
            a_stage(
                names[1], id="412.train", needs=(names[0],), tasks_total=30, tasks_by_state=train, max_concurrent=3
            ),
            a_stage(names[2], id="412.report", needs=(names[1],), state="waiting", tasks_by_state={"waiting": 1}),
        )

    def tasks(self) -> list[views.TaskView]:
        """The sweep: 6 learning rates by 5 seeds."""
        cells = [(rate, seed) for rate in RATES for seed in SEEDS]
        return [self._task(index, rate, seed) for index, (rate, seed) in enumerate(cells)]

    def _task(self, index: int, rate: str, seed: str) -> views.TaskView:
        state = STATES[index]
        ran = state != "queued"
        task = a_task(
            index,
            self.word("train"),
            id=f"412.train.{index}",
            job=412,
            params={self.word("lr"): self.word(rate), self.word("seed"): seed},
            state=state,
            attempt=1 if ran else 0,
            node=self.word(f"node-{index % 8:02d}") if ran else None,
            started_at=NOW - ago(minutes=61) if ran else None,
            ended_at=NOW - ago(minutes=4) if state in {"succeeded", "failed"} else None,
            requested=asked(8, 32, 1, "h100"),
            metrics={self.word("val_acc"): 0.81 + index / 200, self.word("loss"): 1.2 - index / 40}
            if state == "succeeded"
            else {},
        )
        used = views.Used(cpu_s=24_000.0 + 100 * index, memory_bytes=(20 + index % 12) * GIB)
        if state == "failed":
            return replace(
                task, attempt=2, reason=self._out_of_memory(), exit_code=137, used=replace(used, memory_bytes=33 * GIB)
            )
        return replace(task, used=used) if ran else replace(task, reason=Reason("max-concurrent", "3 of at most 3 run"))

    def _out_of_memory(self) -> Reason:
        return Reason("out-of-memory", self.word("out of memory: 33.1 of 32 GiB"), {"memory_bytes": 33 * GIB})

    def _attempts(self, task: views.TaskView) -> tuple[views.AttemptView, ...]:
        """The last as the task tells it; one before it ended as it did."""
        last = an_attempt(
            task.attempt,
            node=task.node,
            started_at=task.started_at,
            ended_at=task.ended_at,
            reason=task.reason,
            exit_code=task.exit_code,
            used=task.used,
        )
        before = replace(
            last,
            attempt=1,
            node=self.word(f"node-{(task.index + 3) % 8:02d}"),
            dispatched_at=NOW - ago(hours=2),
            started_at=NOW - ago(hours=2),
            ended_at=NOW - ago(minutes=62),
        )
        return (before, last)[2 - task.attempt :]

    async def check(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Checked:
        self._note("check", options)
        await self._drink(source)
        stages = (
            self._stage("prepare", asked(4, 16)),
            self._stage("train", asked(8, 32, 1), tasks_total=30),
            self._stage("report", asked(1, 2)),
        )
        return views.Checked(self.word("cifar-sweep"), stages, 32, ())

    def _stage(self, name: str, requested: views.Requested, **changes: object) -> views.StageView:
        return a_stage(self.word(name), requested=requested, **changes)

    async def jobs(self, filter: JobFilter, page: Page) -> views.JobPage:
        self._note("jobs", (filter, page))
        found = [job for job in self.job_list if page.before is None or job.id < page.before]
        if ids := getattr(filter, "ids", ()):
            found = [job for job in found if job.id in ids]
        return views.JobPage(tuple(found[: page.limit]), found[page.limit - 1].id if len(found) > page.limit else None)

    async def show(
        self, reference: Reference, *, where: Mapping[str, str] | None = None, files: bool = False, limit: int = 200
    ) -> views.Details:
        self._note("show", (reference, where, files, limit))
        job = next((job for job in self.job_list if job.id == reference.job), None)
        if job is None:
            raise NotFoundError(f"there is no {reference}", hint="`jobs` lists yours")
        listing = (views.FileView(self.word("train.py"), 4812, NOW), views.FileView("tovi.yaml", len(SPEC), NOW))
        return views.Details(job, self._tasks_of(reference)[:limit], 0, listing if files else ())

    def _tasks_of(self, reference: Reference) -> tuple[views.TaskView, ...]:
        tasks = self.tasks() if reference.job == 412 else [a_task(0, job=reference.job, id=f"{reference.job}.main.0")]
        if reference.stage in {"prepare", "report"}:
            return (a_task(0, reference.stage, id=f"412.{reference.stage}.0", job=412),)
        if reference.index is None:
            return tuple(tasks)
        return tuple(replace(task, attempts=self._attempts(task)) for task in tasks if task.index == reference.index)

    async def why(self, reference: Reference) -> views.Why:
        self._note("why", reference)
        what = (
            next(job for job in self.job_list if job.id == reference.job)
            if reference.index is None
            else self._tasks_of(reference)[0]
        )
        return views.Why(str(reference), what.state, (what.reason,) if what.reason else ())

    async def logs(self, reference: Reference, options: object) -> AsyncIterator[views.LogPiece]:
        self._note("logs", (reference, options))
        for number in range(200):
            line = self.word(f"epoch {number} loss {1 / (number + 1):.4f}")
            yield views.LogPiece(str(reference), "out", f"{line}\n".encode(errors="surrogateescape"), NOW)

    async def metrics(self, reference: Reference) -> tuple[views.MetricsRow, ...]:
        self._note("metrics", reference)
        return tuple(views.MetricsRow(task.id, task.state, task.params, task.metrics) for task in self.tasks()[:18])

    async def nodes(self) -> tuple[views.NodeView, ...]:
        self._note("nodes")
        return tuple(self._node(index) for index in range(8))

    def _node(self, index: int) -> views.NodeView:
        gpu = "h100" if index < 4 else "a100" if index < 6 else None
        gpus = 8 if gpu else 0
        free = asked(48 - index * 5, 400 - index * 40, max(0, 3 - index) if gpu else 0, gpu)
        tasks = tuple(f"412.train.{one}" for one in range(18, 23) if one % 8 == index)
        return views.NodeView(self.word(f"node-{index:02d}"), index != 7, asked(64, 512, gpus, gpu), free, tasks, NOW)

    async def queues(self) -> tuple[views.QueueView, ...]:
        self._note("queues")
        return (views.QueueView("default", queued=127, running=41),)

    async def datasets(self, *, project: str | None) -> tuple[views.DatasetView, ...]:
        self._note("datasets", project)
        names = ("cifar-10", "lens-scans", "tokens")
        return tuple(
            views.DatasetView(self.word(name), "lens", 60_000 + at, (at + 1) * 7 * GIB, NOW - ago(days=at))
            for at, name in enumerate(names)
        )

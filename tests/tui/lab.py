"""A laboratory in full work, for pictures and for hostile names: one person's view of a server that answers sensibly.

Each text that a person could have chosen passes `word`, so that a test can give all of them other people's bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from tests.fakes_manager import NOW, FakeManager, a_job, a_stage, a_task, an_attempt
from tovi_server.core import views
from tovi_server.core.errors import NotFoundError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import Reference
from tovi_server.core.reasons import Reason

Word = Callable[[str], str]

GIB = 2**30
RATES = ("0.1", "0.03", "0.01", "0.003", "0.001", "3e-4")
SEEDS = ("0", "1", "2", "3", "4")
OUT_OF_MEMORY = Reason("out-of-memory", "out of memory: 33.1 of 32 GiB", {"memory_bytes": 33 * GIB})
SPEC = """\
name: cifar-sweep
stages:
  prepare:
    run: python prepare.py
    resources: {cpus: 4, memory: 16G}
  train:
    needs: [prepare]
    matrix:
      lr: [0.1, 0.03, 0.01, 0.003, 0.001, 3e-4]
      seed: 0..4
    run: python train.py --lr $lr --seed $seed
    resources: {cpus: 8, memory: 32G, gpus: 1}
  report:
    needs: [train]
    run: python report.py
"""


def asked(cpus: int, memory_gib: int, gpus: int = 0, gpu: str | None = None) -> views.Requested:
    return views.Requested(cpus * 1000, memory_gib * GIB, 10 * GIB, gpus, gpu)


def ago(**time: float) -> timedelta:
    return timedelta(**time)


class Lab(FakeManager):
    """`word` makes what people named."""

    def __init__(self, word: Word = str) -> None:
        super().__init__()
        self.word = word
        self.job_list = tuple(self._jobs())
        log = "".join(f"epoch {number} {word('loss')} {1 / (number + 1):.4f}\n" for number in range(500))
        colours = f"\x1b[31m{word('red')}\x1b[0m \x1b[38;5;40m{word('green')}\x1b[0m\n"
        table = f"{word('name')},size\n{word('galaxy')},12\nstar,7\n".encode(errors="surrogateescape")
        self.files = {
            f"datasets/cifar-10/{word('labels')}.csv": table,
            "datasets/cifar-10/train/0001.png": b"x" * 4000,
            "datasets/cifar-10/README.md": f"# {word('CIFAR-10')}\n".encode(errors="surrogateescape"),
        }
        self.log_bytes = {("412.train.6", "out"): (log + colours).encode(errors="surrogateescape")}

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
        state = (
            "succeeded"
            if index < 18
            else ("failed", "failed", "running", "running", "running", "queued")[min(index - 18, 5)]
        )
        task = a_task(
            index,
            self.word("train"),
            id=f"412.train.{index}",
            job=412,
            params={self.word("lr"): self.word(rate), self.word("seed"): seed},
            state=state,
            node=None if state == "queued" else self.word(f"node-{index % 8:02d}"),
            requested=asked(8, 32, 1, "h100"),
            used=views.Used(cpu_s=6200.0 + index, memory_bytes=(20 + index % 12) * GIB),
            metrics={self.word("val_acc"): 0.81 + index / 200, self.word("loss"): 1.2 - index / 40}
            if index < 18
            else {},
        )
        if state == "failed":
            return replace(task, reason=Reason("out-of-memory", self.word(OUT_OF_MEMORY.message)), exit_code=137)
        return task

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
        tried = (an_attempt(1, node=self.word("node-03")), an_attempt(2, node=self.word("node-05")))
        return tuple(replace(task, attempts=tried, attempt=2) for task in tasks if task.index == reference.index)

    async def why(self, reference: Reference) -> views.Why:
        self._note("why", reference)
        job = next(job for job in self.job_list if job.id == reference.job)
        reason = job.reason or Reason("next", self.word("nothing stands in its way"))
        return views.Why(str(reference), job.state, (reason,))

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

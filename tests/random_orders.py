"""Orders as people can cause them, at random: all that may differ between two pods, with what is hard about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from k8s import manifests
from k8s.binding import Binding
from k8s.capacity import Wanted
from k8s.manifests import Manifest
from k8s.overlay import Overlay
from k8s.settings import PodSettings
from k8s.tolerations import Toleration
from scheduler.ports import Mount, Order, Owner
from tovi_server.core.durations import LONGEST
from tovi_server.core.ids import LARGEST_JOB_ID, AttemptId, JobId, TaskId
from tovi_server.core.resources import LARGEST_BYTES, MIB, Resources

ROOT: Final = Path("/var/lib/tovi")

_WORDS: Final = ("train", "a", "lens-survey", "x1", "_ada", "n-", "a--b", "q_", "zz__")
_STRANGE: Final = (
    "$(HOSTNAME)",
    "$$",
    "${HOME}",
    "`id`",
    "'\"",
    "a b",
    " ",
    "..a",
    "-rf",
    "é",
    "日本",
    "\U0001f52d",
    "\\",
    "%s",
    "{}",
    "#",
)
_IMAGES: Final = (
    *(
        "python",
        "python:3.12-slim",
        "python:latest",
        "localhost:5000/x",
        "[::1]:5000/x/y",
        "a__b--c.d/e",
        "ghcr.io/astro/lens:1.8",
    ),
    *(f"python@sha256:{'0a' * 32}", f"python:3@sha512:{'0a' * 64}", f"{'a' * 127}/{'b' * 127}:{'t' * 128}"),
)
_VARIABLES: Final = ("TOVI_STAGE", "TOVI_CODE", "TOVI_DATA", "TOVI_OUT", "LANG", "PATH")
_NODES: Final = ("node1", "gpu-07.cluster.example.org", "0", "a" * 63, ".".join(["b" * 50] * 4))


@dataclass(frozen=True)
class Case:
    """One pod that Tovi would make."""

    order: Order
    settings: PodSettings
    image: str
    gpu_resource: str

    def manifest(self) -> Manifest:
        return manifests.manifest(self.order, self.settings, image=self.image, gpu_resource=self.gpu_resource)


def case(chance: Random, *, namespace: str = "tovi") -> Case:
    return Case(
        order=_order(chance),
        settings=_settings(chance, namespace),
        image=chance.choice(_IMAGES),
        gpu_resource=chance.choice(("nvidia.com/gpu", "amd.com/gpu", "nvidia.com/mig-1g.10gb")),
    )


def _order(chance: Random) -> Order:
    attempt = AttemptId(
        TaskId(JobId(_number(chance, LARGEST_JOB_ID)), _stage(chance), _number(chance, 999_999)), _number(chance, 200)
    )
    project = ROOT / "projects" / _account(chance)
    control = project / f"jobs/{attempt.task.job}/{attempt.task.stage}.{attempt.task.index}/attempts/{attempt.number}"
    return Order(
        attempt=attempt,
        project=project.name,
        node=chance.choice(_NODES),
        image=None,
        request=_request(chance),
        gpu_ids=(),
        timeout=timedelta(seconds=_number(chance, int(LONGEST.total_seconds()))),
        grace=timedelta(seconds=chance.choice((0, 0.4, 1, 30, 86_400))),
        script="true",
        environment={name: _text(chance) for name in _VARIABLES} | {"USER": _account(chance)},
        owner=Owner(10001, 10001),
        control=control,
        work=ROOT / f"scratch/{attempt.task}.{attempt.number}",
        log_limit_bytes=MIB,
        mounts=tuple(_mounts(chance, project, control)),
        passwd=control / "passwd",
    )


def _mounts(chance: Random, project: Path, control: Path) -> list[Mount]:
    datasets = {_file_name(chance) for _ in range(chance.randrange(4))}
    read = [project / "trees/ab12", control.parents[2], *(project / "datasets" / name for name in sorted(datasets))]
    env = [Mount(project / f"env/{chance.randrange(99)}", writable=chance.random() < 0.5)]
    own = [Mount(control / name, writable=True) for name in ("outputs", "stdout.log", "stderr.log")]
    return [*(Mount(path) for path in read), *own, *(env if chance.random() < 0.5 else ())]


def _settings(chance: Random, namespace: str) -> PodSettings:
    return PodSettings(
        namespace=namespace,
        installation="tovi-0123456789abcdef",
        prefix=chance.choice(("tovi", "t", "a-rather-long-name-for-an-installation")),
        claim="tovi-data",
        root=ROOT,
        claim_path=chance.choice(("", "tovi", "groups/lens survey")),
        image="",
        pull_secrets=chance.choice(((), ("registry",), ("a", "b.c"))),
        overlays={name: _overlay(chance) for name in _WORDS if chance.random() < 0.5},
        binding=chance.choice(tuple(Binding)),
        uid=chance.choice((1, 10001, 2**31 - 1)),
        gid=chance.choice((1, 10001, 2**31 - 1)),
        wanted=Wanted({}, chance.choice(((), _TOLERATIONS)), ("nvidia.com/gpu",)),
    )


_TOLERATIONS: Final = (
    Toleration(key="gpu", operator="Equal", value="yes", effect="NoSchedule"),
    Toleration(key="example.org/lab", operator="Exists"),
    Toleration(operator="Exists", effect="NoExecute"),
)


def _overlay(chance: Random) -> Overlay:
    labels = {"team": "optics", "example.org/cost-centre": "42"}
    return Overlay(
        labels=chance.choice(({}, labels)),
        annotations=chance.choice(({}, {"example.org/note": "$(HOSTNAME) é\n"})),
        image_pull_secrets=chance.choice(((), ("lens-registry",))),
    )


def _request(chance: Random) -> Resources:
    return Resources(
        cpu_millicores=_number(chance, 10**9),
        memory_bytes=_number(chance, LARGEST_BYTES),
        disk_bytes=chance.choice((0, _number(chance, LARGEST_BYTES))),
        gpus=chance.choice((0, 0, 1, 8, 100_000)),
    )


def _number(chance: Random, most: int) -> int:
    """Mostly a small one, sometimes the largest."""
    return chance.choice((1, chance.randint(1, min(most, 99)), chance.randint(1, most), most))


def _account(chance: Random) -> str:
    return chance.choice((*_WORDS, "a" * 32, "_"))


def _stage(chance: Random) -> str:
    return chance.choice(("main", "fit_model", "a-1", "b" * 63, "c-_", f"d{chance.randrange(10**9)}"))


def _text(chance: Random) -> str:
    return "".join(chance.choice(_WORDS + _STRANGE) for _ in range(chance.randrange(5)))


def _file_name(chance: Random) -> str:
    """Of a dataset: anything that a folder can be called, but for what the job file's reader refuses."""
    name = "".join(chance.choice(_WORDS + _STRANGE) for _ in range(chance.randint(1, 40))).lstrip(".")
    return name.encode()[:255].decode(errors="ignore") or "x"

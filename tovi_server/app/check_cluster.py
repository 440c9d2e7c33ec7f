"""What a server has of a cluster: what the cluster says of itself, and what a real task can do there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Final

from k8s.check import Check, open_check
from k8s.ended import Ended
from k8s.errors import ApiError
from k8s.probing import Stuck
from k8s.settings import PodSettings
from scheduler.ports import Order, Owner
from tovi_server.app.executors import installation
from tovi_server.app.kubernetes import kubernetes_settings
from tovi_server.core.errors import UsageError
from tovi_server.core.events import Exited, Lost
from tovi_server.core.findings import Finding, fine, note, short
from tovi_server.core.reasons import EndReason
from tovi_server.files import probe
from tovi_server.files.datadir import DataDir
from tovi_server.files.probe import Answer
from tovi_server.settings import Settings

_WHAT: Final = "probe task"
_OTHER_VOLUME: Final = (
    "[executor.kubernetes] claim and claim_path must name the place where the data directory lies:\n"
    "the server's claim and that of the tasks are one volume, and claim_path is the data directory's folder on it"
)


async def findings(root: Path, settings: Settings, *, with_task: bool) -> AsyncIterator[Finding]:
    """As they are found."""
    given = kubernetes_settings(settings, root, installation(root / "server"))
    with closing(DataDir(root)) as data:
        order = probe.probe_order(data, Owner(given.pods.uid, given.pods.gid))
        try:
            async with open_check(given, order) as check:
                async for finding in check.findings():
                    yield finding
                if check.node and with_task:
                    yield await _task(check, data, given.pods)
                if check.node:
                    yield await check.process_limit()
        except UsageError as error:
            yield short("api server", error.in_one_line, error.hint)


async def _task(check: Check, data: DataDir, settings: PodSettings) -> Finding:
    if not settings.image:
        todo = "[executor.kubernetes] image names one, also for jobs that name none"
        return note(_WHAT, "none was run, for there is no image for it", todo)
    try:
        with probe.laid_out(data, check.order) as given:
            match await check.run_probe():
                case Stuck(why):
                    return _stuck(why, check.order, settings)
                case Ended(_, Exited(reason=EndReason.OK)):
                    return _answered(probe.answer(data, check.order), given, check.order, settings)
                case Ended(_, report):
                    return _failed(report, probe.complaint(data, check.order))
    except ApiError as error:
        return short(_WHAT, error.in_one_line, error.hint)


def _stuck(why: str, order: Order, settings: PodSettings) -> Finding:
    todo = (
        f"nodes must be able to pull {settings.image}: [executor.kubernetes] image, image_pull_secrets"
        if "image" in why.lower()
        else f"kubectl get events -n {settings.namespace}"
    )
    return short(_WHAT, f"its pod on {order.node} did not run: {why}", todo)


def _failed(report: Exited | Lost, complaint: str) -> Finding:
    """Where the volume is another one, it finds neither its script nor its logs."""
    if isinstance(report, Lost):
        return short(_WHAT, report.message, "run this again")
    code = "" if report.exit_code is None else f", exit code {report.exit_code}"
    words = f"it ended with {report.reason.value}{code}{f': {report.message}' if report.message else ''}"
    if complaint:
        return short(
            _WHAT, f"{words}; it said: {complaint}", f"look whether uid and gid may use the volume; {_OTHER_VOLUME}"
        )
    return short(_WHAT, f"{words}; its folder is not in what it sees of the volume", _OTHER_VOLUME)


def _answered(answer: Answer | None, given: str, order: Order, settings: PodSettings) -> Finding:
    if answer is None or answer.given != given:
        return short(_WHAT, "it ran, but what it wrote is not in the data directory", _OTHER_VOLUME)
    if (answer.uid, answer.gid) != (str(settings.uid), str(settings.gid)):
        words = f"it ran as uid {answer.uid}, gid {answer.gid}, not as {settings.uid} and {settings.gid}"
        return short(
            _WHAT, words, "something in the cluster changes Tovi's pods: look for a mutating admission webhook"
        )
    if answer.seen_uid != answer.uid:
        words = f"what uid {answer.uid} wrote belongs to uid {answer.seen_uid} here"
        return short(_WHAT, words, "the volume's server must not map ids (NFS: no all_squash)")
    words = f"it ran on {order.node} as uid {answer.uid}, gid {answer.gid}, from {settings.image}"
    return fine(_WHAT, f"{words}; it read a file of the data directory, and the server read what it wrote")

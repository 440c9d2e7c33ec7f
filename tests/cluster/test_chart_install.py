"""The chart, installed: people use it over a node's port, and its pods come and go under them."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests import kube
from tests.installed import RELEASE, Installed, installed
from tests.live import ADMIN
from tests.waiting import eventually as eventually_within

pytestmark = pytest.mark.postgres

TAKEN_OVER_S = 15
CLIENTS = 2
eventually = partial(eventually_within, deadline_s=120)
PAUSE_S = 1.0
JOB = b"""
run: echo ran; sleep 3
resources: {cpus: 0.05, memory: 32Mi, disk: 100Mi}
"""


@pytest.fixture(scope="module")
def tovi() -> Iterator[Installed]:
    with installed() as one:
        yield one


@dataclass
class Load:
    """People who submit one job after the other, and remember which were acknowledged."""

    tovi: Installed
    acknowledged: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        over = threading.Event()
        with ThreadPoolExecutor(CLIENTS) as people:
            for _ in range(CLIENTS):
                people.submit(self._submit_until, over)
            try:
                yield
            finally:
                over.set()

    def _submit_until(self, over: threading.Event) -> None:
        while not over.wait(PAUSE_S):
            answer = self.tovi.people.ssh("submit", stdin=JOB)
            if answer.code == 0:
                self.acknowledged.append(int(answer.out))
            else:
                self.refusals.append(f"{answer.code} {answer.err.decode()}")

    def assert_each_ran_once(self) -> None:
        """By what Tovi says, and by what the jobs themselves left on the volume."""
        assert self.acknowledged
        ended = self.tovi.people.ssh("wait", *map(str, self.acknowledged), "--timeout", "100s", deadline_s=110)
        assert ended.code == 0, ended
        assert {job: self._printed(job) for job in self.acknowledged} == dict.fromkeys(self.acknowledged, "ran\n")

    def _printed(self, job: int) -> str:
        """In all its attempts: a node may refuse one that another's pod was faster than, and then it never ran."""
        attempts = self.tovi.data / f"projects/{ADMIN}/jobs/{job}/main.0/attempts"
        return "".join(log.read_text() for log in attempts.glob("*/stdout.log"))


def test_a_job_runs_in_a_pod_of_the_other_namespace_and_its_results_come_back(tovi: Installed, tmp_path: Path) -> None:
    (tmp_path / "stars").mkdir()
    (tmp_path / "stars/a.csv").write_text("1\n2\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code/add.py").write_text("import sys; print(sum(map(int, open(sys.argv[1]))))\n")
    (tmp_path / "code/tovi.yaml").write_text(
        "data: {stars: datasets/stars}\n"
        'run: python3 add.py "$TOVI_DATA/stars/a.csv" >sum; hostname >where\n'
        "resources: {cpus: 0.1, memory: 64Mi, disk: 100Mi}\n"
        "outputs: [sum, where]\n"
    )

    done = tovi.people.shell(
        "scp -r stars tovi:datasets/ && job=$(tar c -C code . | ssh tovi submit --wait -) && scp -r tovi:jobs/$job got",
        folder=tmp_path,
    )

    assert done.code == 0, done
    assert (tmp_path / "got/outputs/sum").read_text() == "3\n"
    assert (tmp_path / "got/outputs/where").read_text().startswith("tovi-")


def test_nothing_that_was_installed_is_beyond_restricted(tovi: Installed) -> None:
    assert "would violate" not in "".join(tovi.told)


def test_the_server_itself_finds_nothing_to_complain_of(tovi: Installed) -> None:
    words = ("tovi-server", "check", "--data", "/var/lib/tovi", "--config", "/etc/tovi/tovi.toml")
    told = kube.kubectl("exec", "-n", tovi.system, f"deployment/{RELEASE}-scheduler", "-c", "scheduler", "--", *words)
    assert told


def test_receivers_may_ask_nothing_of_the_cluster_and_schedulers_what_they_need(tovi: Installed) -> None:
    asked = {
        part: {
            (verb, what): may(tovi, part, verb, what)
            for verb, what in (("create", "pods"), ("get", "secrets"), ("list", "nodes"), ("create", "pods/exec"))
        }
        for part in ("receiver", "scheduler")
    }
    assert not any(asked["receiver"].values())
    assert [right for right, has in asked["scheduler"].items() if has] == [("create", "pods"), ("list", "nodes")]


def may(tovi: Installed, part: str, verb: str, what: str) -> bool:
    account = f"system:serviceaccount:{tovi.system}:{RELEASE}-{part}"
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": account,
            "resourceAttributes": dict(
                zip(("resource", "subresource"), (*what.split("/"), ""), strict=False),
                namespace=tovi.name,
                verb=verb,
            ),
        },
    }
    answer = kube.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(review))
    return bool(json.loads(answer)["status"]["allowed"])


def test_a_receiver_has_no_token_in_its_file_system(tovi: Installed) -> None:
    words = ("ls", "/var/run/secrets/kubernetes.io/serviceaccount")
    command = ["kubectl", "exec", "-n", tovi.system, tovi.pods("receiver")[0], "-c", "receiver", "--", *words]
    ended = subprocess.run(
        [kube.program("kubectl") or "", f"--kubeconfig={kube.admin_kubeconfig()}", *command[1:]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No such file or directory" in ended.stderr


def test_one_scheduler_leads_and_the_others_stand_by(tovi: Installed) -> None:
    eventually(lambda: one_leads_and_one_stands_by(tovi))


def one_leads_and_one_stands_by(tovi: Installed) -> bool:
    figures = [tovi.figures(pod) for pod in tovi.pods("scheduler")]
    return sorted((one.get("tovi_parts_serving"), one.get("tovi_leader")) for one in figures) == [(1, 0), (1, 1)]


def test_when_the_leader_is_killed_under_load_another_takes_over_and_nothing_is_lost(tovi: Installed) -> None:
    eventually(lambda: one_leads_and_one_stands_by(tovi))
    load, leader = Load(tovi), tovi.leader()
    assert leader is not None
    with load.running():
        eventually(lambda: len(load.acknowledged) >= 6)
        tovi.kill(leader)
        eventually(lambda: tovi.leader() not in {None, leader}, deadline_s=TAKEN_OVER_S)
        led_by_the_other = len(load.acknowledged) + 5
        eventually(lambda: len(load.acknowledged) >= led_by_the_other)

    load.assert_each_ran_once()
    assert load.refusals == []


def test_an_upgrade_replaces_every_pod_and_loses_nothing(tovi: Installed) -> None:
    load, before, keys = Load(tovi), {*tovi.pods("receiver"), *tovi.pods("scheduler")}, tovi.host_keys()
    (port,) = tovi.read("service", RELEASE)["spec"]["ports"]
    with load.running():
        eventually(lambda: len(load.acknowledged) >= 5)
        tovi.upgrade({"host": "tovi.lab", "service": {"nodePort": port["nodePort"]}})

    load.assert_each_ran_once()
    assert load.refusals == []
    assert not before & {*tovi.pods("receiver"), *tovi.pods("scheduler")}
    assert tovi.host_keys() == keys
    assert f"    HostName tovi.lab\n    Port {port['nodePort']}\n".encode() in tovi.people.ssh("ssh-config").out


def test_who_removes_it_and_installs_it_again_finds_all_as_it_was(tovi: Installed) -> None:
    before = jobs(tovi)
    running = int(tovi.people.ssh("submit", stdin=JOB.replace(b"sleep 3", b"sleep 30")).out)
    eventually(lambda: tovi.people.json("show", str(running))["state"] == "running")

    tovi.uninstall()
    assert [pod["status"]["phase"] for pod in kube.of_tovi(tovi.name)] == ["Running"]
    tovi.install()

    assert tovi.people.ssh("wait", str(running)).code == 0
    assert {job: state for job, state in jobs(tovi).items() if job != running} == before


def jobs(tovi: Installed) -> dict[int, str]:
    """The states of all."""
    return {job["id"]: job["state"] for job in tovi.people.json("jobs", "--limit", "1000")["items"]}

"""What a task in a pod sees of the data, and what it can do to it; attacked from inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.live import Live
from tests.pods import Place

SMALL: Final = "resources: {cpus: 0.2, memory: 256Mi, disk: 200Mi}"
SECRET: Final = f"{SMALL}\nrun: echo secret > secret.txt; cat $TOVI_DATA/private/a.txt\noutputs: [secret.txt]\n"
ATTACKED: Final = f"""\
defaults: {{{SMALL}}}
stages:
  before:
    run: echo kept > kept.txt
    outputs: {{kept: kept.txt}}
  attack:
    needs: [before]
    inputs: {{kept: before.kept}}
    data: {{own: datasets/own}}
    run: |
      python3 attack.py
"""
ATTACK: Final = """\
import json, os, subprocess
job = os.environ["TOVI_OUT"].partition("/attempts/")[0].rpartition("/")[0]
data = job.partition("/projects/")[0]
for name, line in json.load(open("attacks.json")).items():
    words = ["timeout", "20", "sh", "-c", line]
    environment = os.environ | {"DATA": data, "JOB": job, "ATTEMPT": os.path.dirname(os.environ["TOVI_OUT"])}
    ended = subprocess.run(words, env=environment, capture_output=True, text=True)
    print(json.dumps([name, ended.returncode, ended.stdout + ended.stderr]))
"""
API: Final = """python3 -c '
import os, ssl, urllib.request
context = ssl._create_unverified_context()
host = os.environ["KUBERNETES_SERVICE_HOST"] + ":" + os.environ["KUBERNETES_SERVICE_PORT"]
print(urllib.request.urlopen(f"https://{host}PATH", timeout=10, context=context).read())
'"""
ATTACKS: Final = {
    "read the server's database": 'cat "$DATA/server/tovi.db"',
    "list the server's folder": 'ls "$DATA/server"',
    "read the host key": 'cat "$DATA/server/ssh_host_ed25519_key"',
    "list another project": 'ls "$DATA/projects/bob"',
    "read another project's data": 'cat "$DATA/projects/bob/datasets/private/a.txt"',
    "read another project's results": 'cat "$DATA"/projects/bob/jobs/*/main.0/outputs/secret.txt',
    "list people's homes": 'ls "$DATA/home"',
    "read data that the job did not ask for": 'cat "$JOB/../../datasets/other/a.txt"',
    "read another job of the project": 'ls "$JOB/../1"',
    "find anything by its name": 'find / -name secret.txt -o -name tovi.db 2>/dev/null | grep .',
    "change the code": 'chmod -R u+w "$TOVI_CODE"; echo x > "$TOVI_CODE/attack.py"',
    "add to the code": 'touch "$TOVI_CODE/new"',
    "change data": 'echo x >> "$TOVI_DATA/own/a.txt"',
    "add to data": 'touch "$TOVI_DATA/own/new"',
    "change what an earlier stage left": 'echo x >> "$TOVI_IN/kept"',
    "remove what an earlier stage left": 'rm -f "$JOB/before.0/outputs/kept.txt"',
    "write another task's log": 'echo x >> "$JOB/before.0/attempts/1/stdout.log"',
    "change its script": 'echo x >> "$ATTEMPT/script.sh"',
    "put something beside its logs": 'touch "$ATTEMPT/log.idx" || touch "$ATTEMPT/ended"',
    "remove its log": 'rm "$ATTEMPT/stdout.log"',
    "put a link in the place of its outputs": 'mv "$TOVI_OUT" "$TOVI_OUT.old"',
    "name another user": 'echo "root2::0:0::/:/bin/sh" >> /etc/passwd',
    "read a token of the cluster": "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
    "list what a pod is told secretly": "ls /var/run/secrets",
    "list pods at the API server": API.replace("PATH", "/api/v1/pods"),
    "list secrets at the API server": API.replace("PATH", "/api/v1/secrets"),
    "become root": "python3 -c 'import os; os.setuid(0)'",
    "mount something": "mount -t tmpfs tmpfs /mnt || unshare --mount true",
    "make a device": "mknod /tmp/disk b 8 0",
    "have any capability": "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | grep -v '0000000000000000$'",
    "do what is filtered": "grep -E '^Seccomp:.*[01]' /proc/self/status",
    "gain more by running a program": "grep NoNewPrivs /proc/self/status | grep 0",
    "write what the kernel reads": "echo 1 > /proc/sys/kernel/panic || echo x > /sys/fs/cgroup/cgroup.procs",
}  # fmt: skip


@dataclass(frozen=True)
class Attacked:
    live: Live
    job: str
    outcome: dict[str, tuple[int, str]]
    """Of each attack, its exit status and what it printed."""


@pytest.fixture(scope="module")
def live(place: Place) -> Iterator[Live]:
    with place.server() as server:
        server.add_user("bob")
        server.add_user("eve")
        yield server


@pytest.fixture(scope="module")
def attacked(live: Live) -> Attacked:
    """Eve's second job, beside bob's, attacks."""
    folder = live.folder / "attack"
    for name in ("private", "own", "other"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.txt").write_text("data\n")
        live.scp("-qr", str(folder / name), f"tovi:datasets/{name}", user="bob" if name == "private" else "eve")
    for user, data in (("eve", "other"), ("bob", "private")):
        text = f"data: {{private: datasets/{data}}}\n{SECRET}"
        assert live.ssh("submit", "--wait", stdin=text.encode(), user=user).code == 0
    (folder / "tovi.yaml").write_text(ATTACKED)
    (folder / "attack.py").write_text(ATTACK)
    (folder / "attacks.json").write_text(json.dumps(ATTACKS))
    line = "tar c tovi.yaml attack.py attacks.json | ssh tovi submit - --wait"
    ended = live.shell(line, folder=folder, user="eve", deadline_s=180)
    assert (ended.code, ended.out) == (0, b"3\n"), ended
    told = live.ssh("logs", "3.attack", user="eve").out.decode()
    return Attacked(live, "3", {name: (code, said) for name, code, said in map(json.loads, told.splitlines())})


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_pod_cannot(attacked: Attacked, attack: str) -> None:
    code, said = attacked.outcome[attack]
    assert code != 0, said


def test_after_all_that_what_was_there_is_as_it_was(attacked: Attacked) -> None:
    line = "scp -qr tovi:jobs/3/before.0/outputs . && cat outputs/kept.txt && scp -q tovi:datasets/own/a.txt a && cat a"

    fetched = attacked.live.shell(line, folder=attacked.live.folder, user="eve")

    assert fetched.out == b"kept\ndata\n", fetched

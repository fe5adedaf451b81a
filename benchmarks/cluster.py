"""The hosts of an inventory as one Dask cluster: sudo python benchmarks/cluster.py --python PYTHON [--hosts N...]
[--delays MS...] [--rounds N]

`cluster.up` and `cluster.stop` against Dask's own SSHCluster, and against the processes that nbfab starts, started by
plain `ssh` side by side; all with the same certificates and one thread a worker, on the same hosts, in turns. PYTHON is
that of the hosts' notebooks: it has notebook, distributed, bokeh and asyncssh. The hosts, 1, 4 and 10 of them, are real
sshds near each other, 0 and 100 ms away from here. A clock runs until a Client on this side, a process of its own that
has imported all it needs before, sees all workers; nbfab's process and that of SSHCluster start from nothing. Then what
is left on the hosts; what tasks that do nothing, and 200 MB from one worker to another, take with TLS, against the same
words over plain TCP; and what the scheduler and an idle worker hold. Needs root, iproute2, openssh-server and tmux.
Prints Markdown.
"""

import argparse
import contextlib
import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import footprint
from cuts import name_of, within
from hosts import FAR, NEAR, Hosts, address, up
from hosts import within as command_within
from install import seconds
from laptop import BIN, ROOT, Laptop
from tables import table
from transfers import Seconds

sys.path.insert(0, str(ROOT / "tests"))

from processes import children, command_of
from sshd import wait_until

PEER, PLAIN, OURS = "SSHCluster", "plain ssh", "nbfab"
WHAT = ("until all workers answer", "until its command has ended", "to stop it", "until no process of it is left")
PROGRAMS = {f"distributed.cli.dask_{role}": role for role in ("scheduler", "worker")}
LATER = 6  # seconds after which what still runs is left behind
TASKS, SIZE = 10_000, 200_000_000

# A Client that sees the workers come, asks for nothing until then, and is the one that tasks are sent by.
OBSERVER = f"""
import json, os, socket, sys, time
from distributed import Client, wait

def watch(address, count):
    while True:
        try:
            socket.create_connection(address.rpartition("//")[2].split(":"), 1).close()
            break
        except OSError:
            time.sleep(0.02)
    client = Client(address, timeout=60)
    while len(client.nthreads()) < count:
        time.sleep(0.02)
    return client, time.monotonic()

def tasks(client, count):
    began = time.monotonic()
    wait(client.map(int, range(count), pure=False))
    return time.monotonic() - began

def move(client, size):
    one, other = sorted(client.nthreads())[:2]
    data = client.submit(os.urandom, size, workers=one, pure=False)
    wait(data)
    began = time.monotonic()
    client.submit(len, data, workers=other, pure=False).result()
    return time.monotonic() - began

print("null", flush=True)
for line in sys.stdin:
    what, *words = json.loads(line)
    answer = None
    if what == "watch":
        client, answer = watch(*words)
    elif what == "leave":
        client.close()
    elif what == "tasks":
        tasks(client, 100)
        answer = tasks(client, {TASKS}) / {TASKS} * 1e6
    elif what == "move":
        move(client, 1000)
        answer = move(client, {SIZE})
    print(json.dumps(answer), flush=True)
"""

SSH_CLUSTER = """
import asyncssh, json, sys, time
from distributed import SSHCluster

print("null", flush=True)
cluster = SSHCluster(**json.loads(sys.stdin.readline()))
print(time.monotonic(), flush=True)
sys.stdin.readline()
cluster.close()
print("null", flush=True)
sys.stdin.readline()
"""


class Child:
    """A program of that Python, which takes and answers lines of JSON; the first, once it has imported all.

    It runs where the hosts are reached, or in the network namespace of the process `there`.
    """

    def __init__(self, laptop: Laptop, python: str, program: str, config: Path, there: int = 0) -> None:
        self._log = laptop.home / f"child{there}.log"
        command = [python, "-c", program]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                command_within(there, *command) if there else command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=laptop.env | {"DASK_CONFIG": str(config)},
                cwd=laptop.home,
                text=True,
            )
        self.hear()

    def say(self, words: object) -> None:
        """Hands it a line."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """What it answers. RuntimeError if it has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._log.read_text()[-4000:])
        return json.loads(line)

    def ask(self, *words: object) -> Any:
        """What it answers to a line."""
        self.say(words)
        return self.hear()

    def kill(self) -> None:
        """Kills it, whatever it does."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()


@dataclass(frozen=True)
class Member:
    """A process of Dask's that nbfab has started: on which host, numbered from 1, with which words, in which folder."""

    number: int
    pid: int
    role: str
    words: tuple[str, ...]
    folder: str


class Way(Protocol):
    """A way to have a cluster: the scheduler's address, and Dask's configuration for a Client."""

    @property
    def address(self) -> str: ...

    @property
    def config(self) -> Path: ...

    def start(self) -> float:
        """Starts it; when its command had ended, by the monotonic clock."""

    def stop(self) -> None:
        """Stops it."""

    def die(self) -> None:
        """Kills the process on this side that has the cluster, if there is one."""


class Site:
    """Hosts that are set up, and the person that has a cluster there; `letter` says which of their addresses count."""

    def __init__(self, hosts: Hosts, python: str, letter: str) -> None:
        self.hosts, self.python, self.laptop = hosts, python, Laptop(hosts)
        self.names = [f"{letter}{number}" for number in range(1, hosts.count + 1)]
        (self.laptop.home / "hosts.yaml").write_text("hosts:\n" + "".join(f"  {name}: {{}}\n" for name in self.names))
        self.nbfab("fleet.setup", "--yes")
        self.nbfab("cluster.up", "--threads", "1")
        self.members = self.look()
        self.nbfab("cluster.stop")
        self._before = self._processes()

    @property
    def config(self) -> Path:
        """Dask's configuration of the first host, which all of this machine can read."""
        return self.laptop.profile / "cluster/dask.yaml"

    def nbfab(self, task: str, *args: str) -> None:
        """Runs a task on all hosts. RuntimeError if it fails."""
        command = [f"{BIN}/nbfab", "-S", str(self.hosts.ssh_config), task, *args]
        seconds(command, self.laptop.env | {"NBFAB_PYTHON": self.python}, self.laptop.home)

    def look(self) -> list[Member]:
        """What runs of nbfab's cluster, the scheduler first."""
        found = []
        for number, namespace in enumerate(self.hosts.namespaces, 1):
            for pid in within(namespace):
                words = tuple(command_of(pid).decode(errors="replace").split("\0")[:-1])
                if program := next((word for word in words if word in PROGRAMS), ""):
                    found.append(Member(number, pid, PROGRAMS[program], words, os.readlink(f"/proc/{pid}/cwd")))
        return sorted(found, key=lambda each: (each.role, each.number))

    def _processes(self) -> set[int]:
        every = {pid for namespace in self.hosts.namespaces for pid in within(namespace)}
        return {pid for pid in every if not name_of(pid).startswith("sshd")}

    def left(self) -> set[int]:
        """What runs on the hosts that has not run there before."""
        return self._processes() - self._before

    def clean(self) -> None:
        """Ends that."""
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.left(), "what was left on the hosts to end")

    @contextlib.contextmanager
    def notebook(self, way: Way) -> Iterator[Child]:
        """A Client on the first host."""
        with Child(self.laptop, self.python, OBSERVER, way.config, self.hosts.namespaces[0]) as client:
            client.ask("watch", way.address, self.hosts.count)
            yield client

    @contextlib.contextmanager
    def started(self, way: Way) -> Iterator["Started"]:
        """A cluster, once a Client sees all of its workers; at the end nothing is left of it."""
        with Child(self.laptop, self.python, OBSERVER, way.config) as observer:
            observer.say(("watch", way.address, self.hosts.count))
            began = time.monotonic()
            try:
                ended = way.start()
                yield Started(observer, observer.hear() - began, ended - began)
            finally:
                way.die()
                self.clean()


@dataclass(frozen=True)
class Started:
    """A cluster that runs: the `observer` has a Client; `seen` and `ended` are the seconds until all of its workers
    answered, and until the command that starts it had ended.
    """

    observer: Child
    seen: float
    ended: float


class Ours:
    """nbfab's."""

    def __init__(self, site: Site) -> None:
        self._site, self.config = site, site.config
        self.address = str(json.loads(site.config.read_text())["scheduler-address"])

    def start(self) -> float:
        """As Way.start."""
        self._site.nbfab("cluster.up")
        return time.monotonic()

    def stop(self) -> None:
        """As Way.stop."""
        self._site.nbfab("cluster.stop")

    def die(self) -> None:
        """It has ended when the cluster runs."""


class Plain:
    """The processes that nbfab starts, each by an ssh, all at the same time; where not `tls`, over plain TCP."""

    def __init__(self, site: Site, *, tls: bool = True) -> None:
        self._site, self._pids = site, list[tuple[int, int]]()
        self.address, self.config = Ours(site).address, site.config
        self._scheme = "tls://"
        if not tls:
            self.address, self._scheme = self.address.replace("tls://", "tcp://"), "tcp://"
            self.config = site.laptop.home / "plain.yaml"
            self.config.write_text("{}\n")

    def _ssh(self, scripts: Sequence[tuple[int, str]]) -> list[str]:
        """What programs of sh print, each on a host, all at the same time."""
        laptop, names = self._site.laptop, self._site.names
        commands = [laptop.ssh(names[number - 1], script) for number, script in scripts]
        running = [subprocess.Popen(command, env=laptop.env, stdout=subprocess.PIPE, text=True) for command in commands]
        said = [process.communicate()[0] for process in running]
        if failed := [process.args for process in running if process.returncode]:
            raise RuntimeError(f"{failed} failed")
        return said

    def _script(self, member: Member) -> str:
        words = shlex.join(word.replace("tls://", self._scheme) for word in member.words)
        env = f"DASK_CONFIG={shlex.quote(str(self.config))} TMPDIR=$PWD/cluster/tmp"
        return f"cd {shlex.quote(member.folder)} || exit; {env} setsid {words} >plain.log 2>&1 </dev/null & echo $!"

    def start(self) -> float:
        """As Way.start."""
        members = self._site.members
        said = self._ssh([(member.number, self._script(member)) for member in members])
        self._pids = [(member.number, int(pid)) for member, pid in zip(members, said, strict=True)]
        return time.monotonic()

    def stop(self) -> None:
        """As Way.stop: on each host its worker, and then its scheduler, as nbfab does."""
        scripts = []
        for number in range(1, self._site.hosts.count + 1):
            pids = " ".join(str(pid) for at, pid in reversed(self._pids) if at == number)
            ends = "kill $pid; while [ -e /proc/$pid/exe ]; do sleep 0.02; done"  # a zombie has none
            scripts.append((number, f"for pid in {pids}; do {ends}; done"))
        self._ssh(scripts)

    def die(self) -> None:
        """Each ssh has ended when the cluster runs."""


class Peer:
    """Dask's own, in a Python that is started for it, as nbfab is."""

    def __init__(self, site: Site, net: str) -> None:
        self._site, self._child = site, list[Child]()
        at = [address(net, number) for number in range(1, site.hosts.count + 1)]
        self.address = f"tls://{at[0]}:8786"
        folder = site.hosts.folder
        self.config = folder / "peer.yaml"
        ours = json.loads(site.config.read_text())["distributed"]
        self.config.write_text(json.dumps({"temporary-directory": str(folder / "peer"), "distributed": ours}))
        self._given = {
            "hosts": [at[0], *at],
            "connect_options": {"known_hosts": f"{folder}/known_hosts", "client_keys": [f"{folder}/id"]},
            "worker_options": {"nthreads": 1},
            "scheduler_options": {"host": f"tls://{at[0]}", "port": 8786},
            "remote_python": site.python,
        }

    def start(self) -> float:
        """As Way.start: when its constructor had returned."""
        self._child = [Child(self._site.laptop, self._site.python, SSH_CLUSTER, self.config)]
        (child,) = self._child
        child.say(self._given)
        return float(child.hear())

    def stop(self) -> None:
        """As Way.stop."""
        (child,) = self._child
        child.ask("close")

    def die(self) -> None:
        """As Way.die."""
        while self._child:
            self._child.pop().kill()


def times(site: Site, ways: dict[str, Way], rounds: int) -> list[Seconds]:
    """How long each takes, in turns: a round to warm up, and those that count."""
    found = [Seconds(what, {name: [] for name in ways}) for what in WHAT]
    for number in range(rounds + 1):
        for name, way in ways.items():
            with site.started(way) as cluster:
                cluster.observer.ask("leave")
                began = time.monotonic()
                way.stop()
                stopped = time.monotonic() - began
                wait_until(lambda: not site.left(), "the processes to end")
                took = (cluster.seen, cluster.ended, stopped, time.monotonic() - began)
            if number:
                for of, each in zip(found, took, strict=True):
                    of.of[name].append(each)
    return found


def in_row(of: Seconds, *others: str) -> list[str]:
    """The medians, and that of nbfab as a ratio to each of the others."""
    medians = {name: statistics.median(taken) for name, taken in of.of.items()}
    pairs = [Seconds(of.what, {name: of.of[name], OURS: of.of[OURS]}) for name in others]
    return [*(f"{median:.2f}" for median in medians.values()), *(f"{pair.ratio(OURS):.2f}" for pair in pairs)]


def left_behind(site: Site, way: Way) -> tuple[int, int, int]:
    """How many processes there are while it runs, a while after it was stopped, and one after its client was killed."""
    with site.started(way) as cluster:
        cluster.observer.ask("leave")
        runs = len(site.left())
        way.stop()
        time.sleep(LATER)
        stopped = len(site.left())
    with site.started(way) as cluster:
        way.die()
        cluster.observer.kill()
        time.sleep(LATER)
        return runs, stopped, len(site.left())


def work(site: Site, ways: dict[str, Way], rounds: int) -> list[Seconds]:
    """How long tasks that do nothing take, in microseconds each, and data that moves between workers, in turns."""
    found = {what: Seconds(what, {name: [] for name in ways}) for what in ("tasks", "move")}
    if site.hosts.count == 1:
        del found["move"]
    for _ in range(rounds):
        for name, way in ways.items():
            with site.started(way), site.notebook(way) as client:
                for what, of in found.items():
                    of.of[name].append(client.ask(what))
    return list(found.values())


def held(site: Site, way: Way) -> list[tuple[str, ...]]:
    """What the scheduler holds, and the worker of the last host with its nanny: after a while, without a Client."""
    with site.started(way) as cluster:
        cluster.observer.ask("leave")
        time.sleep(LATER)
        members = site.look()
        return [(member.role, *_held(site, member)) for member in (members[0], members[-1])]


def _held(site: Site, member: Member) -> Iterator[str]:
    pids = {member.pid, *children(member.pid)}
    namespace = site.hosts.namespaces[member.number - 1]
    command = command_within(namespace, "ss", "-Htnp", "state", "established")
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    yield str(sum(any(f"pid={pid}," in line for pid in pids) for line in lines))
    yield str(sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids))
    yield f"{sum(map(_resident, pids)):.0f}"
    yield f"{sum(footprint.memory(pid)[1] for pid in pids):.0f}"


def _resident(pid: int) -> float:
    found = re.search(r"(?m)^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def bench(count: int, delay: float, python: str, rounds: int) -> None:
    """Prints the tables for so many hosts, so many milliseconds away."""
    letter, net = ("w", FAR) if delay else ("h", NEAR)
    head, where = ("hosts", "distance"), (count, f"{delay:g} ms")
    with up(count, delay or 100) as hosts, hosts.inside():
        site = Site(hosts, python, letter)
        try:
            ours = Ours(site)
            ways: dict[str, Way] = {PEER: Peer(site, net), PLAIN: Plain(site), OURS: ours}
            rows = [(*where, of.what, *in_row(of, PEER, PLAIN)) for of in times(site, ways, rounds)]
            table((*head, "what", *(f"{name} s" for name in ways), f"of {PEER}", f"of {PLAIN}"), rows)
            counts = [(*where, name, *left_behind(site, way)) for name, way in ways.items()]
            table((*head, "processes", "running", f"{LATER} s after the stop", f"{LATER} s after a kill here"), counts)
            tcp: dict[str, Way] = {"plain TCP": Plain(site, tls=False), OURS: ours}
            names = {"tasks": f"{TASKS} tasks, µs each", "move": f"{SIZE // 1_000_000} MB between workers, s"}
            rows = [(*where, names[of.what], *in_row(of, "plain TCP")) for of in work(site, tcp, rounds)]
            table((*head, "what", "plain TCP", "TLS", "ratio"), rows)
            table(
                (*head, "who", "connections", "open files", "resident MB", "its own alone MB"),
                [(*where, *row) for row in held(site, ours)],
            )
        finally:
            site.nbfab("fleet.stop")


def main() -> None:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description="Benchmark of the tasks cluster.*")
    parser.add_argument("--python", required=True, help="the Python of the hosts' notebooks")
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 4, 10])
    parser.add_argument("--delays", type=float, nargs="+", default=[0, 100], help="milliseconds of round-trip time")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for count in given.hosts:
        for delay in given.delays:
            bench(count, delay, os.path.abspath(given.python), given.rounds)


if __name__ == "__main__":
    main()

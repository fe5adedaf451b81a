"""`open` against what people do otherwise: sudo python benchmarks/open.py [--quick]

On one real sshd in a network namespace, at once (0 ms) and 100 ms away, with a real notebook server: the time to a
usable page against jupyter-forward, which is installed into a folder of its own; connections, requests and 100 MB
against plain `ssh -L`; memory and processor time; and what a page gets of a cell's output while the link is cut, by
four ways. Needs root, iproute2, openssh-server, tmux, uv and /dev/net/tun. Prints Markdown as it goes; `--quick` does
less of each.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import byte_server
import cuts
import footprint
import pages
import trials
import tunnels
from hosts import up, within
from laptop import ROOT, Laptop
from tables import table
from transfers import BIG, MANY, Client, Seconds, compare, raw_down, raw_up

DISTANCES = {"h1": "0 ms", "w1": "100 ms"}
RAW = 7790  # the byte server's port on the host
RELAY = "import sys; sys.path.insert(0, sys.argv[1]); from nbfab.relay.serve import main; main(sys.argv[2])"


def main() -> None:
    """Prints all tables."""
    quick = "--quick" in sys.argv[1:]
    if missing := list(_missing()):
        sys.exit(f"open.py needs {', '.join(missing)}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        forward = pages.peer(Path(temporary) / "peer")
        with up(1) as hosts:
            laptop = Laptop(hosts)
            pages.like_conda(laptop)
            with hosts.inside():
                try:
                    _pages(laptop, forward, 1 if quick else 3)
                    _transfers(laptop, quick)
                    maker = cuts.Cuts(hosts)
                    trials.ten(laptop, maker, cuts.QUICK if quick else cuts.TEN)
                    if not quick:
                        trials.fifty(laptop, maker)
                finally:
                    pages.clear(laptop)
    print(f"\nAll of it took {(time.monotonic() - began) / 60:.0f} minutes.")


def _missing() -> Iterator[str]:
    if os.geteuid():
        yield "root"
    for program in ("ip", "ssh", "tmux", "uv", "/usr/sbin/sshd"):
        if not shutil.which(program):
            yield program
    if not Path("/dev/net/tun").exists():
        yield "/dev/net/tun"


def _pages(laptop: Laptop, forward: Path, rounds: int) -> None:
    rows = []
    for host, distance in DISTANCES.items():
        ways = {
            "jupyter-forward": lambda host=host: pages.forward(laptop, host, forward),
            "nbfab open, from nothing": lambda host=host: pages.from_nothing(laptop, host),
            "nbfab open, the server runs": lambda host=host: pages.from_running(laptop, host),
        }
        times = compare("page", ways, min(rounds, 2) if host == "w1" else rounds)
        for name, of in times.of.items():
            rows.append((distance, name, f"{statistics.median(of):.2f}", f"{times.ratio(name):.2f}"))
    table(("distance", "to a usable page", "s", "ratio"), rows)


def _transfers(laptop: Laptop, quick: bool) -> None:
    server = laptop.server
    (laptop.there / BIG).write_bytes(os.urandom(byte_server.SIZE))
    rows: list[Sequence[object]] = []
    for host, distance in DISTANCES.items():
        far_away = host == "w1"
        port = int(server["port"])
        with contextlib.ExitStack() as stack, _raw(laptop) as socket:
            straight = stack.enter_context(tunnels.plain(laptop, host, port))
            ours = stack.enter_context(tunnels.opened(laptop, host))
            raws = {
                "plain": stack.enter_context(tunnels.plain(laptop, host, RAW)),
                "nbfab": stack.enter_context(tunnels.near(laptop, host, socket)),
            }
            if not far_away:
                _memory(laptop, ours, "idle")
            few, many = (1, 3) if quick else (1, 15) if far_away else (5, 60)
            clients = {
                name: Client(tunnel.port, laptop.profile / "nbserver.pem", server["token"])
                for name, tunnel in (("plain", straight), ("nbfab", ours))
            }
            seconds = [
                compare("new connection, one GET", {name: each.new for name, each in clients.items()}, many),
                compare("one more GET, the least", {name: each.again for name, each in clients.items()}, 5 * many),
                compare("one more GET, the files", {name: each.files for name, each in clients.items()}, 5 * many),
                compare(f"{MANY} GETs at a time", {name: each.many for name, each in clients.items()}, few),
                compare("100 MB file of the server's", {name: each.down for name, each in clients.items()}, few),
            ]
            for what, way in (("100 MB down, no TLS", raw_down), ("100 MB up, no TLS", raw_up)):
                by = {name: (lambda port=tunnel.port, way=way: way(port)) for name, tunnel in raws.items()}
                seconds.append(compare(what, by, few))
            rows += [(distance, *_cells(each)) for each in seconds]
            if not far_away:
                _processor(laptop, {"plain": straight, "nbfab": ours}, clients)
                _memory(laptop, ours, "after the transfers")
    table(("distance", "what", "plain ssh -L ms", "nbfab open ms", "ratio", "of the fastest tenths"), rows)


def _cells(seconds: Seconds) -> tuple[str, ...]:
    medians = [f"{1000 * statistics.median(of):.1f}" for of in seconds.of.values()]
    return (seconds.what, *medians, f"{seconds.ratio('nbfab'):.2f}", f"{seconds.quiet_ratio('nbfab'):.2f}")


@contextlib.contextmanager
def _raw(laptop: Laptop) -> Iterator[str]:
    """A byte server on the host, and a relay of its own in front of it, at a socket."""
    profile = laptop.there / "raw"
    (profile / "runtime").mkdir(parents=True, exist_ok=True)
    (profile / "started").write_text("0 1 0\n")
    (profile / "runtime/jpserver-1.json").write_text(json.dumps({"port": RAW}))
    host = laptop.hosts.namespaces[0]
    commands = (
        [sys.executable, byte_server.__file__, str(RAW)],
        [sys.executable, "-ISB", "-c", RELAY, str(ROOT), str(profile)],
    )
    processes = [subprocess.Popen(within(host, *command)) for command in commands]
    try:
        end = time.monotonic() + 20
        while not (profile / "relay-1").exists():
            assert time.monotonic() < end, "the relay does not start"
            time.sleep(0.05)
        yield str(profile / "relay-1")
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def _far(laptop: Laptop) -> int:
    """The process of the profile's relay."""
    return int((laptop.profile / "relay-1.started").read_text().split()[0])


def _memory(laptop: Laptop, ours: tunnels.Tunnel, when: str) -> None:
    with footprint.bare() as pid:
        measured = {
            "bare `import asyncio, ssl`": footprint.memory(pid),
            f"near end, {when}": footprint.memory(ours.pid),
            f"far end, {when}": footprint.memory(_far(laptop)),
        }
    pss, uss = measured["bare `import asyncio, ssl`"]
    rows = [
        (name, f"{of[0]:.1f}", f"{of[1]:.1f}", f"{of[0] - pss:+.1f}", f"{of[1] - uss:+.1f}")
        for name, of in measured.items()
    ]
    table(("memory", "PSS MB", "USS MB", "PSS above bare", "USS above bare"), rows)


def _processor(laptop: Laptop, ways: Mapping[str, tunnels.Tunnel], clients: Mapping[str, Client]) -> None:
    """Where the time goes of a download at 0 ms."""
    runs = 3
    named = {"near end": ways["nbfab"].pid, "far end": _far(laptop), "client": os.getpid()}
    named["server"] = int((laptop.profile / "started").read_text().split()[1])
    spent = {}
    for name, client in clients.items():
        before = footprint.processor(laptop.hosts, named)
        for _ in range(runs):
            client.down()
        after = footprint.processor(laptop.hosts, named)
        spent[name] = {each: (after[each] - before[each]) / runs for each in after}
    rows = [(name, *(f"{1000 * each[name]:.0f}" for each in spent.values())) for name in spent["plain"]]
    rows.append(("all", *(f"{1000 * sum(each.values()):.0f}" for each in spent.values())))
    table(("processor time of a 100 MB file, 0 ms", "plain ssh -L ms", "nbfab open ms"), rows)


if __name__ == "__main__":
    main()

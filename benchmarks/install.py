"""Installing notebook and matplotlib on bare hosts: sudo python benchmarks/install.py [--quick]

The hosts are real sshds, at once and 100 ms away, with pip or with uv. Directly, they ask an index that is as far
away as this side is; with that index lent, and for a wheelhouse, they reach none. Then the second run of each,
against a run that only looks, and ten hosts at once. The packages are real; they are fetched from this machine's
index before anything is timed, and served from here by `wheel_server.py`. With `--quick`, one round, near by, by uv,
and two hosts at once. Prints Markdown.
"""

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from hosts import Hosts, up
from tables import table

from nbfab.host import Here
from nbfab.look.target import look_target
from nbfab.wheels.ask import Ask
from nbfab.wheels.stock import Stock

BIN = Path(sys.executable).parent
DISTANCES = {"h": ("0 ms", "10.97.0.1"), "w": ("100 ms", "10.98.0.1")}  # and this side's address there
NOWHERE = "https://127.0.0.1:9/simple"
LENDING = {"directly": "never", "index lent": "always", "wheelhouse": "never"}


def gather(folder: Path) -> None:
    """The packages that are installed, from this machine's index."""
    target = look_target(Here())
    assert target
    ask = Ask(("notebook>=7", "matplotlib", "pip"))
    with Stock().wheelhouse(ask, target, lambda line: print(line, file=sys.stderr), lambda _: None) as parcel:
        for file in parcel.folder.glob("*.whl"):
            shutil.copy(file, folder)


@contextlib.contextmanager
def served(hosts: Hosts, folder: Path) -> Iterator[list[str]]:
    """An index of that folder, where the hosts are reached; yields the files that it has been asked for so far."""
    certify(hosts.folder / "index.pem")
    server = str(Path(__file__).with_name("wheel_server.py"))
    command = hosts.command(sys.executable, server, str(folder), str(hosts.folder / "index.pem"))
    asked: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        # A pipe that is full would hold it up.
        reader = threading.Thread(target=collect, args=(process.stdout, asked))
        reader.start()
        try:
            yield asked
        finally:
            process.send_signal(signal.SIGTERM)
            reader.join()


def collect(lines: Iterable[str], into: list[str]) -> None:
    """Adds each line as it comes."""
    for line in lines:
        into.append(line.strip())


def certify(file: Path) -> None:
    """A certificate for the addresses of the index, and its key, in one file."""
    names = ",".join(f"IP:{address}" for _, address in DISTANCES.values())
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"]
    words += ["-subj", "/CN=index", "-addext", f"subjectAltName={names}"]
    words += ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "-", "-out", "-"]
    file.write_bytes(subprocess.run(words, capture_output=True, check=True).stdout)


def at(letter: str) -> str:
    """The index, as it is reached at that distance."""
    return f"https://{DISTANCES[letter][1]}/simple"


def prepare(hosts: Hosts, number: int, tool: str, index: str) -> None:
    """A bare host whose pip and uv ask that index."""
    home = hosts.home(number)
    for name in (".local", ".config", ".cache"):
        shutil.rmtree(home / name, ignore_errors=True)
    for name, text in (
        ("pip/pip.conf", f"[global]\nindex-url = {index}\nretries = 0\ncert = {hosts.folder}/index.pem\n"),
        ("uv/uv.toml", f'index-url = "{index}"\n'),
    ):
        (home / ".config" / name).parent.mkdir(parents=True)
        (home / ".config" / name).write_text(text)
    if tool == "uv":
        (home / ".local/bin").mkdir(parents=True)
        (home / ".local/bin/uv").write_text(
            f'#!/bin/sh\nexport UV_HTTP_RETRIES=0 SSL_CERT_FILE={hosts.folder}/index.pem\nexec {BIN}/uv "$@"\n'
        )
        (home / ".local/bin/uv").chmod(0o755)


def seconds(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> float:
    """How long a command takes. RuntimeError if it fails."""
    began = time.perf_counter()
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - began


class Bench:
    """The hosts, and the person that installs there."""

    def __init__(self, hosts: Hosts, asked: list[str]) -> None:
        self.hosts, self.home = hosts, hosts.folder / "person"
        self.asked = asked  # of the index
        self.home.mkdir()

    def env(self, letter: str, lend: str) -> dict[str, str]:
        """The person's environment, with a cache that has nothing."""
        shutil.rmtree(self.home / ".cache", ignore_errors=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
        trust = str(self.hosts.folder / "index.pem")
        indexes = {"UV_DEFAULT_INDEX": at(letter), "PIP_INDEX_URL": at(letter)}
        trusted = {"SSL_CERT_FILE": trust, "PIP_CERT": trust, "REQUESTS_CA_BUNDLE": trust}
        chosen = {"NBFAB_PYTHON": "new", "NBFAB_LEND": lend, "XDG_CACHE_HOME": "", "HOME": str(self.home)}
        return {**kept, **indexes, **trusted, **chosen}

    def task(self, name: str, task: str) -> list[str]:
        """A task on a host."""
        return self.hosts.command(f"{BIN}/nbfab", "-S", str(self.hosts.ssh_config), "-H", name, task)

    def one(self, letter: str, tool: str, rounds: int) -> list[tuple[object, ...]]:
        """Rows for one distance and tool: each kind of installation in turns, and the second run of each."""
        first: dict[str, list[float]] = {name: [] for name in (*LENDING, "wheelhouse, kept here")}
        second: dict[str, list[float]] = {name: [] for name in LENDING}
        looks: list[float] = []
        for _ in range(rounds):
            for name, lend in LENDING.items():
                prepare(self.hosts, 1, tool, at(letter) if name == "directly" else NOWHERE)
                env = self.env(letter, lend)
                first[name].append(seconds(self.task(f"{letter}1", "install"), env, self.home))
                looks.append(seconds(self.task(f"{letter}1", "plan"), env, self.home))
                second[name].append(seconds(self.task(f"{letter}1", "install"), env, self.home))
            prepare(self.hosts, 1, tool, NOWHERE)
            first["wheelhouse, kept here"].append(seconds(self.task(f"{letter}1", "install"), env, self.home))
        head = (DISTANCES[letter][0], tool)
        rows: list[tuple[object, ...]] = []
        rows += [(*head, name, *_ratio(times, first["directly"])) for name, times in first.items()]
        rows += [(*head, f"second run, {name}, against a look", *_ratio(of, looks)) for name, of in second.items()]
        return rows

    def many(self, letter: str, tool: str) -> list[tuple[object, ...]]:
        """Rows for all hosts at once."""
        rows: list[tuple[object, ...]] = []
        names = [f"{letter}{number}" for number in range(1, self.hosts.count + 1)]
        inventory = self.home / "hosts.yaml"
        lines = "".join(f"  {name}:\n" for name in names)
        inventory.write_text(f"defaults: {{python: new}}\nhosts:\n{lines}")
        command = [f"{BIN}/nbfab", "-S", str(self.hosts.ssh_config), "fleet.install", "--yes"]
        direct: list[float] = []
        for name, lend in LENDING.items():
            for number in range(1, self.hosts.count + 1):
                prepare(self.hosts, number, tool, at(letter) if name == "directly" else NOWHERE)
            words = self.hosts.command(*command, "--inventory", str(inventory))
            before = len(self.asked)
            taken = [seconds(words, self.env(letter, lend), self.home)]
            direct = direct or taken
            fetched = sum(file.endswith(".whl") for file in self.asked[before:])
            what = f"{len(names)} hosts, {name}, {fetched} wheels fetched"
            rows.append((DISTANCES[letter][0], tool, what, *_ratio(taken, direct)))
        return rows


def _ratio(times: Sequence[float], base: Sequence[float]) -> tuple[str, str]:
    median = statistics.median(times)
    return f"{median:.2f}", f"{median / statistics.median(base):.2f}"


def main() -> None:
    """Prints the tables."""
    quick = "--quick" in sys.argv
    head = ("distance", "by", "what", "s", "ratio")
    with tempfile.TemporaryDirectory() as temporary:
        gather(Path(temporary))
        for count in (1, 2 if quick else 10):
            with up(count) as hosts, served(hosts, Path(temporary)) as asked:
                bench, rows = Bench(hosts, asked), []
                for letter in "h" if quick else DISTANCES:
                    for tool in ("uv",) if quick else ("uv", "pip"):
                        rows += bench.one(letter, tool, 1 if quick else 3) if count == 1 else bench.many(letter, tool)
                table(head, rows)


if __name__ == "__main__":
    main()

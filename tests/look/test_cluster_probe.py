"""What a host says of itself as a member, and of how it reaches the others: by the programs that run there."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import ROOT
from sshd import free_port

from nbfab.cluster import authority
from nbfab.cluster.ports import FIRST, LAST
from nbfab.errors import HostError
from nbfab.look.cluster import ClusterFacts, Running, Seen
from nbfab.look.facts import parse_cluster

PROBE = (ROOT / "nbfab/look/cluster_probe.py").read_text()
PAIRS = (ROOT / "nbfab/look/pairs_probe.py").read_text()


def printed(**env: str) -> Any:
    """What the program prints, which has to be one line."""
    done = subprocess.run(
        [sys.executable, "-Bc", PROBE], capture_output=True, text=True, timeout=60, check=True, env=os.environ | env
    )
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def seen(answer: Any) -> Seen:
    """What becomes of that."""
    return parse_cluster([{"cluster.seen": answer}]).seen


def installed(folder: Path, name: str, metadata: str | None) -> None:
    """Has a folder of packages that one, with that as its metadata."""
    place = folder / f"{name}-1.dist-info"
    place.mkdir()
    if metadata is not None:
        (place / "METADATA").write_text(metadata)


def test_the_versions_are_those_of_the_python_that_is_asked(tmp_path: Path) -> None:
    installed(tmp_path, "distributed", "Metadata-Version: 2.1\nName: distributed\nVersion: 2025.1.0+cu12\n")
    installed(tmp_path, "flask", "Metadata-Version: 2.1\nName: flask\nVersion: 3.0\n")
    versions = seen(printed(PYTHONPATH=str(tmp_path))).versions
    assert versions["distributed"] == "2025.1.0+cu12"
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "flask" not in versions


def test_what_is_left_of_a_package_that_was_removed_counts_as_none(tmp_path: Path) -> None:
    installed(tmp_path, "distributed", None)
    assert "distributed" not in seen(printed(PYTHONPATH=str(tmp_path))).versions


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("distributed-9.dist-info", "METADATA"),
        ("distributed-9-py3.11.egg-info", "PKG-INFO"),
        ("Distributed.egg-info", "PKG-INFO"),
        ("distributed-9.egg-info", ""),
    ],
)
def test_a_version_is_found_wherever_it_is_noted(tmp_path: Path, name: str, file: str) -> None:
    noted = tmp_path / name
    if file:
        noted.mkdir()
        noted /= file
    noted.write_bytes(b"Metadata-Version: 2.1\nAuthor: \xff\nVERSION:  2022.12.1+ds \n\nVersion: 7\n")
    assert seen(printed(PYTHONPATH=f"/nowhere:{tmp_path}")).versions["distributed"] == "2022.12.1+ds"


def test_the_version_is_that_of_the_folder_that_is_searched_first(tmp_path: Path) -> None:
    folders = [tmp_path / "left", tmp_path / "first", tmp_path / "second"]
    for folder, metadata in zip(folders, (None, "Version: 1\n", "Version: 2\n"), strict=True):
        folder.mkdir()
        installed(folder, "distributed", metadata)
    assert seen(printed(PYTHONPATH=":".join(map(str, folders)))).versions["distributed"] == "1"


def test_what_cannot_be_listed_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "packages.zip").write_bytes(b"PK")
    installed(tmp_path, "distributed", "Version: 1\n")
    path = f"{tmp_path}/packages.zip:{tmp_path}/nowhere:{tmp_path}"
    assert seen(printed(PYTHONPATH=path)).versions["distributed"] == "1"


def test_a_python_that_has_the_proxy_says_so(tmp_path: Path) -> None:
    assert printed()["proxy"] is False
    installed(tmp_path, "jupyter_server_proxy", "Version: 4.4.0\n")
    assert printed(PYTHONPATH=str(tmp_path))["proxy"] is True


def test_a_version_of_any_characters_is_one_line_of_json(tmp_path: Path) -> None:
    installed(tmp_path, "distributed", 'Version: 1"\\\x07\u2028é\n')
    assert seen(printed(PYTHONPATH=str(tmp_path))).versions["distributed"] == "1?????"


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        ("198.51.100.9 50000 192.0.2.7 22", "192.0.2.7"),
        ("2001:db8::9 50000 2001:db8::7 22", "2001:db8::7"),
        ("::ffff:198.51.100.9 50000 ::ffff:192.0.2.7 22", "192.0.2.7"),
    ],
)
def test_a_host_is_reached_where_its_sshd_was(connection: str, address: str) -> None:
    assert seen(printed(SSH_CONNECTION=connection)).address == address


@pytest.mark.parametrize(
    "connection",
    ["", "x", "127.0.0.1 50000 127.0.0.1 22", "::1 50000 ::1 22", "fe80::9%eth0 50000 fe80::7%eth0 22"],
)
def test_an_address_that_no_other_host_reaches_is_not_told(connection: str) -> None:
    """It may be loopback only if the host has no way out at all."""
    told = seen(printed(SSH_CONNECTION=connection)).address
    assert not told.startswith("fe80:")
    assert told == "127.0.0.1" or not told.startswith(("127.", "::1"))


@pytest.mark.parametrize(
    ("family", "at"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")]
)
def test_a_port_at_which_something_listens_is_taken(family: socket.AddressFamily, at: str) -> None:
    with socket.socket(family) as listener:
        port = bound(listener, at)
        assert port not in seen(printed()).taken, "nothing listens yet"
        listener.listen()
        assert port in seen(printed()).taken
    assert port not in seen(printed()).taken


def bound(listener: socket.socket, at: str) -> int:
    """A port among those of clusters that is this socket's now."""
    for port in range(LAST - 1, FIRST, -1):
        with suppress(OSError):
            listener.bind((at, port))
            return port
    raise AssertionError("no port is free")


def test_only_ports_that_a_cluster_could_have_are_told() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert listener.getsockname()[1] >= LAST
        assert all(FIRST <= port < LAST for port in seen(printed()).taken)


# What becomes of it


def test_what_a_host_says_becomes_facts() -> None:
    facts = parse_cluster(
        [
            {"cluster.runs": "scheduler abc 1800000000"},
            {"cluster.runs": "worker - 0"},
            {"cluster.proxy": "yes"},
            {"cluster.seen": {"versions": {"python": "3.11.2"}, "address": "fe80::7%eth0", "taken": [10000]}},
        ]
    )
    assert facts.runs == (Running("scheduler", "abc", 1_800_000_000), Running("worker", "-", 0))
    assert facts.running("worker") == facts.runs[1]
    assert facts.proxy
    assert facts.seen == Seen({"python": "3.11.2"}, "fe80::7", frozenset({10000}))
    assert parse_cluster([]) == ClusterFacts()
    assert ClusterFacts().running("worker") is None


SANE: Mapping[str, Any] = {"versions": {"python": "3.11.2"}, "address": "192.0.2.7", "taken": [10000]}


@pytest.mark.parametrize(
    ("name", "lie", "why"),
    [
        ("runs", "", "not enough values"),
        ("runs", "worker", "not enough values"),
        ("runs", "worker a b 7", "too many values"),
        ("runs", "nanny abc 7", "'nanny' is not one of scheduler, worker"),
        ("runs", "worker abc -7", "'-7' is not a number"),
        ("runs", "worker abc soon", "'soon' is not a number"),
        ("runs", "worker a\nb 7", "is not a word"),
        ("runs", 7, "a number is not text"),
        ("proxy", "maybe", "'maybe' is neither yes nor no"),
        ("fails", [], "an array is not text"),
        ("seen", "x", "'x' is not an object"),
        ("seen", {}, "None is not an object"),
        ("seen", {**SANE, "versions": []}, "an array is not an object"),
        ("seen", {**SANE, "versions": {"numpy": None}}, "None is not text"),
        ("seen", {**SANE, "versions": {"numpy": "2.1; rm -rf ~"}}, "is not a word"),
        ("seen", {**SANE, "versions": {"a b": "2.1"}}, "'a b' is not a word"),
        ("seen", {**SANE, "address": ""}, "'' does not appear to be an IPv4 or IPv6 address"),
        ("seen", {**SANE, "address": "gpu1"}, "'gpu1' does not appear to be an IPv4 or IPv6 address"),
        ("seen", {**SANE, "address": "192.0.2.7:22 --flag"}, "does not appear to be"),
        ("seen", {**SANE, "address": 7}, "a number is not text"),
        ("seen", {**SANE, "taken": "10000"}, "'10000' is not an array"),
        ("seen", {**SANE, "taken": [-1]}, "a number out of range"),
        ("seen", {**SANE, "taken": [10000] * 1001}, "an array of 1001 items is too long"),
        ("more", "x", "'cluster.more' is not a fact"),
    ],
)
def test_nonsense_from_a_host_is_refused(name: str, lie: Any, why: str) -> None:
    with pytest.raises(HostError, match="what the host reports makes no sense") as caught:
        parse_cluster([{f"cluster.{name}": lie}])
    assert why in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(["runs", "down", "proxy", "seen", "fails"]),
    anything | st.fixed_dictionaries({"versions": anything, "address": anything, "taken": anything}),
)
def test_whatever_a_host_says_is_facts_or_an_error(name: str, value: Any) -> None:
    try:
        facts = parse_cluster([{f"cluster.{name}": value}])
    except HostError:
        return
    assert all(port >= 0 for port in facts.seen.taken)


# How a host reaches the others

NOW = time.time()
AUTHORITY = authority.make("hosts.yaml", NOW)
MEMBER = "".join(authority.sign(AUTHORITY, "gpu1", NOW))
STRANGE = authority.make("hosts.yaml", NOW)
DISTRIBUTED = """
import json, os
from types import SimpleNamespace

class Client:
    def __init__(self, timeout, set_as_default):
        with open(os.environ["DASK_CONFIG"]) as file:
            self.found, self.last = iter(json.load(file)), []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def run_on_scheduler(self, function):
        self.last = next(self.found, self.last)
        if isinstance(self.last, str):
            raise OSError(self.last)
        names = ("address", "nthreads", "memory_limit")
        every = {each[0]: SimpleNamespace(**dict(zip(names, each))) for each in self.last}
        return function(dask_scheduler=SimpleNamespace(workers=every))
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The folder of a member, beside it a stand-in for Dask, whose scheduler says what `dask.yaml` has, in turn."""
    (tmp_path / "distributed.py").write_text(DISTRIBUTED)
    folder = tmp_path / 'a "b" it\'s $HOME' / "cluster"
    folder.mkdir(parents=True)
    (folder / "ca.pem").write_text(authority.root(AUTHORITY))
    (folder / "node.pem").write_text(MEMBER)
    (folder / "dask.yaml").write_text("[[]]")
    return folder.parent


def tried(
    profile: Path,
    *targets: tuple[str, str, int],
    seconds: float = 0,
    asks: Sequence[str] | None = None,
    dashboard: str = "",
) -> Any:
    """What the program says, which is one line."""
    words = (
        str(seconds),
        json.dumps([[*target, target[-1]] for target in targets]),
        "" if asks is None else json.dumps(asks),
        dashboard,
    )
    done = subprocess.run(
        [sys.executable, "-Bc", PAIRS, profile, *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(profile.parent)},
    )
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


class Listener:
    """What listens at a port of this machine: with TLS, and the certificate and key that it has; or it says `plain`."""

    def __init__(self, folder: Path, pem: str, *, plain: bytes = b"", port: int = 0, at: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in at else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((at, port))
        self._socket.listen(50)
        self.target = ("gpu2", at, int(self._socket.getsockname()[1]))
        self._plain, self._tls = plain, ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        if pem:
            file = folder / f"{self.target[2]}.pem"
            file.write_text(pem)
            self._tls.load_cert_chain(file)
            self._tls.load_verify_locations(cadata=authority.root(AUTHORITY))
            self._tls.verify_mode = ssl.CERT_REQUIRED
        self._serves = pem != ""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            with suppress(ssl.SSLError, ConnectionError):
                try:
                    one, _ = self._socket.accept()
                except OSError:
                    return
                with one:
                    if not self._serves:
                        one.sendall(self._plain)
                        continue
                    with self._tls.wrap_socket(one, server_side=True) as tls:
                        tls.recv(1)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Any]:
    """Makes listeners, which end with the test."""
    with ExitStack() as stack:

        def make(pem: str = MEMBER, **more: Any) -> Listener:
            made = Listener(tmp_path, pem, **more)
            stack.callback(made.close)
            return made

        yield make


@pytest.mark.parametrize("at", ["127.0.0.1", "::1"])
def test_a_port_of_another_member_is_open(profile: Path, listen: Any, at: str) -> None:
    assert tried(profile, listen(at=at).target) == {"closed": []}


def test_every_port_that_is_closed_is_told_and_why(profile: Path, listen: Any) -> None:
    closed = [("gpu3", "127.0.0.1", free_port()) for _ in range(40)]  # more than it tries at a time
    told = tried(profile, *closed[:20], listen().target, *closed[20:])["closed"]
    assert told == sorted([*target, "Connection refused"] for target in closed)


def test_a_member_that_is_only_starting_is_waited_for(profile: Path, listen: Any) -> None:
    port = free_port()
    timer = threading.Timer(1, lambda: listen(port=port))
    timer.start()
    assert tried(profile, ("gpu2", "127.0.0.1", port), seconds=60) == {"closed": []}
    timer.join()


@pytest.mark.parametrize(
    ("pem", "plain"),
    [
        ("".join(authority.sign(STRANGE, "gpu2", NOW)), b""),
        ("", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("", b"SSH-2.0-OpenSSH_9.2\r\n"),
        ("", b""),
    ],
    ids=["another cluster", "http", "ssh", "hangs up"],
)
def test_something_else_that_listens_there_is_told_at_once(profile: Path, listen: Any, pem: str, plain: bytes) -> None:
    began = time.monotonic()
    ((*_, why),) = tried(profile, listen(pem, plain=plain).target, seconds=90)["closed"]
    assert why.startswith("something else than the cluster listens there (")
    assert time.monotonic() - began < 60


def test_what_drops_packets_is_not_tried_until_the_end(profile: Path) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):  # the queue of those who wait there is full
            waits = stack.enter_context(socket.socket())
            waits.setblocking(False)
            waits.connect_ex(listener.getsockname())
        target = ("gpu2", "127.0.0.1", listener.getsockname()[1])
        began = time.monotonic()
        assert tried(profile, target, seconds=90) == {"closed": [[*target, "no answer"]]}
        assert time.monotonic() - began < 60


def test_the_scheduler_is_asked_until_it_has_all_workers(profile: Path) -> None:
    one, two = ["tls://192.0.2.1:10001", 4, 2**30], ["tls://[2001:db8::2]:10001", 2, None]
    (profile / "cluster/dask.yaml").write_text(json.dumps([[], [one], [two, one]]))
    told = tried(profile, seconds=60, asks=["192.0.2.1:10001", "[2001:db8::2]:10001"])
    assert told["workers"] == [["192.0.2.1:10001", 4, 2**30], ["[2001:db8::2]:10001", 2, None]]
    assert "fails" not in told


def test_workers_that_do_not_come_are_not_waited_for_for_ever(profile: Path) -> None:
    (profile / "cluster/dask.yaml").write_text(json.dumps([[["tls://192.0.2.1:10001", 4, 0]]]))
    told = tried(profile, seconds=1, asks=["192.0.2.1:10001", "192.0.2.2:10001"])
    assert told["workers"] == [["192.0.2.1:10001", 4, 0]]


def test_a_scheduler_that_does_not_answer_is_told_beside_the_ports(profile: Path, listen: Any) -> None:
    (profile / "cluster/dask.yaml").write_text(json.dumps(["Timed out: " + "x" * 900]))
    assert tried(profile, listen().target, asks=[]) == {"closed": [], "fails": "Timed out: " + "x" * 489}


class Dashboard(HTTPServer):
    """What answers at the port of a dashboard on this machine, with these words in turn, and counts how often."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.answers, self.asked = answers, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Dashboard)
        answers, self.server.asked = self.server.answers, self.server.asked + 1
        self.send_response(200 if self.path == "/json/identity.json" else 404)
        self.end_headers()
        self.wfile.write(answers[min(self.server.asked, len(answers)) - 1])

    def log_message(self, *words: object) -> None:
        pass


def identity(at: str, *workers: tuple[str, int, int | None]) -> bytes:
    """As Dask's scheduler says who it is."""
    every = {address: {"type": "Worker", "nthreads": count, "memory_limit": most} for address, count, most in workers}
    return json.dumps({"type": "Scheduler", "address": at, "workers": every}).encode()


@pytest.fixture
def dashboard() -> Iterator[Callable[..., Dashboard]]:
    """Makes dashboards, which end with the test."""
    with ExitStack() as stack:

        def make(*answers: bytes) -> Dashboard:
            made = Dashboard(*answers)
            stack.callback(made.server_close)
            stack.callback(made.shutdown)
            return made

        yield make


def with_scheduler(profile: Path, listener: Listener) -> str:
    """Has a member know where its scheduler is: there, where something listens."""
    at = f"tls://127.0.0.1:{listener.target[-1]}"
    (profile / "cluster/dask.yaml").write_text(json.dumps({"scheduler-address": at, "distributed": {}}))
    return at


def test_the_dashboard_of_the_scheduler_is_asked_without_dask(profile: Path, listen: Any, dashboard: Any) -> None:
    at = with_scheduler(profile, listen())
    (profile.parent / "distributed.py").write_text("raise ImportError('this is slow')")
    one, two = ("tls://192.0.2.1:10001", 4, 2**30), ("tls://[2001:db8::2]:10001", 2, None)
    shows = dashboard(identity(at), identity(at, one), identity(at, two, one))
    port = str(shows.server_port)
    told = tried(profile, seconds=60, asks=["192.0.2.1:10001", "[2001:db8::2]:10001"], dashboard=port)
    assert told["workers"] == [["192.0.2.1:10001", 4, 2**30], ["[2001:db8::2]:10001", 2, None]]
    assert shows.asked == 3


def test_a_scheduler_that_is_only_starting_is_waited_for(profile: Path, listen: Any, dashboard: Any) -> None:
    port = free_port()
    at = f"tls://127.0.0.1:{port}"
    (profile / "cluster/dask.yaml").write_text(json.dumps({"scheduler-address": at}))
    shows = dashboard(b"", b"", b"", b"", identity(at))
    assert tried(profile, seconds=60, asks=[], dashboard=str(shows.server_port)) == {"closed": [], "workers": []}
    assert shows.asked == 5


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not found",
        b"[]",
        b"{}",
        identity("tls://192.0.2.9:10000", ("tls://192.0.2.9:10001", 1, 1)),
        b'{"address": "AT"}',
        b'{"address": "AT", "workers": {"tls://192.0.2.1:10001": 7}}',
        b'{"address": "AT", "workers": ["tls://192.0.2.1:10001"]}',
    ],
)
def test_the_scheduler_itself_is_asked_if_something_else_is_at_the_port_of_its_dashboard(
    profile: Path, listen: Any, dashboard: Any, answer: bytes
) -> None:
    at = with_scheduler(profile, listen())
    says = "def __init__(self, **_): self.found, self.last = iter([[['tls://192.0.2.1:10001', 4, 9]]]), []"
    (profile.parent / "distributed.py").write_text(f"{DISTRIBUTED}\n    {says}\n")
    port = str(dashboard(answer.replace(b"AT", at.encode())).server_port)
    assert tried(profile, seconds=60, asks=[], dashboard=port)["workers"] == [["192.0.2.1:10001", 4, 9]]
    assert tried(profile, seconds=60, asks=[], dashboard=str(free_port()))["workers"] == [["192.0.2.1:10001", 4, 9]]


def test_workers_that_the_dashboard_lacks_are_not_waited_for_for_ever(
    profile: Path, listen: Any, dashboard: Any
) -> None:
    at = with_scheduler(profile, listen())
    port = str(dashboard(identity(at, ("tls://192.0.2.1:10001", 4, 0))).server_port)
    told = tried(profile, seconds=1, asks=["192.0.2.1:10001", "192.0.2.2:10001"], dashboard=port)
    assert told["workers"] == [["192.0.2.1:10001", 4, 0]]

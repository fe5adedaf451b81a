"""`fleet.doctor`: of many hosts, it names those on which something is wrong."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from sshd import keygen
from sshd_fleet import Fleet, fleet_of

NAMES = [f"h{number:02}" for number in range(1, 11)]


@pytest.fixture
def ten(tmp_path: Path, stack: ExitStack) -> Fleet:
    """A fleet of ten hosts whose servers run."""
    fleet = fleet_of(NAMES, tmp_path, stack)
    fleet.run("setup", "--yes")
    return fleet


def test_three_hosts_of_ten_are_named(ten: Fleet, tmp_path: Path) -> None:
    healthy = ten.run("doctor", "--quiet")
    assert (healthy.returncode, healthy.stdout) == (0, ""), healthy.stdout
    before, connections = ten.execs(), {name: host.connections for name, host in ten.hosts.items()}
    (ten.profile("h03") / "nbserver.pem").chmod(0o644)
    ten.known["h05"] = ten.hosts["h05"].known_line(keygen(tmp_path / "other"))
    ten.write()
    (ten.hosts["h08"].home / ".local/share/jupyter/kernels/gone").mkdir(parents=True)
    (ten.hosts["h08"].home / ".local/share/jupyter/kernels/gone/kernel.json").write_text('{"argv": ["/gone"]}')
    hosts = ten.json("doctor")
    wrong = {name: host["verdict"] for name, host in hosts.items() if host["status"]}
    assert wrong == {"h03": "faulty", "h05": "not reached", "h08": "faulty"}
    layers = {name: [of["layer"] for of in hosts[name]["findings"] if of["state"] == "failed"] for name in wrong}
    assert layers == {"h03": ["certificate"], "h05": ["host key"], "h08": ["kernels"]}
    assert {name: host.connections - connections[name] for name, host in ten.hosts.items()} == dict.fromkeys(NAMES, 1)
    ran = {name: count - before[name] for name, count in ten.execs().items()}
    assert ran.pop("h05") == 0
    assert set(ran.values()) <= {1, 2}, ran
    output = ten.run("doctor", "--quiet", "--bundle", str(tmp_path / "bundle.txt"))
    assert output.returncode == 1
    for name in NAMES:
        assert (name in output.stdout) == (name in wrong), output.stdout
    assert "2 faulty, 1 not reached" in output.stdout
    assert not [name for name in NAMES if name in (tmp_path / "bundle.txt").read_text()]
    assert (tmp_path / "bundle.txt").read_text().count("host: HOST") == 10

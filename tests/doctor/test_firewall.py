"""A firewall between here and the notebook's port, on a network of its own."""

from pathlib import Path

from machine import Machine
from netns import Link, ip
from sshd import Sshd


def test_a_firewall_is_told_from_a_server_that_does_not_listen(tmp_path: Path) -> None:
    with Link() as link, Sshd(tmp_path / "host", within=link.within) as sshd:
        sshd.stop()
        sshd._lines = f"ListenAddress {link.address}:{sshd.port}"
        sshd.start()
        name = f"[127.0.0.1]:{sshd.port}"
        sshd.write_config(f"Host box\n  HostName {link.address}\n  HostKeyAlias {name}\n  CheckHostIP no\n")
        machine = Machine(tmp_path, sshd, "nbfab")
        try:
            machine.ok("setup")
            assert machine.json("doctor")["verdict"] == "healthy"
            assert "and is open from here" in machine.ok("doctor")
            # What is for that port is dropped before it gets to the host's own addresses.
            ip("-n", link.name, "rule", "add", "pref", "100", "lookup", "local")
            ip("-n", link.name, "rule", "delete", "pref", "0")
            port = str(machine.port)
            block = ("pref", "10", "iif", link.device, "ipproto", "tcp", "dport", port, "blackhole")
            ip("-n", link.name, "rule", "add", *block)
            outcome = machine.json("doctor")
            (wrong,) = (of for of in outcome["findings"] if of["state"] == "failed")
            assert wrong["layer"] == "port"
            assert wrong["words"] == (
                f"{link.address} does not answer at port {port} from here at all, though something listens there: "
                "a firewall drops what is sent there"
            )
            assert f"nbfab -S {sshd.config} -H box open" in [part.get("command") for part in wrong["fix"]]
            machine.ok("stop")
            output = machine.fails("doctor")
            assert "and SSH gets through: a firewall drops" in output
            assert "it does not run: it was stopped" in output
            # Without the firewall, a port that nothing listens on is refused, which is no fault of the port's.
            ip("-n", link.name, "rule", "delete", "pref", "10")
            layers = [of["layer"] for of in machine.json("doctor")["findings"] if of["state"] == "failed"]
            assert layers == ["server"]
        finally:
            machine.close()

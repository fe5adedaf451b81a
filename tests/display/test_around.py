"""What `status` shows of the machine, other profiles and other servers: short, whatever there is."""

from dataclasses import replace
from typing import Any

from other_servers import one
from plan_cases import NEW, WANTED

from nbfab.display import around
from nbfab.display.fleet import table
from nbfab.display.host import report
from nbfab.look.around import AroundFacts, Disk, Gpu, Machine, Memory, Profile
from nbfab.look.facts import Facts
from nbfab.look.others import OtherFacts
from nbfab.outcome import Outcome
from nbfab.run.around import added

GIB = 1 << 30
OUTCOME = Outcome("gpu1", "status", "running", url="https://gpu1:9999/", state={"running": True, "days_left": 90})


def seen(**machine: Any) -> Facts:
    """A host that has that."""
    profiles = (Profile("lab", 9998, running=True), Profile("old", 9000, running=False))
    return replace(NEW, around=AroundFacts(machine=Machine(**machine), profiles=profiles))


def shown(facts: Facts, *, every: bool = False) -> list[str]:
    """The lines of the report."""
    return str(report(added(OUTCOME, replace(WANTED, others=every), facts))).splitlines()[1:]


def test_what_a_machine_has_takes_a_line_each() -> None:
    a100 = Gpu(0, "NVIDIA A100-SXM4-40GB", 40 * GIB, 12 * GIB + GIB // 2, 35)
    facts = seen(
        memory=Memory(64 * GIB, 12 * GIB, limited=True),
        disks=(Disk("/home/ann/.local/share/nbfab/nbserver", 480 * GIB, 210 * GIB), Disk("/data", 1 << 43, 1 << 40)),
        gpus=(a100, Gpu(1, "Quadro P400", 0, 0, -1)),
    )
    assert shown(facts) == [
        "  memory       12 of 64 GiB free (the limit of its group of processes)",
        "  disk         210 of 480 GiB free for /home/ann/.local/share/nbfab/nbserver",
        "  disk         1 of 8 TiB free for /data",
        "  gpu          0: NVIDIA A100-SXM4-40GB, 12.5 of 40 GiB free, 35 % busy",
        "  gpu          1: Quadro P400",
        "  profiles     also lab (port 9998, running), old (port 9000, stopped)",
        "  open         https://gpu1:9999/",
    ]


def test_one_disk_is_one_line_and_many_gpus_are_few() -> None:
    disks = (Disk("/home/ann/nb", 2 * GIB, GIB), Disk("/home/ann", 2 * GIB, GIB))
    facts = seen(disks=disks, gpus=tuple(Gpu(at, "T4", 16 * GIB, GIB, 0) for at in range(16)))
    lines = shown(facts)
    assert [line for line in lines if line.startswith("  disk ")] == ["  disk         1 of 2 GiB free"]
    assert len([line for line in lines if line.startswith("  gpu ")]) == around.MOST + 1
    assert "  gpu          and 8 more" in lines


def test_a_driver_that_fails_is_a_note() -> None:
    lines = shown(seen(gpus=(), fails="has not answered after 5 seconds"))
    assert lines[0] == "  note         nothing is known of its GPUs: nvidia-smi has not answered after 5 seconds"
    assert "nvidia-smi" in lines[1]


def test_other_servers_are_listed_if_that_is_asked_for() -> None:
    facts = replace(seen(), others=OtherFacts(servers=(one(kernels=1), one(open=True, port=8889))))
    assert not [line for line in shown(facts) if "88" in line]
    lines = shown(facts, every=True)
    assert lines[0].startswith(
        "  note         a Jupyter server is open without a password or token at port 8889, so every"
    )
    assert [line for line in lines if line.startswith("  other ")] == [
        "  other        port 8888: process 4711 (jupyter-lab 2.14.1), since 2027-01-15T08:00:00Z, in /home/ann/work, "
        "http, for the host alone, 1 kernel",
        "  other        port 8889: process 4711 (jupyter-lab 2.14.1), since 2027-01-15T08:00:00Z, in /home/ann/work, "
        "http, for the host alone, OPEN: it asks for no password or token",
    ]
    none = shown(replace(seen(), others=OtherFacts(servers=())), every=True)
    assert "  others       no Jupyter server of yours that nbfab did not start" in none
    unknown = shown(replace(seen(), others=OtherFacts(servers=None)), every=True)
    assert unknown[0].startswith("  note         other Jupyter servers cannot be found there: ")


def test_the_table_of_a_fleet_has_none_of_it_but_the_warning() -> None:
    facts = replace(
        seen(gpus=tuple(Gpu(at, "T4", 16 * GIB, GIB, 0) for at in range(8))),
        others=OtherFacts(servers=(one(), one(open=True, port=8889))),
    )
    outcomes = [
        replace(added(OUTCOME, replace(WANTED, others=True), facts), host=host, url=f"https://{host}:9999/")
        for host in ("s01", "s02", "s03")
    ]
    lines = str(table(outcomes)).splitlines()
    assert lines[1].split() == ["s01", "running", "90", "days", "left", "https://s01:9999/"]
    warned = [line for line in lines if "8889" in line]
    assert len(warned) == 2  # a note on all three, and what ends such a server
    assert warned[0].startswith("note: 3 hosts (s[01:03]): a Jupyter server is open without a password")
    assert len(lines) == 8

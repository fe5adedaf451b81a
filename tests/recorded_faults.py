"""Faults that no kernel plants on demand, as facts that hosts have reported, and what was seen of them from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from plan_cases import NOW, WANTED, running, seen

from nbfab.doctor.near import Near
from nbfab.look.facts import FACTS, Facts
from nbfab.look.interpreter import Kernelspec, Probe
from nbfab.look.server import Answer, Kernel

HEALTHY = seen(
    running(),
    interpreter={"path": "/env/bin/python"},
    listening={"known": True, "addresses": ("0.0.0.0",)},
    stale={"tmux": "tmux 3.4"},
)
NEAR = Near(
    ssh="box",
    hostname="box.example.org",
    user="ann",
    addresses=("192.0.2.7",),
    asked=NOW - 1,
    answered=NOW + 1,
    name="box.example.org",
    port="open",
)
DEAD = seen(
    HEALTHY,
    server={"alive": False, "answer": None, "session_pids": (), "log": "bye\n"},
    port={"pid": 0, "user": "", "program": ""},
    listening={"addresses": ()},
)
END = int(NOW) + 60
STOPPED = seen(
    HEALTHY,
    server={"started": None, "alive": False, "answer": None, "session_pids": ()},
    port={"pid": 0, "user": "", "program": ""},
    listening={"addresses": ()},
)


def reported(group: str, **values: Any) -> Mapping[str, Mapping[str, Any]]:
    """Facts of a group, parsed from what a host prints."""
    return {group: {name: FACTS[f"{group}.{name}"].metadata["parse"](value) for name, value in values.items()}}


@dataclass(frozen=True)
class Recorded:
    """A fault: the layers in which it shows, how the host differs from a healthy one, and what was seen from here."""

    name: str
    layers: tuple[str, ...]
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    near: Mapping[str, Any] = field(default_factory=dict)
    of: Facts = HEALTHY

    @property
    def case(self) -> tuple[Near, Facts]:
        """What `examine` takes."""
        return replace(NEAR, **self.near), seen(self.of, **self.facts)


QUOTA = "/dev/sdb1 1048590* 1000000 1048576 6days 120 0 0 0\n"
FILES_QUOTA = "fs:/home 10 0 0 0 100000 0 100000 0\n"
NFS = "fs:/home\t/home\tnfs\trw,relatime,vers=3,soft,nolock,local_lock=all"
LIMITS = "Max processes             40                   4096                 processes \n"
MEMORY = "Max address space         2147483648           2147483648           bytes     \n"

RECORDED = (
    Recorded("a quota that is used up", ("home",), reported("home", quota=QUOTA)),
    Recorded("a quota of files that is used up", ("home",), reported("home", quota=FILES_QUOTA)),
    Recorded("NFS that is mounted soft and without locks", ("home",), reported("home", mount=NFS)),
    Recorded("a folder for temporary files that cannot be written", ("home",), reported("home", unwritable="/tmp")),
    Recorded("a clock that is ahead", ("clock",), {"host": {"clock": int(NOW) + 4000}}),
    Recorded("a clock that is a day behind", ("clock", "certificate"), {"host": {"clock": int(NOW) - 90000}}),
    Recorded(
        "tmux that does not run", ("tmux",), reported("stale", tmux="tmux: error while loading libevent-2.1.so.7")
    ),
    Recorded(
        "an environment that imports nothing", ("python",), {"interpreter": {"fails": "ImportError: libzmq.so.5\n"}}
    ),
    Recorded("no environment, and nothing to make one with", ("python",), {"environments": {"found": ()}}),
    Recorded(
        "choices that cannot be read",
        ("versions",),
        {"choices": {"made": replace(HEALTHY.choices.made, broken="it is too long")}},
    ),
    Recorded(
        "a tmux session that blocks a start",
        ("tmux", "server"),
        {"server": {"session_pids": ("77",)}},
        near={"port": "refused"},
        of=STOPPED,
    ),
    Recorded(
        "a package that hides the environment's own",
        ("settings",),
        {"interpreter": {"probe": Probe(strangers=(("notebook", "/home/ann/lib/notebook/__init__.py"),))}},
    ),
    Recorded("a folder of notebooks that is gone", ("settings",), {"files": {"directory_state": "absent"}}),
    Recorded("a server that listens nowhere", ("port",), {"listening": {"addresses": ()}}),
    Recorded("a server that listens for the host alone", ("port",), {"listening": {"addresses": ("127.0.0.1", "::1")}}),
    Recorded("a firewall that drops", ("port",), near={"port": "silent"}),
    Recorded("a firewall that refuses", ("port",), near={"port": "refused"}),
    Recorded("another server in the place of ours", ("server",), near={"unreached": "another certificate is there"}),
    Recorded(
        "a server that crashes again and again",
        ("server",),
        reported("server", ended=f"5 {END} exit 1 given-up"),
        of=DEAD,
    ),
    Recorded("a host that was restarted", ("server",), reported("server", boots="a 1 b 2"), of=DEAD),
    Recorded(
        "a server for which memory was short", ("server",), reported("server", ended=f"0 {END} memory 9 down"), of=DEAD
    ),
    Recorded(
        "a server that has crashed, and is about to start",
        ("server",),
        reported("server", session_pids="10", ended=f"1 {END} signal 11 again"),
        of=DEAD,
    ),
    Recorded("a process with the server's pid", ("server",), {"server": {"session_pids": (), "answer": Answer(False)}}),
    Recorded(
        "a kernel that crashes again and again",
        ("kernels",),
        {"server": {"answer": Answer(True, "", WANTED.settings.port, (Kernel("0" * 8, "a.ipynb", "dead"),))}},
    ),
    Recorded(
        "a kernel whose file is broken",
        ("kernels",),
        {"interpreter": {"probe": Probe(kernels=(Kernelspec("R", "/k/R/kernel.json", "/k"),))}},
    ),
    Recorded("KillUserProcesses without lingering", ("limits",), reported("limits", killed="ann")),
    Recorded("a low limit of processes", ("limits",), reported("limits", resources=LIMITS)),
    Recorded("a low limit of memory", ("limits",), reported("limits", resources=MEMORY)),
    Recorded(
        "kernels that have outlived their server", ("stale files",), reported("stale", orphans="4711 5\n4712 6\n")
    ),
)
SEVERAL = (
    "a quota that is used up",
    "a clock that is ahead",
    "a firewall that drops",
    "KillUserProcesses without lingering",
    "kernels that have outlived their server",
)

"""Real OpenSSH servers in network namespaces, near by and far away: python benchmarks/hosts.py N COMMAND...

Each host has an address without delay (`h1`, `h2`, ...) and one with a round-trip time (`w1`, `w2`, ...), and a home
folder of its own. COMMAND runs in the namespace of the controlling side, with NBFAB_HOSTS naming the ssh_config.
Needs root, iproute2 and openssh-server. Nothing is changed in the machine's own network.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
NEAR, FAR = "10.99", "10.100"  # the first half of the hosts' addresses, without and with delay
CLONE_NEWNET = 0x40000000  # sched.h


def address(net: str, number: int) -> str:
    """The address of a host, numbered from 1."""
    return f"{net}.{1 + number // 250}.{1 + number % 250}"


@dataclass(frozen=True)
class Hosts:
    """Hosts that are up: how many, the folder that holds theirs, and a process in the namespace of the controlling
    side, of the router, and of each host.
    """

    count: int
    folder: Path
    controller: int
    router: int
    namespaces: tuple[int, ...]

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F` and `fab -S`."""
        return self.folder / "ssh_config"

    def command(self, *args: str) -> list[str]:
        """A command, to run where the hosts are reached."""
        return within(self.controller, *args)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and the threads and programs that it starts, are where the hosts are reached."""
        before = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.controller}/ns/net", os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(before)
            os.close(before)
            os.close(there)

    def home(self, number: int) -> Path:
        """The home folder of a host, numbered from 1."""
        return self.folder / f"host{number}"


def within(pid: int, *args: str) -> list[str]:
    """A command, to run in the network namespace of that process."""
    return ["nsenter", f"--net=/proc/{pid}/ns/net", *args]


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def up(count: int, rtt_ms: float = 100) -> Iterator[Hosts]:
    """Brings `count` hosts up, the far ones `rtt_ms` away, and takes them down at the end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that they are taken down then too
    folder = Path(tempfile.mkdtemp(prefix="nbfab-hosts"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        controller, router = _namespace(stack), _namespace(stack)
        _link(stack, controller, router, rtt_ms)
        _keys(folder)
        own = tuple(_host(stack, folder, router, number) for number in range(1, count + 1))
        hosts = Hosts(count, folder, controller, router, own)
        _client(hosts)
        last = address(NEAR, count)
        _wait(f"nsenter --net=/proc/{controller}/ns/net ssh-keyscan -T 2 {last} 2>/dev/null | grep -q ssh-", seconds=30)
        yield hosts


def _start(stack: contextlib.ExitStack, command: Sequence[str], *, heard: bool = False) -> int:
    """Starts a process, and ends it when the stack is closed; where `heard`, returns after its first line."""
    streams = subprocess.PIPE if heard else subprocess.DEVNULL
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=streams, stderr=subprocess.DEVNULL, start_new_session=True
    )
    if process.stdout:
        process.stdout.readline()

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()

    stack.callback(end)
    return int(process.pid)


def _namespace(stack: contextlib.ExitStack) -> int:
    """A process in a network namespace of its own."""
    pid = _start(stack, ["unshare", "--net", "sleep", "infinity"])
    _wait(f"[ /proc/{pid}/ns/net -ef /proc/self/ns/net ]", holds=False)
    stack.callback(_empty, pid)
    return pid


def _empty(pid: int) -> None:
    """Ends what else runs in that process's namespace: sessions of sshd outlive it until their clients hang up."""
    for other in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(other.name) != pid and (other / "ns/net").samefile(f"/proc/{pid}/ns/net"):
                os.kill(int(other.name), signal.SIGTERM)


def _wait(condition: str, *, holds: bool = True, seconds: int = 10) -> None:
    """Waits until a condition of sh holds, or no longer does."""
    test = condition if holds else f"! {condition}"
    script = f"n=0; until {test}; do n=$((n + 1)); [ $n -lt {seconds * 50} ] || exit 1; sleep 0.02; done"
    subprocess.run(["sh", "-c", script], check=True)


def ip(pid: int, *lines: str) -> None:
    """Changes the network of the namespace of that process."""
    subprocess.run(within(pid, "ip", "-batch", "-"), input="\n".join(lines), text=True, check=True)


def _link(stack: contextlib.ExitStack, controller: int, router: int, rtt_ms: float) -> None:
    """Two ways from the controlling side to the router: one at once, one with the delay."""
    ip(controller, "link set lo up", f"link add lan0 type veth peer name lan1 netns {router}")
    delay = [sys.executable, str(HERE / "delay.py"), str(controller), str(router), str(rtt_ms / 2)]
    _start(stack, delay, heard=True)
    ip(controller, "addr add 10.97.0.1/24 dev lan0", "link set lan0 up", f"route add {NEAR}.0.0/16 via 10.97.0.2")
    ip(router, "link set lo up", "addr add 10.97.0.2/24 dev lan1", "link set lan1 up", "link add br0 type bridge")
    ip(router, f"addr add {NEAR}.0.1/16 dev br0", f"addr add {FAR}.0.1/16 dev br0", "link set br0 up")
    ip(controller, "addr add 10.98.0.1/30 dev wan0", "link set wan0 txqueuelen 20000 up")
    ip(controller, f"route add {FAR}.0.0/16 via 10.98.0.2 dev wan0")
    ip(router, "addr add 10.98.0.2/30 dev wan1", "link set wan1 txqueuelen 20000 up")
    forward = ["nsenter", f"--net=/proc/{router}/ns/net", "sysctl", "-qw", "net.ipv4.ip_forward=1"]
    subprocess.run(forward, check=True)


def _keys(folder: Path) -> None:
    for name in ("host_key", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    os.makedirs("/run/sshd", exist_ok=True)


def _host(stack: contextlib.ExitStack, folder: Path, router: int, number: int) -> int:
    home = folder / f"host{number}"
    (home / "tmux").mkdir(parents=True)
    near, far = address(NEAR, number), address(FAR, number)
    own = _namespace(stack)
    ip(router, f"link add v{number} type veth peer name eth0 netns {own}", f"link set v{number} master br0 up")
    ip(own, "link set lo up", f"addr add {near}/16 dev eth0", f"addr add {far}/16 dev eth0", "link set eth0 up")
    ip(own, f"route add default via {NEAR}.0.1")
    config = home / "sshd_config"
    config.write_text(
        f"ListenAddress {near}\nListenAddress {far}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/id.pub\n"
        "StrictModes no\nUsePAM no\nPidFile none\nMaxStartups 500\nPermitRootLogin yes\nUseDNS no\n"
        f"Subsystem sftp internal-sftp\n"
        f'SetEnv "HOME={home}" "TMUX_TMPDIR={home}/tmux" "XDG_DATA_HOME="\n'
    )
    _start(stack, ["nsenter", f"--net=/proc/{own}/ns/net", "/usr/sbin/sshd", "-D", "-f", str(config)])
    return own


def _client(hosts: Hosts) -> None:
    kind, key, *_ = (hosts.folder / "host_key.pub").read_text().split()
    lines, known = [], []
    for number in range(1, hosts.count + 1):
        for letter, net in (("h", NEAR), ("w", FAR)):
            lines.append(f"Host {letter}{number}\n  HostName {address(net, number)}\n")
            known.append(f"{address(net, number)} {kind} {key}\n")
    (hosts.folder / "known_hosts").write_text("".join(known))
    always = f"IdentityFile {hosts.folder}/id\nIdentitiesOnly yes\nUserKnownHostsFile {hosts.folder}/known_hosts\n"
    hosts.ssh_config.write_text("".join(lines) + f"Host *\n{always}StrictHostKeyChecking yes\nBatchMode yes\n")


if __name__ == "__main__":
    with up(int(sys.argv[1])) as them:
        environment = os.environ | {"NBFAB_HOSTS": str(them.ssh_config)}
        sys.exit(subprocess.run(them.command(*sys.argv[2:]), env=environment, check=False).returncode)

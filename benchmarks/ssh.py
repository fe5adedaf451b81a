"""A task that changes nothing, against `ssh HOST true`, at once and 100 ms away: sudo python benchmarks/ssh.py

Over connections of its own, and through a live ControlMaster. The goal for the latter, 100 ms away, is 0.3 of
`ssh HOST true`, or 1.15 of its floor where that is higher: one exec of a program on standard input through the same
socket, and the import of nbfab's command line. Such an exec takes three round trips: sshd opens the window for standard
input when it answers the exec. An exec that reads nothing, which takes two, is shown beside it.
"""

import contextlib
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from hosts import Hosts, up
from pairs import compare, table

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
FAB = f"{BIN}/fab"


def main() -> None:
    """Prints a table for each distance."""
    with up(1) as hosts:
        env = os.environ | {"NBFAB_PASSWORD": secrets.token_hex(16), "NBFAB_PYTHON": sys.executable}

        def task(host: str, name: str) -> list[str]:
            return hosts.command(FAB, "-S", str(hosts.ssh_config), "-H", host, name)

        try:
            for host, distance in (("h1", "0 ms"), ("w1", "100 ms")):
                # Each name is one more for the certificate, so the first run of each changes something.
                subprocess.run(task(host, "setup"), env=env, cwd=ROOT, check=True, capture_output=True)
                commands = {
                    f"ssh {host} true ({distance})": hosts.command("ssh", "-F", str(hosts.ssh_config), host, "true"),
                    f"fab -H {host} setup, nothing to do": task(host, "setup"),
                }
                print(table(compare(commands, 7, env=env, cwd=str(ROOT)), next(iter(commands))), "\n")
            through_a_master(hosts, env)
        finally:
            subprocess.run([*task("h1", "stop"), "--force"], env=env, cwd=ROOT, check=False, capture_output=True)


def through_a_master(hosts: Hosts, env: Mapping[str, str]) -> None:
    """Prints a table for a task that goes through a live ControlMaster, 100 ms away, and what that is of the goal."""
    env = {name: value for name, value in env.items() if name != "NBFAB_PASSWORD"}  # whose hash it would compare
    folder = hosts.folder / "cm"
    folder.mkdir(mode=0o700)
    config = hosts.folder / "with_master"
    config.write_text(f"ControlPath {folder}/%C\n{hosts.ssh_config.read_text()}")
    login = "ssh w1 true (100 ms)"
    true, one = "ssh w1 true, through the socket", "echo true | ssh w1 /bin/sh, through it"
    imported, task = "import nbfab.cli.program", "nbfab -H w1 setup, through it"
    commands = {
        login: hosts.command("ssh", "-F", str(hosts.ssh_config), "w1", "true"),
        true: hosts.command("ssh", "-F", str(config), "w1", "true"),
        one: hosts.command("sh", "-c", 'echo true | exec ssh -F "$0" w1 /bin/sh', str(config)),
        imported: [sys.executable, "-c", "import nbfab.cli.program"],
        task: hosts.command(f"{BIN}/nbfab", "-S", str(config), "-H", "w1", "setup"),
    }
    with _master(hosts, config, folder):
        times = compare(commands, 9, env=env, cwd=str(ROOT))
    print(table(times, login), "\n")
    median = {name: statistics.median(of.wall) for name, of in times.items()}
    goal = max(0.3 * median[login], 1.15 * (median[one] + median[imported]))
    print(f"goal {goal:.3f} s, measured {median[task]:.3f} s: {median[task] / goal:.2f} of it\n")


@contextlib.contextmanager
def _master(hosts: Hosts, config: Path, folder: Path) -> Iterator[None]:
    command = hosts.command("ssh", "-F", str(config), "-M", "-N", "-n", "w1")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            while not any(folder.iterdir()):
                assert process.poll() is None, "the ControlMaster has ended"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    main()

"""The same job on many hosts by nbfab and its peers, twice and more: sudo python benchmarks/fleet.py [N...]

N hosts (1, 20 and 100), each a real sshd, at once and 100 ms away. The job is a profile's folder, a PEM, settings and a
tmux session; for nbfab it is the whole of `fleet.setup`, with a stand-in for the notebook. Ansible and pyinfra are
installed into a folder of their own. Then nbfab alone: with more and fewer hosts at work at the same time, and with
1,000 hosts listed of which most are not there. Prints Markdown.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from hosts import Hosts, up
from pairs import Times, compare, table

DISTANCES = {"h": "0 ms", "w": "100 ms"}
HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
CONTROL = "control"  # the folder of Ansible's open connections
ROUNDS = {1: 5, 20: 3, 100: 2}


def peers(folder: Path) -> Path:
    """An environment with Ansible and pyinfra; the folder of its programs."""
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, folder], check=True)
    subprocess.run(
        ["uv", "pip", "install", "-q", "--python", folder / "bin/python", "ansible-core", "pyinfra"], check=True
    )
    return folder / "bin"


def prepare(hosts: Hosts) -> None:
    """Writes what the tools want to know of the hosts, near (h) and far (w)."""
    folder = hosts.folder
    stub = folder / "python"
    shutil.copy(HERE / "stub_python.sh", stub)
    stub.chmod(0o755)
    for name in ("playbook.yml", "deploy.py", "job.sh"):
        shutil.copy(HERE / name, folder)
    request = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=x",
    ]
    subprocess.run([*request, "-keyout", folder / "key", "-out", folder / "cert"], check=True, capture_output=True)
    (folder / "nbserver.pem").write_text((folder / "key").read_text() + (folder / "cert").read_text())
    for letter in "hw":
        names = [f"{letter}{number}" for number in range(1, hosts.count + 1)]
        (folder / f"{letter}.txt").write_text("".join(f"{name}\n" for name in names))
        (folder / f"{letter}.yaml").write_text(
            f"defaults: {{python: {stub}, password: generate}}\nhosts:\n" + "".join(f"  {name}:\n" for name in names)
        )
        config = {"ssh_config_file": str(hosts.ssh_config), "ssh_known_hosts_file": str(folder / "known_hosts")}
        (folder / f"inventory_{letter}.py").write_text(f"hosts = [(name, {config!r}) for name in {names!r}]\n")


def commands(hosts: Hosts, tools: Path, letter: str) -> dict[str, list[str]]:
    """The same job by each tool."""
    folder, config = hosts.folder, hosts.ssh_config
    many = str(max(2, min(hosts.count, 100)))
    ssh = f'xargs -P {many} -I@ sh -c "ssh -F {config} @ sh -s < job.sh" < {letter}.txt'
    nbfab = [f"{BIN}/nbfab", "-S", str(config), "fleet.setup", "--yes", "--inventory", f"{folder}/{letter}.yaml"]
    # Like the others it connects anew: what its last run left open would be closed by the time of a next one.
    playbook = f"{tools}/ansible-playbook -i {letter}.txt -f {many} playbook.yml"
    ansible = ["sh", "-c", f"rm -rf {CONTROL} && exec {playbook}"]
    pyinfra = [f"{tools}/pyinfra", "-y", "--parallel", many, f"inventory_{letter}.py", "deploy.py"]
    return {
        "ssh, xargs -P": hosts.command("sh", "-c", ssh),
        "nbfab": hosts.command(*nbfab),
        "pyinfra": hosts.command(*pyinfra),
        "Ansible": hosts.command(*ansible),
    }


def main() -> None:
    """Prints a table for each number of hosts and each distance, and what one more host costs."""
    counts = [int(number) for number in sys.argv[1:]] or [1, 20, 100]
    own: dict[tuple[str, int], Times] = {}
    with tempfile.TemporaryDirectory() as temporary:
        tools = peers(Path(temporary) / "peers")
        for count in counts:
            with up(count) as hosts:
                prepare(hosts)
                env = environment(hosts)
                for letter, distance in DISTANCES.items():
                    try:
                        of = commands(hosts, tools, letter)
                        times = compare(of, ROUNDS.get(count, 3), env=env, cwd=str(hosts.folder))
                    finally:
                        undo(hosts)
                    print(f"\n{count} hosts, {distance}\n\n{table(times, 'ssh, xargs -P')}", flush=True)
                    own[letter, count] = times["nbfab"]
                if count == max(counts):
                    jobs_and_a_long_list(hosts, env)
    if min(counts) < max(counts):
        print(f"\n{costs(own, min(counts), max(counts))}")


def environment(hosts: Hosts) -> dict[str, str]:
    """What all tools find in their environment."""
    return os.environ | {
        "HOME": str(hosts.folder),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(hosts.folder / CONTROL),
        "ANSIBLE_SSH_ARGS": f"-F {hosts.ssh_config} -o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "XDG_STATE_HOME": "",
    }


def costs(own: Mapping[tuple[str, int], Times], few: int, many: int) -> str:
    """What one more host costs the controlling side, from runs with few and with many."""
    lines = []
    for letter, distance in DISTANCES.items():
        less, more = own[letter, few], own[letter, many]
        processor = (statistics.median(more.processor) - statistics.median(less.processor)) / (many - few)
        memory = (more.memory - less.memory) / (many - few)
        lines.append(f"- one more host, {distance}: {processor * 1000:.0f} ms of processor time, {memory:.2f} MiB")
    return "\n".join(lines)


def jobs_and_a_long_list(hosts: Hosts, env: Mapping[str, str]) -> None:
    """nbfab alone: hosts at work at the same time, and 1,000 hosts of which all but these are not there."""
    start = [f"{BIN}/nbfab", "-S", str(hosts.ssh_config)]
    for letter, distance in DISTANCES.items():
        plan = [*start, "fleet.plan", "--inventory", f"{hosts.folder}/{letter}.yaml", "--jobs"]
        of = {f"--jobs {jobs}": hosts.command(*plan, str(jobs)) for jobs in (8, 16, 32, 64, 128)}
        times = compare(of, 3, env=env, cwd=str(hosts.folder))
        print(f"\n{hosts.count} hosts, {distance}\n\n{table(times, '--jobs 64')}", flush=True)
    names = [f"h{number}" for number in range(1, hosts.count + 1)]
    missing = [f"10.99.{200 + number // 250}.{1 + number % 250}" for number in range(1000 - hosts.count)]
    lines = [f"  {name}:\n" for name in names]
    lines += [f"  missing{number}: {{address: {address}}}\n" for number, address in enumerate(missing)]
    (hosts.folder / "long.yaml").write_text("hosts:\n" + "".join(lines))
    command = hosts.command(*start, "fleet.plan", "--json", "--inventory", f"{hosts.folder}/long.yaml")
    began = time.perf_counter()
    done = subprocess.run(command, env=env, cwd=hosts.folder, capture_output=True, text=True, check=False)
    verdicts = Counter(host["verdict"] for host in json.loads(done.stdout)["hosts"])
    print(f"\n1,000 hosts listed: {time.perf_counter() - began:.0f} s; verdicts: {dict(verdicts)}", flush=True)


def undo(hosts: Hosts) -> None:
    """Ends the tmux sessions that the jobs have left, and removes their files."""
    for number in range(1, hosts.count + 1):
        home = hosts.home(number)
        env = os.environ | {"TMUX_TMPDIR": str(home / "tmux")}
        for name in ("nbfab", "by-hand", "ansible", "pyinfra"):
            subprocess.run(["tmux", "-L", name, "kill-server"], env=env, capture_output=True, check=False)
            shutil.rmtree(home / name, ignore_errors=True)
        shutil.rmtree(home / ".local", ignore_errors=True)


if __name__ == "__main__":
    main()

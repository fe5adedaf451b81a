"""A run over many hosts that changes nothing, by nbfab and its peers: sudo python benchmarks/many.py [N...]

N hosts (1, 20 and 100), each a real sshd, at once and 100 ms away. The job is a profile's folder, a PEM, settings and a
tmux session; for nbfab it is the whole of `fleet.setup`, with a stand-in for the notebook. Ansible and pyinfra are
installed into a folder of their own. Prints Markdown.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hosts import Hosts, up
from pairs import compare, table

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
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
    ansible = [f"{tools}/ansible-playbook", "-i", f"{letter}.txt", "-f", many, "playbook.yml"]
    pyinfra = [f"{tools}/pyinfra", "-y", "--parallel", many, f"inventory_{letter}.py", "deploy.py"]
    return {
        "ssh, xargs -P": hosts.command("sh", "-c", ssh),
        "nbfab": hosts.command(*nbfab),
        "pyinfra": hosts.command(*pyinfra),
        "Ansible": hosts.command(*ansible),
    }


def main() -> None:
    """Prints a table for each number of hosts and each distance."""
    with tempfile.TemporaryDirectory() as temporary:
        tools = peers(Path(temporary) / "peers")
        for count in [int(number) for number in sys.argv[1:]] or [1, 20, 100]:
            with up(count) as hosts:
                prepare(hosts)
                env = os.environ | {
                    "HOME": str(hosts.folder),
                    "ANSIBLE_PIPELINING": "True",
                    "ANSIBLE_SSH_ARGS": f"-F {hosts.ssh_config} -o ControlMaster=auto -o ControlPersist=60s",
                    "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
                    "XDG_STATE_HOME": "",
                }
                try:
                    for letter, distance in (("h", "0 ms"), ("w", "100 ms")):
                        of = commands(hosts, tools, letter)
                        times = compare(of, ROUNDS.get(count, 3), env=env, cwd=str(hosts.folder))
                        print(f"\n{count} hosts, {distance}\n\n{table(times, 'ssh, xargs -P')}", flush=True)
                finally:
                    _end(hosts)


def _end(hosts: Hosts) -> None:
    """Ends the tmux sessions that the jobs have left."""
    for number in range(1, hosts.count + 1):
        env = os.environ | {"TMUX_TMPDIR": str(hosts.home(number) / "tmux")}
        for name in ("nbfab", "by-hand", "ansible", "pyinfra"):
            subprocess.run(["tmux", "-L", name, "kill-server"], env=env, capture_output=True, check=False)


if __name__ == "__main__":
    main()

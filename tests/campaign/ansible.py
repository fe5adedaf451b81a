"""Random Ansible inventories: does nbfab reach what Ansible would? `python tests/campaign/ansible.py [ROUNDS [SEED]]`.

Ansible runs with an `ssh` that only notes its arguments, and OpenSSH says what these mean (`ssh -G`). nbfab must find
the same machine, user, keys and jump hosts for each host, or refuse it for an option that it says it cannot honour; and
the same again from the folder of the inventory, which `ansible-inventory` reads for it.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fabric
from invoke import Context
from ruamel.yaml import YAML

from nbfab.cli.call import Call
from nbfab.inventory.hosts import InventoryHost
from nbfab.inventory.load import load
from nbfab.ssh.connection import Connection

BIN = Path(sys.executable).parent
GROUPS = ("lab", "web", "deep")
HOSTS = [f"h{number}" for number in range(20)]
SINGLE = ("hostname", "user", "port", "proxyjump", "proxycommand", "hostkeyalias")

VARIABLES: dict[str, list[object]] = {
    "host": ["192.0.2.1", "192.0.2.2", "far.example", "{{ inventory_hostname }}.lan", None],
    "user": ["ann", "bob", "ann@corp.example", None],
    "port": [22, 2200, "2201", None],
    "private_key_file": ["/keys/one", "~/keys/two", None],
}
ARGUMENTS = [
    "-o Port=2300", "-p 2301", "-oPort=2302", "-o 'port 2303'", "-l carl", "-o User=dave", "-o 'User=\"dora\"'",
    "-i /keys/three", "-o IdentityFile=/keys/four", "-J bastion", "-o ProxyJump=ann@b1:22,b2", "-J none",
    "-o ProxyCommand='nc one'", "-o 'ProxyCommand nc two'", "-o HostName=192.0.2.9", "-o HostKeyAlias=other",
    "-F one.cfg", "-F two.cfg", "-o UserKnownHostsFile=/dev/null", "-o UserKnownHostsFile=/known",
    "-o StrictHostKeyChecking=no",
    "-C -o ControlMaster=auto -o ControlPersist=60s", "-4", "-vvA", "-o ForwardAgent=yes", "-o ServerAliveInterval=5",
]  # fmt: skip
UNSUPPORTED = ["-L 1:a:2", "-o LocalCommand=x", "-D 8080", "-I /lib/x.so"]
ARGUMENT_VARIABLES = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")


def variables(dice: random.Random) -> dict[str, object]:
    """Variables of a host or a group: few at a time, so that none hides all the others."""
    found: dict[str, object] = {}
    for name, values in VARIABLES.items():
        for prefix in ("ansible_", "ansible_ssh_"):
            if dice.random() < 0.12:
                found[prefix + name] = dice.choice(values)
    for name in ARGUMENT_VARIABLES:
        if dice.random() < 0.1:
            options = dice.sample(ARGUMENTS, dice.randint(1, 3))
            found[name] = " ".join(options + ([dice.choice(UNSUPPORTED)] if dice.random() < 0.1 else []))
    return found


def inventory(dice: random.Random) -> dict[str, object]:
    """Some hosts in some groups, nested at random, with variables everywhere."""
    groups: dict[str, Any] = {}
    for group in GROUPS:
        hosts = {host: variables(dice) for host in dice.sample(HOSTS, 8)}
        groups[group] = {"hosts": hosts, "vars": variables(dice)}
        if dice.random() < 0.3:
            groups[group]["vars"]["ansible_group_priority"] = dice.randint(1, 5)
    if dice.random() < 0.5:
        groups["lab"]["children"] = {"deep": {}}
    everyone = {host: variables(dice) for host in HOSTS}
    return {"all": {"hosts": everyone, "vars": variables(dice), "children": groups}}


def config(dice: random.Random) -> str:
    """An ansible.cfg."""
    lines = ["[defaults]", "host_key_checking = False"]
    lines += ["remote_user = erin"] if dice.random() < 0.3 else []
    lines += ["remote_port = 2400"] if dice.random() < 0.3 else []
    lines += ["private_key_file = keys/five"] if dice.random() < 0.3 else []
    lines += ["[ssh_connection]"]
    lines += [
        f"{name.removeprefix('ansible_')} = {dice.choice(ARGUMENTS)}"
        for name in ARGUMENT_VARIABLES
        if dice.random() < 0.2
    ]
    return "\n".join(lines)


def by_ansible(folder: Path) -> dict[str, list[str]]:
    """The arguments that Ansible gives to ssh, by host."""
    noted = folder / "noted"
    noted.mkdir()
    program = folder / "bin/ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nfor word; do printf "%s\\0" "$word"; done >"{noted}/$$"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "ANSIBLE_HOME": str(folder)}
    command = [
        f"{BIN}/ansible",
        "all",
        "-i",
        "inventory",
        "-f",
        "10",
        "-m",
        "raw",
        "-a",
        "name={{ inventory_hostname }}",
    ]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    found = {}
    for file in noted.iterdir():
        *words, host, remote = file.read_text().split("\0")[:-1]
        name = next((name for name in HOSTS if f"name={name}'" in f"{remote}'"), "")
        assert name, (done.stdout, remote)
        found[name] = [*(word for word in words if word != "-tt"), host]
    assert found, done.stdout + done.stderr
    return found


def means(words: list[str], folder: Path) -> Mapping[str, object] | None:
    """What arguments mean to ssh; None if it rejects them."""
    done = subprocess.run(
        ["ssh", "-G", *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return None
    pairs = [line.split(" ", 1) for line in done.stdout.splitlines() if " " in line]
    values: dict[str, object] = {key: value for key, value in pairs if key in SINGLE and value != "none"}
    values["keys"] = {value for key, value in pairs if key == "identityfile" and "/keys/" in value}
    known = next(value for key, value in pairs if key == "userknownhostsfile")
    return values | {"known": known if known != "/dev/null" else None}


def ours(host: InventoryHost) -> Mapping[str, object]:
    """The same, as nbfab resolves it."""
    options = Call(
        Context(fabric.Config(lazy=True)), "status", {"accept_new_host_key": False, "ssh": None}
    ).ssh_options(host)
    connection = Connection(host.typed, options)
    route = connection.route
    keys = {*route.identities, *([os.path.expanduser(host.identity)] if host.identity else [])}
    values = {
        "hostname": route.hostname,
        "user": route.user,
        "port": str(route.port),
        "proxyjump": ",".join(map(str, connection._jumps)),
        "proxycommand": "" if connection._jumps else route.proxy_command,
        "hostkeyalias": route.alias,
    }
    found: dict[str, object] = {key: value for key, value in values.items() if value}
    found["keys"] = {key for key in keys if "/keys/" in key}
    return found | {"known": " ".join(route.known_hosts[: len(route.known_hosts) - 2])}


def differs(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether nbfab's `one` reaches something else; it may know more host keys where Ansible has /dev/null for them."""
    if {key: value for key, value in one.items() if key not in ("keys", "known")} != {
        key: value for key, value in other.items() if key not in ("keys", "known")
    }:
        return True
    home = os.path.expanduser("~")
    keys = {str(key).replace("~", home, 1) for key in other["keys"]}  # type: ignore[attr-defined]
    return one["keys"] != keys or (other["known"] is not None and one["known"] != other["known"])


def main(rounds: int, seed: int) -> int:
    """Prints the figures, and each difference; the exit status is 1 if there is one."""
    figures: Counter[str] = Counter()
    began = time.monotonic()
    os.environ["PATH"] = f"{BIN}:{os.environ['PATH']}"
    for number in range(seed, seed + rounds):
        dice = random.Random(number)
        folder = Path(tempfile.mkdtemp(prefix="ansible"))
        os.chdir(folder)
        (folder / "inventory").mkdir()
        YAML().dump(inventory(dice), folder / "inventory/hosts.yaml")
        (folder / "ansible.cfg").write_text(config(dice))
        for name in ("one", "two"):
            (folder / f"{name}.cfg").write_text(f"User {name}\nHostKeyAlias {name}\nPort 2{len(name)}00\n")
        theirs = by_ansible(folder)
        listed = load(Path("inventory"), named=True)
        for host in load(Path("inventory/hosts.yaml"), named=True).hosts:
            again = listed.find(host.name)
            assert again
            if (again.values, bool(again.unread)) != (host.values, bool(host.unread)):
                figures["DIFFERENT IN THE LIST"] += 1
                print(number, host.name, host.values, again.values, again.unread, sep="\n  ")
            expected = means(theirs[host.name], folder)
            words = " ".join(theirs[host.name])
            if expected is None:
                figures["ssh rejects Ansible's arguments"] += 1
            elif host.unread:
                on_purpose = any(option.split("=")[0] in words for option in UNSUPPORTED)
                figures["refused on purpose" if on_purpose else "REFUSED WITHOUT CAUSE"] += 1
                if not on_purpose:
                    print(number, host.name, host.unread, words, sep="\n  ")
            elif differs(found := ours(host), expected):
                figures["DIFFERENT"] += 1
                print(number, host.name, words, f"nbfab: {found}", f"ssh:   {expected}", sep="\n  ")
            else:
                figures["the same"] += 1
        shutil.rmtree(folder)
    print(f"{rounds} inventories, {figures.total()} hosts in {time.monotonic() - began:.0f} s, seed {seed}:")
    print(*(f"{count:6} {what}" for what, count in sorted(figures.items())), sep="\n")
    return int(any(what.isupper() for what in figures))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(given + [5, 1][len(given) :])))

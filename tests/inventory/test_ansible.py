"""Ansible's inventories: nbfab reaches the machine, as the user and with the key, that Ansible would, or refuses."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import fabric
import pytest
from invoke import Context
from machine import BIN

from nbfab.cli.call import Call
from nbfab.errors import UsageError
from nbfab.fix import Command
from nbfab.inventory.hosts import InventoryHost
from nbfab.inventory.load import load
from nbfab.names import parse_host
from nbfab.ssh.connection import Connection
from nbfab.ssh.route import Route

PARENTS = os.environ["PATH"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which nothing but its own files counts, and without `ansible-inventory`."""
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", ":".join(part for part in PARENTS.split(":") if part != str(BIN)))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ansible-inventory` is on PATH."""
    monkeypatch.setenv("PATH", f"{BIN}:{os.environ['PATH']}")


def read(text: str, *, named: bool = True) -> InventoryHost:
    """The only host of an inventory."""
    Path("hosts.yaml").write_text(text)
    (host,) = load(Path("hosts.yaml"), named=named).hosts
    return host


def one(variables: str, *, named: bool = True) -> InventoryHost:
    """A host with those variables."""
    return read(f"all: {{hosts: {{x: {{{variables}}}}}}}\n", named=named)


def route(host: InventoryHost, config: str = "/dev/null") -> Route:
    """How nbfab would reach a host; `config` is what ssh_config is for it, unless it wants another."""
    settings = fabric.Config(lazy=True)
    if not host.ssh_config:
        settings.set_runtime_ssh_path(config)
    assert not host.unread
    options = Call(Context(settings), "status", {"accept_new_host_key": False, "ssh": None}).ssh_options(host)
    connection = Connection(host.typed, options)
    found: Route = replace(connection.route, jumps=connection._jumps)
    return found


SPELLINGS = [
    # The more specific name wins, wherever each stands.
    ("vars: {ansible_ssh_port: 2201}, hosts: {x: {ansible_host: 127.0.0.1, ansible_port: 2202}}", "127.0.0.1:2201"),
    ("vars: {ansible_port: 2201}, hosts: {x: {ansible_ssh_port: 2202}}", "x:2202"),
    ("vars: {ansible_ssh_host: b, ansible_ssh_user: bob}, hosts: {x: {ansible_host: a, ansible_user: ann}}", "bob@b"),
    ("vars: {ansible_ssh_user: bob}, hosts: {x: {ansible_ssh_user: , ansible_user: ann}}", "ann@x"),
    ("vars: {ansible_ssh_port: 2201}, hosts: {'x:2202': }", "x:2201"),
    ("vars: {ansible_user: bob}, hosts: {x: {ansible_user: }}", "x"),
    # nbfab's own variables are for nbfab.
    ("vars: {nbfab_user: eve, nbfab_ssh_port: 1}, hosts: {x: {ansible_ssh_user: ann, ansible_ssh_port: 2}}", "eve@x:1"),
    ("hosts: {x: {ansible_user: ann@corp.example}}", "ann@corp.example@x"),
]


@pytest.mark.parametrize(("group", "typed"), SPELLINGS)
def test_the_variables_of_ssh_win_over_the_general_ones(group: str, typed: str) -> None:
    assert str(read(f"all: {{children: {{lab: {{{group}}}}}}}").typed) == typed


def test_the_key_of_ssh_wins_too() -> None:
    text = "all: {vars: {ansible_ssh_private_key_file: /a}, hosts: {x: {ansible_private_key_file: /b}}}"
    assert read(text).identity == "/a"


def test_group_vars_and_host_vars_keep_the_spellings_apart(folder: Path) -> None:
    (folder / "group_vars").mkdir()
    (folder / "group_vars/all.yml").write_text("ansible_ssh_port: 2201\n")
    assert one("ansible_port: 2202").typed.port == 2201


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ("ansible_ssh_common_args: '-o Port=2300'", {"port": 2300}),
        ("ansible_ssh_common_args: -p 2300 -l carl", {"port": 2300, "user": "carl"}),
        ("ansible_ssh_common_args: -vqp2300", {"port": 2300}),
        ("ansible_ssh_common_args: \"-o 'port = 2300' -o 'User carl'\"", {"port": 2300, "user": "carl"}),
        ("ansible_ssh_common_args: '-o User=\"carl\"'", {"user": "carl"}),
        # ssh takes the first value: ssh_args, the variables, then the others.
        ("ansible_ssh_common_args: -p 2300, ansible_port: 2200", {"port": 2200}),
        ("ansible_ssh_extra_args: -l carl, ansible_user: ann", {"user": "ann"}),
        (
            "ansible_ssh_args: -p 2300 -l carl, ansible_ssh_port: 2200, ansible_user: ann",
            {"port": 2300, "user": "carl"},
        ),
        ("ansible_ssh_args: -p 2300 -p 2301, ansible_ssh_common_args: -p 2302", {"port": 2300}),
        ("ansible_ssh_args: -p 2300, nbfab_ssh_port: 2200", {"port": 2200}),
        ("ansible_ssh_common_args: -i /keys/a -o IdentityFile=/keys/b", {"identities": ("/keys/a", "/keys/b")}),
        ("ansible_ssh_args: -J bastion", {"jumps": (parse_host("bastion"),)}),
        ("ansible_ssh_args: -J none, ansible_ssh_common_args: -o ProxyCommand='nc b'", {"proxy_command": "nc b"}),
        ("ansible_ssh_args: -o ProxyCommand='nc b' -o ProxyJump=c", {"proxy_command": "nc b", "jumps": ()}),
        ("ansible_ssh_common_args: -o HostName=192.0.2.9, ansible_host: a", {"hostname": "192.0.2.9"}),
        ("ansible_ssh_common_args: -F ./ssh.cfg", {"user": "frank", "config": "./ssh.cfg"}),
        ("ansible_ssh_common_args: -o UserKnownHostsFile=/known", {"user_known_hosts": "/known"}),
        ("ansible_ssh_common_args: -o HostKeyAlias=other", {"alias": "other"}),
        ("ansible_ssh_args: '-o HostName={{ inventory_hostname }}.lan'", {"hostname": "x.lan"}),
        ("ansible_connection: ssh, ansible_ssh_executable: /usr/bin/ssh", {"hostname": "x"}),
    ],
)
def test_the_arguments_for_ssh_count(variables: str, expected: dict[str, object], folder: Path) -> None:
    for key in ("a", "b"):
        # `ssh` drops -i with a file that does not exist.
        variables = variables.replace(f"/keys/{key}", f"{folder}/{key}")
        (folder / key).touch()
    Path("ssh.cfg").write_text("User frank\n")
    found = route(one(variables))
    shown = {name: getattr(found, name) for name in expected}
    if "identities" in shown:
        shown["identities"] = tuple(f"/keys/{Path(path).name}" for path in shown["identities"])
    assert shown == expected


def test_the_name_of_a_host_is_filled_in_among_the_arguments() -> None:
    text = "-o HostName={{inventory_hostname}}.lan -l {{ inventory_hostname_short }} -i '{{ inventory_hostname }} key'"
    Path("hosts.yaml").write_text(f'all: {{vars: {{ansible_ssh_args: "{text}"}}, hosts: {{a.b: , c: }}}}')
    assert [(host.typed.user, host.ssh_options) for host in load(Path("hosts.yaml")).hosts] == [
        ("a", ("-o", "HostName=a.b.lan", "-i", "a.b key")), ("c", ("-o", "HostName=c.lan", "-i", "c key"))
    ]  # fmt: skip


def test_harmless_arguments_are_dropped_without_a_word() -> None:
    Path("hosts.yaml").write_text(
        "all: {hosts: {x: {ansible_ssh_common_args: -C -o ControlMaster=auto -o ControlPersist=60s"
        " -o 'ControlPath /a b' -o ServerAliveCountMax=3 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        " -o LogLevel=ERROR -qvvA -S none -o ForwardAgent=yes}}}\n"
    )
    found = load(Path("hosts.yaml"))
    assert (found.hosts[0].unread, dict(found.hosts[0].values), found.notes) == (None, {}, ())


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            "ansible_ssh_args: '-o LocalCommand=x'",
            "hosts.yaml:1:37: -o LocalCommand in ansible_ssh_args counts in Ansible",
        ),
        ("ansible_ssh_args: -L 1:a:2", "-L in ansible_ssh_args counts in Ansible"),
        ("ansible_ssh_extra_args: -o PKCS11Provider=/x.so", "-o PKCS11Provider in ansible_ssh_extra_args"),
        ("ansible_ssh_args: '-o'", "-o in ansible_ssh_args lacks its value"),
        ("ansible_ssh_args: -o Port", "-o in ansible_ssh_args lacks an option and its value"),
        ("ansible_ssh_args: -p 22 hunter2", "has a word that is not an option of ssh"),
        ("ansible_ssh_args: -p many", "port in ansible_ssh_args must be a whole number"),
        ('ansible_ssh_args: "-o \'Port=1"', "ansible_ssh_args cannot be split into words: no closing quotation"),
        ("ansible_ssh_args: [-p, 22]", "ansible_ssh_args must be text, not a list"),
        ('ansible_ssh_args: "-i a\\0b"', "ansible_ssh_args has a character that no argument can have"),
        (f"ansible_ssh_args: -F {'x' * 1000}", "ansible_ssh_args is longer than 1000 characters"),
        ("ansible_ssh_args: '{{ args }}'", "cannot evaluate ansible_ssh_args"),
        ("ansible_ssh_executable: /opt/wrapper", "ansible_ssh_executable is another program than ssh"),
        ("ansible_connection: paramiko, ansible_paramiko_port: 22", "ansible_paramiko_port cannot be honoured"),
        ("ansible_connection: paramiko, ansible_ssh_args: -p 22", "ansible_ssh_args cannot be honoured"),
        ("ansible_ssh_port: '{{ p }}', ansible_port: 22", "cannot evaluate ansible_ssh_port"),
    ],
)
def test_a_host_is_refused_for_what_cannot_be_honoured(variables: str, words: str) -> None:
    error = one(variables).unread
    assert words in str(error)
    assert "hosts.yaml:1:" in str(error)
    assert "hunter2" not in str(error)


def test_what_is_overridden_is_not_evaluated() -> None:
    assert one("ansible_ssh_port: 23, ansible_port: '{{ p }}'").typed.port == 23


@pytest.mark.parametrize("args", ["-F ssh.cfg", "-o ProxyCommand='nc a'"])
def test_a_file_that_merely_lies_in_the_folder_runs_no_programs(args: str) -> None:
    error = one(f'ansible_ssh_common_args: "{args}"', named=False).unread
    assert "can run programs, so it counts only in a file that is named" in str(error)
    assert error is not None
    assert error.hint == "nbfab fleet.plan --inventory=hosts.yaml"
    assert not one(f'ansible_ssh_common_args: "{args}"', named=True).unread


def test_the_environment_is_the_user_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_SSH_COMMON_ARGS", "-F ssh.cfg")
    assert one("", named=False).ssh_config == "ssh.cfg"
    monkeypatch.delenv("ANSIBLE_SSH_COMMON_ARGS")
    Path("ansible.cfg").write_text("[ssh_connection]\nssh_args = -F ssh.cfg\n")
    assert "-F in ssh_args can run programs" in str(one("", named=False).unread)


def test_s_on_the_command_line_replaces_f() -> None:
    host = one("ansible_ssh_common_args: -F ssh.cfg")
    settings = fabric.Config(lazy=True)
    settings.set_runtime_ssh_path("given")
    call = Call(Context(settings), "status", {"accept_new_host_key": False, "ssh": None})
    assert (call.ssh_options(host).config, call.ssh_options().config) == ("given", "given")
    assert Call(Context(fabric.Config(lazy=True)), "status", call.given).ssh_options(host).config == "ssh.cfg"


def test_the_command_in_a_fix_takes_the_same_arguments() -> None:
    host = one("ansible_ssh_common_args: '-o HostName=127.0.0.1 -i \"/a b\"'")
    call = Call(Context(fabric.Config(lazy=True)), "status", {"accept_new_host_key": False, "ssh": None})
    assert call.ssh_options(host).for_ssh == "-o HostName=127.0.0.1 -i '/a b'"


CONFIG = (
    "[defaults]\nremote_user = 'carl'\nremote_port=2400\nprivate_key_file = keys/a\n[ssh_connection]\nssh_args=-J b\n"
)


def test_the_ansible_cfg_in_force_counts_after_the_variables(folder: Path) -> None:
    Path("ansible.cfg").write_text(CONFIG)
    host = one("")
    assert (str(host.typed), host.identity, host.jumps) == ("carl@x:2400", f"{folder}/keys/a", (parse_host("b"),))
    assert str(one("ansible_ssh_port: 1, ansible_user: ann").typed) == "ann@x:1"
    assert str(one("ansible_user: ").typed) == "carl@x:2400"


def test_an_own_inventory_does_not_heed_ansible_s_configuration() -> None:
    Path("ansible.cfg").write_text(CONFIG)
    assert str(read("hosts: {x: }").typed) == "x"


def test_the_environment_comes_before_ansible_cfg(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ansible.cfg").write_text(CONFIG)
    monkeypatch.setenv("ANSIBLE_REMOTE_USER", "erin")
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "")
    assert (str(one("").typed), one("").jumps) == ("erin@x:2400", None)
    monkeypatch.setenv("ANSIBLE_REMOTE_PORT", "many")
    assert "the environment: ANSIBLE_REMOTE_PORT must be a whole number" in str(one("").unread)


def test_where_ansible_looks_for_its_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path.home()
    home.mkdir()
    (home / ".ansible.cfg").write_text("[defaults]\nremote_user=home\n")
    assert one("").typed.user == "home"
    Path("ansible.cfg").write_text("[defaults]\nremote_user=here\n")
    assert one("").typed.user == "here"
    folder.chmod(0o777)  # where anyone may have put it
    assert one("").typed.user == "home"
    folder.chmod(0o755)
    (home / "other.cfg").write_text("[defaults]\nremote_user=other\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(home / "other.cfg"))
    assert one("").typed.user == "other"


def test_an_ansible_cfg_that_counts_only_elsewhere_is_named(folder: Path) -> None:
    (folder / "lab").mkdir()
    (folder / "lab/ansible.cfg").write_text("[defaults]\nremote_user=lab\n")
    (folder / "lab/hosts.yaml").write_text("all: {hosts: {x: }}\n")
    found = load(Path("lab/hosts.yaml"))
    assert found.hosts[0].typed.user is None
    assert found.notes == ("lab/ansible.cfg: remote_user not counted; Ansible reads that file only in: cd lab",)
    os.chdir("lab")
    assert load(Path("hosts.yaml")).notes == ()
    (folder / "lab").chmod(0o777)
    assert load(Path("hosts.yaml")).notes == (
        "ansible.cfg: remote_user not counted; anyone can write to this folder",
    )  # fmt: skip
    (folder / "lab/inventory").mkdir()
    (folder / "lab/hosts.yaml").rename(folder / "lab/inventory/hosts.yaml")
    os.chdir("inventory")
    assert load(Path("hosts.yaml")).notes == (
        "../ansible.cfg: remote_user not counted; Ansible reads that file only in: cd ..",
    )  # fmt: skip
    (folder / "lab/ansible.cfg").write_text("remote_user\n")
    assert load(Path("hosts.yaml")).notes == ()


def test_a_broken_ansible_cfg_is_an_error() -> None:
    Path("ansible.cfg").write_text("remote_user\n")
    with pytest.raises(UsageError, match=r"ansible\.cfg: Ansible cannot read it"):
        one("")


INI = """
[lab]
w1 ansible_host=192.0.2.1 ansible_port=2200
w[2:3] ansible_ssh_common_args='-o Port=2300' ansible_port=2200 ansible_ssh_port=2100
[lab:vars]
ansible_user=ann
ntp=pool
[all:children]
db
[db]
d1
"""
VAULT = "ansible_host: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3130\n"


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.usefixtures("program")
def test_ansible_inventory_reads_ini(folder: Path) -> None:
    Path("hosts").write_text(INI)
    (folder / "group_vars").mkdir()
    Path("group_vars/db.yml").write_text(VAULT)
    said: list[str] = []
    found = load(Path("hosts"), named=True, says=said.append)
    assert said == ["hosts is not YAML: ansible-inventory reads it, which runs Ansible's plugins"]
    assert {host.name: (str(host.typed), host.groups) for host in found.hosts if not host.unread} == {
        "w1": ("ann@192.0.2.1:2200", ("lab",)),
        "w2": ("ann@w2:2100", ("lab",)),
        "w3": ("ann@w3:2100", ("lab",)),
    }
    assert [str(host.unread) for host in found.hosts if host.unread] == ["hosts, host d1: cannot evaluate ansible_host"]
    assert "hosts: not understood and ignored: ntp" in found.notes
    assert [host.name for host in found.select("lab,!w2")] == ["w1", "w3"]


SCRIPT = """#!/bin/sh
echo '{"lab": {"hosts": ["s1"], "children": ["deep"]}, "deep": {"hosts": ["s2"]},
 "_meta": {"hostvars": {"s1": {"ansible_host": "192.0.2.7", "nbfab_port": 8000}}}}'
"""


@pytest.mark.usefixtures("program")
def test_ansible_inventory_runs_scripts_and_plugins_and_reads_folders(folder: Path) -> None:
    Path("inventory").mkdir()
    executable(Path("inventory/script"), SCRIPT)
    Path("inventory/more.ini").write_text("[lab]\ni1\n")
    Path("made.yml").write_text(
        "plugin: ansible.builtin.generator\nhosts: {name: 'g{{ n }}', parents: []}\nlayers: {n: [1, 2]}\n"
    )
    script = load(Path("inventory/script"), named=True).hosts
    assert {str(host.typed): (host.groups, dict(host.options)) for host in script} == {
        "192.0.2.7": (("lab",), {"port": 8000}), "s2": (("lab", "deep"), {})
    }  # fmt: skip
    assert sorted(host.name for host in load(Path("inventory"), named=True).hosts) == ["i1", "s1", "s2"]
    assert [host.name for host in load(Path("made.yml"), named=True).hosts] == ["g1", "g2"]


@pytest.mark.usefixtures("program")
def test_an_ansible_cfg_stands_for_its_own_inventory(folder: Path) -> None:
    lab = folder / "lab"
    lab.mkdir()
    (lab / "hosts").write_text("[lab]\nw1\n")
    (lab / "ansible.cfg").write_text("[defaults]\ninventory = ./hosts\nremote_user = carl\n")
    assert [str(host.typed) for host in load(Path("lab/ansible.cfg"), named=True).hosts] == ["carl@w1"]
    (lab / "ansible.cfg").write_text("[defaults]\n")
    with pytest.raises(UsageError, match=r"lab/ansible\.cfg names no inventory"):
        load(Path("lab/ansible.cfg"), named=True)


@pytest.mark.usefixtures("program")
def test_the_errors_of_ansible_inventory_are_in_its_own_words() -> None:
    Path("broken.ini").write_text("[lab]\nw1 a b\n")
    with pytest.raises(UsageError, match="Expected key=value host variable assignment") as error:
        load(Path("broken.ini"), named=True)
    assert error.value.hint == "ansible-inventory -i broken.ini --list"


@pytest.mark.parametrize("name", ["hosts", "script", "folder", "made.yml", "ansible.cfg"])
def test_without_ansible_inventory_the_error_says_how_to_make_yaml(name: str) -> None:
    Path("hosts").write_text(INI)
    executable(Path("script"), SCRIPT)
    Path("folder").mkdir()
    Path("made.yml").write_text("plugin: x\n")
    Path("ansible.cfg").write_text("[defaults]\ninventory=hosts\n")
    with pytest.raises(UsageError, match="not YAML, and ansible-inventory, which can read it, is not on PATH") as error:
        load(Path(name), named=True)
    own = "ANSIBLE_CONFIG=ansible.cfg ansible-inventory" if name == "ansible.cfg" else f"ansible-inventory -i {name}"
    assert error.value.fix[-1] == Command(f"{own} --list --yaml > hosts.yaml")


def test_the_command_does_not_overwrite_what_it_reads() -> None:
    Path("hosts.yaml").write_text("plugin: x\n")
    with pytest.raises(UsageError) as error:
        load(Path("hosts.yaml"), named=True)
    assert error.value.fix[-1] == Command("ansible-inventory -i hosts.yaml --list --yaml > inventory.yaml")


@pytest.mark.parametrize("text", ["plugin: x\n", "#!/bin/sh\n"])
def test_nothing_runs_for_a_file_that_was_not_named(text: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    executable(folder / "ansible-inventory", "#!/bin/sh\ntouch ran\necho '{}'\n")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    executable(Path("hosts.yaml"), text)
    with pytest.raises(UsageError, match="Ansible runs code for it, so it has to be named") as error:
        load(Path("hosts.yaml"))
    assert error.value.hint == "nbfab fleet.plan --inventory=hosts.yaml"
    assert not Path("ran").exists()


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("hosts.yaml", "hosts:\n\ta: 1\n", "hosts.yaml:2:1: a tab where YAML requires spaces"),
        ("hosts.yml", "[a, b]", "expected a mapping"),
        ("hosts", "hosts: {a b: }", "'a b' is not a host name"),
        ("hosts", "", "the file is empty"),
    ],
)
def test_yaml_stays_with_nbfab_s_own_reader(name: str, text: str, words: str) -> None:
    Path(name).write_text(text)
    said: list[str] = []
    with pytest.raises(UsageError, match=words):
        load(Path(name), named=True, says=said.append)
    assert said == []


@pytest.mark.parametrize(
    ("does", "words"),
    [
        ("echo it is broken >&2; exit 3", "ansible-inventory: it is broken"),
        ("exit 3", "ansible-inventory: it exited with 3"),
        (
            "echo '[WARNING]: odd' >&2; echo '[ERROR]: bad' >&2; exit 1",
            r"ansible-inventory: \[ERROR\]: bad \[WARNING\]: odd",
        ),
        ("echo nonsense", "hosts: what ansible-inventory prints is not JSON"),
        ("echo '[]'", "hosts: what ansible-inventory prints is not JSON"),
        ("printf '%05000d' 1", "hosts: what ansible-inventory prints is not JSON"),
        ("echo '{}'", "no hosts in this file"),
        ("""echo '{"_meta": 1, "a": {"hosts": {"x": 1}}, "b": [], "c": {"children": [1]}}'""", "no hosts in this file"),
        ("sleep 600 & sleep 600", "ansible-inventory took more than 1 seconds"),
    ],
)
def test_whatever_the_program_does_ends_in_words(
    does: str, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(folder / "ansible-inventory", f"#!/bin/sh\n{does}\n")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr("nbfab.inventory.ansible_program.TIMEOUT", 1 if "sleep" in does else 60)
    Path("hosts").write_text(INI)
    with pytest.raises(UsageError, match=words):
        load(Path("hosts"), named=True)


def test_what_the_program_warns_of_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(
        folder / "ansible-inventory",
        """#!/bin/sh
echo '[WARNING]: a part was skipped' >&2
printf '%s' '{"a": {"hosts": ["x", "\\\\ud800", "-oA=b"]}, "_meta": {"hostvars": {"x": {"ansible_user":
{"__ansible_unsafe": "ann"}, "ansible_port": 1.5, "v1": 1, "v2": 1, "v3": 1, "v4": 1, "v5": 1, "v6": 1, "v7": 1}}}}'
""",
    )
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    Path("hosts").write_text(INI)
    found = load(Path("hosts"), named=True)
    assert found.notes == (
        "hosts: not understood and ignored: v1, v2, v3, v4, v5 and 2 more", "[WARNING]: a part was skipped"
    )  # fmt: skip
    assert ["is not a host name" in str(host.unread) for host in found.hosts] == [False, True, True]
    assert "hosts, host x: ansible_port must be a whole number" in str(found.hosts[0].unread)
    for host in found.hosts:
        str(host.unread).encode()

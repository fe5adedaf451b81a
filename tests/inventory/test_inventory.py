"""The inventory: what a file means, and that an invalid or hostile one is refused with the place of the mistake."""

import contextlib
import json
import os
import re
import subprocess
import time
import tracemalloc
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import BIN, ROOT

from nbfab.errors import UsageError
from nbfab.inventory.hosts import Inventory, InventoryHost
from nbfab.inventory.keys import KEYS
from nbfab.inventory.load import build, load
from nbfab.inventory.schema import schema
from nbfab.inventory.yaml12 import parse
from nbfab.names import parse_host
from nbfab.settings import BY_KEY

HASH = "argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdHNhbHQ$aGFzaGhhc2g"


def inventory(text: str) -> Inventory:
    return build(parse(text, "hosts.yaml"), Path("hosts.yaml"))


def test_the_nearest_value_wins() -> None:
    them = inventory("""
defaults: {user: ann, port: 1000, password: prompt}
groups:
  outer:
    port: 2000
    hosts: [a]
    groups:
      inner:
        port: 3000
        password_env: INNER
        hosts:
          b:
          c: {port: 4000, address: 192.0.2.1, ssh_port: 2222, names: x.example.org}
hosts:
  d:
  b: {days: 7}
""")
    assert {host.name: host.options.get("port") for host in them.hosts} == {"d": 1000, "b": 3000, "a": 2000, "c": 4000}
    assert {host.name: str(host.typed) for host in them.hosts} == {
        "d": "ann@d", "b": "ann@b", "a": "ann@a", "c": "ann@192.0.2.1:2222"
    }  # fmt: skip
    assert {host.name: host.password for host in them.hosts} == {
        "d": ("password", "prompt"), "a": ("password", "prompt"),
        "b": ("password_env", "INNER"), "c": ("password_env", "INNER"),
    }  # fmt: skip
    assert them.find("b") == them.hosts[1]
    assert them.hosts[1].groups == ("outer", "inner")
    assert them.hosts[1].options["days"] == 7


RANGES = {
    "gpu[01:03]": ["gpu01", "gpu02", "gpu03"],
    "g[8:10]x": ["g8x", "g9x", "g10x"],
    "n[a:c]": ["na", "nb", "nc"],
    "n[0:6:3]": ["n0", "n3", "n6"],
    "r[1:2]s[a:b]": ["r1sa", "r1sb", "r2sa", "r2sb"],
}


def test_ranges_mean_what_ansible_says(tmp_path: Path) -> None:
    for pattern, names in RANGES.items():
        assert [host.name for host in inventory(f"hosts: {{'{pattern}': }}").hosts] == names
    file = tmp_path / "ansible.yaml"
    entries = ", ".join(f"'{pattern}': " for pattern in RANGES)
    file.write_text(f"all: {{hosts: {{{entries}}}}}\n")
    assert sorted(_ansible(file)) == sorted(name for names in RANGES.values() for name in names)


@pytest.mark.parametrize(
    ("limit", "names"),
    [("a*", ["a1", "a2"]), ("g", ["a2", "b"]), ("!b", ["a1", "a2"]), ("all,!g", ["a1"]), ("!g,a*", ["a1"])],
)
def test_limits(limit: str, names: list[str]) -> None:
    them = inventory("hosts: [a1]\ngroups: {g: {hosts: [a2, b]}}")
    assert [host.name for host in them.select(limit)] == names
    with pytest.raises(UsageError, match="no host or group is called 'a3'"):
        them.select("a3")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1:1: the file is empty"),
        ("# only this\n", "1:1: the file is empty"),
        ("hosts:\n", "no hosts in this file"),
        ("[a, b]", "1:1: expected a mapping of defaults, groups and hosts, not a list"),
        ("hots: {a: }", "1:1: unknown key 'hots'"),
        ("hosts:\n  a: {prot: 1}\n", "2:7: unknown key 'prot'"),
        ("hosts:\n  a: {port: 022}\n", "2:13: port must be a whole number from 1 to 65535, not '022'"),
        ("hosts: {a: {port: 22:22}}", "1:19: port must be a whole number"),
        ("hosts: {a: {port: 0x10}}", "port must be"),
        ("hosts: {a: {port: yes}}", "port must be"),
        ("hosts: {a: {port: true}}", "port must be"),
        ("hosts: {a: {app: no}}", "app must be notebook or lab, not 'no'"),
        ("hosts: {a: {profile: 2026-01-01 10:00}}", "profile must be"),
        ("hosts: {a: {port: }}", "port must be a plain value, not nothing"),
        ("hosts: {a: {port: [1]}}", "port must be"),
        ("hosts: {a: {names: {b: c}}}", "names must be"),
        ("hosts: {a: , a: }", "1:14: duplicate key 'a'; first at hosts.yaml:1:9"),
        ("hosts: {'a[1:3]': , a2: }", "duplicate host a2; first at hosts.yaml:1:9"),
        ("groups: {g: {hosts: {a: {port: 1}}}, h: {hosts: {a: {port: 2}}}}", "duplicate host a; first at"),
        ("groups: {g: {port: 1, hosts: [a]}, h: {port: 2, hosts: [a]}}", "host a gets two values of port"),
        ("defaults: {address: x}\nhosts: [a]", "1:12: address belongs to a host, not to a group or to defaults"),
        ("hosts: {a b: }", "'a b' is not a host name"),
        ("hosts: {-oProxyCommand=x: }", "is not a host name"),
        ("hosts: {'a;id': }", "is not a host name"),
        ("hosts: {ann@a: }", "is more than a host name"),
        ("hosts: {true: }", "1:9: expected a name, not True"),
        ("hosts: {'g[3:1]': }", "is not a valid range"),
        ("hosts: {'g[0:99999]': }", "stands for more than 10000 hosts"),
        ("hosts: {'g[000000000000:999999999999]': }", "is not a valid range"),
        ("hosts: {'[1:999][1:999][1:999]': }", "stands for more than 10000 hosts"),
        ("hosts:\n\ta: 1\n", "2:1: a tab where YAML requires spaces"),
        ("hosts: {a: &x {b: *x}}", "1:19: an alias (*) without an anchor above it"),
        ("hosts: {a: &x {port: 1}, b: &y {port: 2}, c: {<<: [*x, *y]}}", "'port' is merged twice"),
        ("hosts: {a: {<<: b}}", "1:17: expected a mapping to merge, not this text"),
        ("hosts: !!python/object/apply:os.system ['id']", "not a tagged value (tag:yaml.org,2002:python/object"),
        ("hosts: {a: {port: !vault x}}", "1:19: port must be a plain value, not a tagged value (!vault)"),
        ("all: {hosts: {a: {nbfab_prot: 1}}}", "1:19: unknown key 'nbfab_prot'"),
        ("all: {vars: {nbfab_port: no}}", "1:26: nbfab_port must be a whole number"),
        ("all: {hosts: {a: {nbfab_password: prompt, nbfab_password_env: X}}}", "1:43: nbfab_password_env and nbfab"),
        ("hosts: ['" + "[0:9]" * 100 + "']", "a name longer than 300 characters"),
        ("hosts: {a: {directory: " + "x" * 5000 + "}}", "directory is longer than 4096 characters"),
        ('hosts: ["\\UFFFFFFFF"]', "hosts.yaml"),
        ("hosts: [a]\nx: !" + "a" * 2000 + " b", "2:4: a tag longer than 1,000 characters"),
        ("".join(f"g{n}: {{children: g{n + 1}}}\n" for n in range(985)) + "g985: {hosts: x}", "nested more than 100"),
        ("hosts: [a]\n---\nhosts: [b]\n", "a second document begins here"),
        ("hosts: [a", "hosts.yaml:"),
        ("hosts: {a: {user: 'a b'}}", "user must be a user name"),
        ("hosts: {a: {jump: '-x'}}", "jump must be jump hosts"),
        ("hosts: {a: {address: 'u@b'}}", "address must be"),
        ("hosts: {a: {directory: \"x\\ny\"}}", "directory must be a path"),
        ("hosts: \"a\x07\"", "hosts.yaml:1:"),
    ],
)  # fmt: skip
def test_an_invalid_file_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as error:
        inventory(text)
    assert str(error.value).startswith("hosts.yaml:")
    assert str(error.value).count("\n") in (0, 2)  # the line, and a caret


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("hosts: {a: {prot: 1}}", "did you mean port?"),
        ("hosts: {a: {hostname: b}}", "did you mean address?"),
        ("hosts: {a: {HostName: b}}", "did you mean address?"),
        ("hosts: {a: {ip_address: b}}", "did you mean address?"),
        ("hosts: {a: {ansible_host: b}}", "did you mean address?"),
        ("hosts: {a: {ssh_user: b}}", "did you mean user?"),
        ("hosts: {a: {username: b}}", "did you mean user?"),
        ("hosts: {a: {key: b}}", "did you mean identity?"),
        ("hosts: {a: {ssh-key: b}}", "did you mean identity?"),
        ("hosts: {a: {bastion: b}}", "did you mean jump?"),
        ("hosts: {a: {ansible_port: 22}}", "did you mean ssh_port?"),
        ("hosts: {a: {port: 22}}", "did you mean ssh_port?"),
        ("hosts: {a: {folder: b}}", "did you mean directory?"),
        ("hosts: {a: {conda: b}}", "did you mean python?"),
        ("hosts: {a: {xyzzy: b}}", "choose from profile, port, "),
        ("defaults: {hostname: b}", "did you mean address? It belongs to a host, not to a group or to defaults"),
        ("all: {hosts: {a: {nbfab_hostname: b}}}", "did you mean nbfab_address?"),
        ("all: {hosts: {a: {nbfab_prot: b}}}", "did you mean nbfab_port?"),
        ("host: {a: }", "did you mean hosts?"),
        ("gpu1: {address: b}", "if that is a host, put it under hosts:"),
        ("groups: {g: {gpu1: }}", "if that is a host, put it under hosts:"),
        ("hosts: {a: {gpu1: }}", "if that is a host, begin it in the same column"),
        ("hosts: {a: 192.0.2.1}", "write it as a: {address: ...}"),
        ("hosts: {'s[01-03]': }", "did you mean s[01:03]?"),
        ("hosts: ['s{1..3}.example.org']", "did you mean s[1:3].example.org?"),
        ("all: {hosts: {'s[01-03]': }}", "did you mean s[01:03]?"),
    ],
)
def test_what_may_have_been_meant(text: str, hint: str) -> None:
    try:
        them = inventory(text)
    except UsageError as error:
        assert error.hint.startswith(hint)  # noqa: PT017 # or of a host, in Ansible's format
    else:
        (host,) = them.hosts
        assert host.unread
        assert host.unread.hint == hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hosts: {a: {ip: 192.0.2.1}}", "if that is where a is, write address: 192.0.2.1"),
        ("hosts: {a: {ip: 192.0.2.1, address: b}}", ""),
        ("hosts: {a: {ip: '*'}}", ""),
        ("hosts: {a: {ip: 127.0.0.1}}", ""),
        ("hosts: {a: }", ""),
    ],
)
def test_an_ip_may_have_been_meant_as_the_address(text: str, words: str) -> None:
    (host,) = inventory(text).hosts
    assert host.doubt.endswith(words)
    assert bool(host.doubt) == bool(words)


@pytest.mark.parametrize(
    "text", ["\ufeffhosts: [a]\n", 'hosts:\r\n  a:\r\n  b: {port: "9999"}\r\n', "hosts: {1: , 2: }"]
)
def test_byte_order_marks_and_other_line_ends_are_accepted(text: str, tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_bytes(text.encode())
    assert load(file).hosts


@pytest.mark.parametrize(
    "key", ["password: hunter2hunter2", "password_hash: argon2:hunter2hunter2", "password: [hunter2hunter2]"]
)
def test_a_password_in_the_file_is_an_error_that_hides_it(key: str) -> None:
    with pytest.raises(UsageError, match="must be") as error:
        inventory(f"hosts: {{a: {{{key}}}}}")
    assert "hunter2" not in str(error.value) + error.value.hint
    with pytest.raises(UsageError, match="are mutually exclusive"):
        inventory("defaults: {password: prompt, password_env: X}\nhosts: [a]")
    assert HASH not in repr(inventory(f"hosts: {{a: {{password_hash: '{HASH}'}}}}"))


def test_hostile_files_are_refused_in_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    hostile = {
        "deeper than": b"[" * 5000,
        "too large": bomb.encode(),
        "deeper": b"all: &a0 {}\n" + b"".join(b"g%d: &a%d [[[*a%d]]]\n" % (n, n, n - 1) for n in range(1, 99)),
        "larger than": b"hosts: [a]\n#" + b"x" * 50_000_000,
    }
    hostile["nested deeper"] = b"\n".join(b" " * n + b"a:" for n in range(1000))
    hostile["not UTF-8"] = b"hosts: [\xff]"
    for words, data in hostile.items():
        file.write_bytes(data)
        tracemalloc.start()
        with pytest.raises(UsageError, match=words):
            load(file)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000, words
        tracemalloc.stop()
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "nowhere.yaml")


_WORDS = [
    "hosts",
    "groups",
    "defaults",
    "port",
    "a",
    "a[1:3]",
    "022",
    "no",
    "null",
    "~",
    "password",
    "all",
    "children",
    "vars",
]
_PIECES = st.sampled_from(
    [*_WORDS, ": ", "\n", "  ", "- ", "{", "}", "[", "]", ", ", "&x ", "*x", "!!str ", "|\n", "'", '"', "#", "?", "\t"]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), st.lists(_PIECES, max_size=40).map("".join)))
def test_any_input_gives_an_inventory_or_an_error_with_its_place(text: str) -> None:
    try:
        them = inventory(text)
    except UsageError as error:
        assert "hosts.yaml" in str(error)  # noqa: PT017 # either outcome is right
        return
    assert them.hosts


def test_the_example_explains_the_keys_and_means_what_it_says() -> None:
    text = (ROOT / "hosts.example.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=./hosts.schema.json\n")
    them = load(ROOT / "hosts.example.yaml")
    classroom = [f"pc{number:02}" for number in range(1, 13)]
    gpus = ["gpu01", "gpu02", "gpu03", "gpu-big", "gpu-a", "gpu-b"]
    assert [host.name for host in them.hosts] == [*classroom, "workstation", *gpus]
    for key in KEYS.keys() - BY_KEY.keys():  # the options of a server are in docs/reference.md
        assert re.search(rf"(?m)^\s*(# )?{key}: .*#|^\s*# {key}: ", text), f"{key} is not explained"

    def plain(node: object) -> object:
        value = getattr(node, "value", None)
        if isinstance(value, dict):
            return {name: plain(of) for name, (_, of) in value.items()}
        return [plain(of) for of in value] if isinstance(value, list) else value

    jsonschema.validate(plain(parse(text, "example")), schema())


def test_the_schema_in_the_repository_is_up_to_date() -> None:
    assert json.loads((ROOT / "hosts.schema.json").read_text()) == schema()
    with pytest.raises(jsonschema.ValidationError, match="prot"):
        jsonschema.validate({"hosts": {"a": {"prot": 1}}}, schema())


ANSIBLE = """
all:
  vars: {ansible_user: ann, ntp: pool.example.org}
  hosts:
    lone: {ansible_port: 2200}
  children:
    gpu:
      vars: {ansible_port: 2222, ansible_user: bob}
      hosts:
        gpu[01:03]:
        big: {ansible_host: 192.0.2.9, ansible_ssh_private_key_file: /keys/big}
      children:
        old: {vars: {ansible_port: 22}, hosts: {o1: , gpu02: }}
    web: {hosts: {gpu03: , w1: {ansible_become: true, ansible_password: "{{ vault }}"}}, vars: {ansible_port: 80}}
    early:
      vars: &early
        ansible_port: 2022
        ansible_group_priority: 10
        secret: !vault |
          $ANSIBLE_VAULT;1.1;AES256
          3130
      hosts: {gpu01: , "e[:2]": , "p[0:1]:4444": , f: {<<: *early, ansible_port: "77"}}
      other: 5
alone: {hosts: x1, children: empty}
empty:
"""


def _ansible(file: Path) -> dict[str, dict[str, object]]:
    command = [f"{BIN}/ansible-inventory", "-i", str(file), "--list"]
    listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=file.parent).stdout)
    names = {name for group in listed.values() if isinstance(group, dict) for name in group.get("hosts", [])}
    return {name: listed["_meta"]["hostvars"].get(name, {}) for name in names}


def test_an_ansible_inventory_means_what_ansible_says(tmp_path: Path) -> None:
    file = tmp_path / "ansible.yaml"
    file.write_text(ANSIBLE)
    them = load(file)
    names = {"user": "ansible_user", "ssh_port": "ansible_port", "address": "ansible_host"}
    names["identity"] = "ansible_ssh_private_key_file"
    theirs = _ansible(file)
    assert {host.name for host in them.hosts} == set(theirs)
    for host in them.hosts:
        expected = {key: theirs[host.name][var] for key, var in names.items() if var in theirs[host.name]}
        assert {key: str(value) for key, value in host.values.items()} == {
            key: str(value) for key, value in expected.items()
        }, host.name
    assert [note.partition(": ")[2].split(" is ")[0] for note in them.notes] == [
        "ntp", "ansible_become", "ansible_password", "secret", "ansible_group_priority", "early: other"
    ]  # fmt: skip


def test_the_host_name_in_a_template_is_filled_in() -> None:
    them = inventory("""
all:
  vars: {ansible_host: "{{ inventory_hostname }}.example.org", ansible_private_key_file: "{% if a %}b{% endif %}"}
  hosts: {a: , b.x: {ansible_host: "{{inventory_hostname_short}}.lan", nbfab_directory: "{{ home }}"}}
""")
    assert [(host.name, str(host.typed)) for host in them.hosts] == [("a", "a.example.org"), ("b.x", "b.lan")]
    assert [note.partition(": ")[2].split(" is ")[0] for note in them.notes] == [
        "ansible_private_key_file", "nbfab_directory"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("a: {ansible_host: \"{{ lookup('env', 'A') }}\"}", "1:33: cannot evaluate ansible_host"),
        ("a: {ansible_port: !vault x}", "cannot evaluate ansible_port"),
        ("a: {ansible_user: '{# x #}b'}", "cannot evaluate ansible_user"),
        ("a: {ansible_user: ann@}", "ansible_user must be a user name"),
        ("a: {ansible_host: my container}", "ansible_host must be a host name or address, not 'my container'"),
        ("a: {ansible_port: 22.5}", "ansible_port must be a whole number"),
        ("a: {ansible_connection: local}", "Ansible does not reach it over SSH either"),
        ("a: {ansible_ssh_common_args: '-o ProxyCommand=\"ssh -W %h:%p b\"'}", "ProxyCommand in ansible_ssh_common"),
        ("a: {ansible_ssh_extra_args: '{{ args }}'}", "cannot evaluate ansible_ssh_extra_args"),
        ("a:70000: ", "the port in its name must be a whole number from 1 to 65535"),
        ("My server: {ansible_host: 192.0.2.1}", "'My server' is not a host name"),
    ],
)  # fmt: skip
def test_a_host_that_might_be_another_machine_is_not_contacted(host: str, words: str) -> None:
    them = inventory(f"all: {{hosts: {{{host}, b: }}}}")
    one, other = them.hosts
    assert words in str(one.unread)
    assert other.unread is None
    assert "hosts.yaml:1:" in str(one.unread)


@pytest.mark.parametrize(
    ("args", "jumps"),
    [
        ("-o ProxyJump=b", ("b",)),
        ("-o StrictHostKeyChecking=no -J ann@b:22,c", ("ann@b:22", "c")),
        ("-o 'ProxyJump b' -C", ("b",)),
        ("-o Compression=yes", None),
    ],
)
def test_jump_hosts_among_the_arguments_for_ssh(args: str, jumps: tuple[str, ...] | None) -> None:
    (host,) = inventory(f'all: {{hosts: {{a: {{ansible_ssh_common_args: "{args}"}}}}}}').hosts
    assert host.jumps == (None if jumps is None else tuple(map(parse_host, jumps)))


def test_unused_parts_of_an_ansible_inventory_are_not_checked() -> None:
    them = inventory(
        "all: {hosts: {a: {ports: {true: 1}, x: {b: 1, b: 2}, y: {<<: z}, ansible_user: , ansible_port: ~}}}"
    )
    assert [(str(host.typed), dict(host.values)) for host in them.hosts] == [("a", {})]


FOLDERS = {
    "hosts.yaml": """
all:
  vars: {ansible_user: ann, ansible_port: 1}
  hosts: {lone: , d: {ansible_user: }, "[2001:db8::1]:2222": , old: {ansible_ssh_host: 192.0.2.1, ansible_ssh_port: 23}}
  children:
    web: {vars: {ansible_port: 2, ansible_user: web}, hosts: {a: , b: {ansible_user: own}, c: {ansible_port: 3}}}
ungrouped: {vars: {ansible_host: alone.example}, hosts: {a: }}
""",
    "group_vars/all.yml": "ansible_user: deploy\nother: 1\nmore: 2\n",
    "group_vars/web/first.yml": "ansible_port: 4\n",
    "group_vars/web/deep/second.yaml": "ansible_user: deeper\n",
    "group_vars/web/not~": "{{{",
    "group_vars/unused.yml": "{{{",
    "host_vars/b.yml": "---\nansible_host: 192.0.2.77\nansible_user: file\n",
    "host_vars/c": "# nothing\n",
    "host_vars/d.yml": "$ANSIBLE_VAULT;1.1;AES256\n3130\n",
}


def test_group_vars_and_host_vars_mean_what_ansible_says(tmp_path: Path) -> None:
    for name, text in FOLDERS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    them = load(tmp_path / "hosts.yaml")
    (tmp_path / "host_vars/d.yml").unlink()  # for which it would ask a password
    theirs = _ansible(tmp_path / "hosts.yaml")
    names = {"ansible_user": "user", "ansible_port": "ssh_port", "ansible_host": "address"}
    names |= {"ansible_ssh_host": "address", "ansible_ssh_port": "ssh_port"}
    for host in them.hosts:
        expected: dict[str, str] = {}
        for name, value in theirs.pop(host.name).items():  # the older names come last, and count for Ansible's ssh
            if name in names and value is not None:
                expected[names[name]] = str(value)
        assert {key: str(value) for key, value in host.values.items()} == expected, host.name
    assert theirs == {}
    assert [note.partition(" is ")[0] for note in them.notes] == [
        "group_vars/all.yml:1:1: the rest of group_vars/all.yml", "host_vars/d.yml:1:1: all of host_vars/d.yml"
    ]  # fmt: skip


def test_an_alias_stands_for_its_anchor() -> None:
    them = inventory("hosts: {a: &x {port: 1000, user: ann}, b: *x, c: {<<: *x, port: 2000}}")
    assert [(str(host.typed), host.options["port"]) for host in them.hosts] == [
        ("ann@a", 1000), ("ann@b", 1000), ("ann@c", 2000)
    ]  # fmt: skip


def test_the_nearer_of_two_groups_wins_and_a_tie_is_refused() -> None:
    far = "defaults: {port: 1000}\ngroups: {g1: {port: 2000, hosts: [a]}, g2: {hosts: [a]}}\n"
    assert inventory(far).hosts[0].options["port"] == 2000
    inner = "groups: {outer: {port: 2000, hosts: [a], groups: {inner: {port: 3000, hosts: [a]}}}}\n"
    assert inventory(inner).hosts[0].options["port"] == 3000
    for one, two in (("port: 2000", "port: 3000"), ("password: prompt", "password_env: X")):
        text = f"groups: {{g1: {{{one}, hosts: [a]}}, g2: {{{two}, hosts: [a]}}}}\n"
        with pytest.raises(UsageError, match=r"host a gets two values of (port|password): from hosts.yaml:1"):
            inventory(text)


def test_a_user_of_a_company_s_directory() -> None:
    hosts = inventory("defaults: {user: ann@corp.example}\nhosts: {a: {jump: bob@corp.example@b}}").hosts
    assert [(str(host.typed), host.jumps) for host in hosts] == [
        ("ann@corp.example@a", (parse_host("bob@corp.example@b"),))
    ]  # fmt: skip


def test_a_number_may_be_a_name_and_none_overrides_a_group_s_jump_hosts() -> None:
    (host,) = inventory("groups: {g: {jump: b, hosts: {a: {jump: none, profile: 2026, user: 1000}}}}").hosts
    assert (host.jumps, host.options["profile"], host.values["user"]) == ((), "2026", "1000")
    (host,) = inventory("hosts: {a: {jump: [b, c@d]}}").hosts
    assert host.jumps == (parse_host("b"), parse_host("c@d"))


def test_the_identity_of_a_host_is_its_own_or_left_to_ssh_config() -> None:
    one, other = inventory("groups: {g: {identity: ~/.ssh/lab, hosts: [a]}}\nhosts: [b]").hosts
    assert {one.name: one.identity, other.name: other.identity} == {"a": "~/.ssh/lab", "b": ""}


@pytest.mark.parametrize("text", ["box", "ann@box:2222", "[::1]:22", "ann@fe80::1%eth0"])
def test_a_host_string_makes_a_host_that_is_in_no_inventory(text: str) -> None:
    host = InventoryHost.of(parse_host(text))
    assert (host.typed, host.name, host.options, host.jumps) == (parse_host(text), text, {}, None)


@pytest.mark.parametrize(
    "text",
    [
        "hosts:\n  password: hunter2secret\n",
        "groups: {password: hunter2secret}",
        "hosts: {a: hunter2secret}",
        "hosts: {a: {user: 'ann:hunter2secret'}}",
        "hosts: {a: {password_env: 'hunter2secret x'}}",
        "defaults:\n  password:hunter2secret\n",
        "hosts: {a: {user: bob, password:hunter2secret}}",
        "hosts: {a: {address: 'root:hunter2secret@192.0.2.1'}}",
        "hosts: {a: {jump: 'root:hunter2secret@192.0.2.1'}}",
        "hosts: {a: {names: 'root:hunter2secret@192.0.2.1'}}",
        'hosts: {a: {identity: "-----BEGIN OPENSSH PRIVATE KEY-----\\nhunter2secret"}}',
        "hosts: {a: {user: *hunter2secret}}",
        "hosts: {a: {<<: hunter2secret}}",
        "all: {hosts: {a: {ansible_password:hunter2secret}}}",
        "all: {hosts: {a: {ansible_password: hunter2secret, ansible_become_password: !x hunter2secret}}}",
        "all: {hosts: {a: {ansible_host: 'root:hunter2secret@192.0.2.1'}}}",
    ],
)
def test_a_misplaced_password_is_hidden_too(text: str) -> None:
    try:
        them = inventory(text)
    except UsageError as error:
        shown = [str(error), error.hint]
    else:
        shown = [*them.notes, *(str(host.unread) for host in them.hosts)]
    assert any("hosts" in words for words in shown)
    assert not any("hunter2secret" in words for words in shown)


@pytest.mark.parametrize(
    "text",
    [
        "hosts: {a: {names: [" + "a," * 450_000 + "]}}",
        "hosts: [" + "a," * 450_000,
        "hosts:\n" + "- a\n" * 200_000,
        "groups: {" + ", ".join(f"g{n}: {{hosts: ['a[0:9999]']}}" for n in range(300)) + "}",
        "all: {children: {"
        + "".join(f"l{n}{ab}: {{children: {{l{n + 1}a: , l{n + 1}b: }}}}, " for n in range(24) for ab in "ab")
        + "l24a: {hosts: {x: }}}}",
        "all: {hosts: {" + ", ".join(f"'a{n}-[0:9999]': " for n in range(60)) + "}}",
        "".join(f"g{n}: {{children: leaf, vars: {{x{n}: 1}}}}\n" for n in range(2000))
        + "leaf: {hosts: {'a[0:9998]': }}",
        "all: {vars: {ansible_private_key_file: '{{inventory_hostname}}" + "x" * 900_000 + "'}, hosts: 'a[0:9998]'}",
        "all: {vars: {ansible_user: '{{x}}" + "{{inventory_hostname}}" * 40_000 + "'}, hosts: 'a[0:9998]'}",
        "all: {vars: {ansible_ssh_args: '" + "-i {{inventory_hostname}} " * 160_000 + "'}, hosts: 'a[0:9998]'}",
        "all: {vars: {"
        + ", ".join(f"ansible_ssh_{name}args: '{'-oPort=1 ' * 110}'" for name in ("", "common_", "extra_"))
        + "}, hosts: 'a[0:9998]'}",
        "hosts:\n- '" + "[0:9]" * 150_000 + "'",
        "hosts: {a: {identity: &x " + "x" * 900_000 + "}" + "".join(f", b{n}: {{jump: *x}}" for n in range(3500)) + "}",
        "hosts: [a]\nx: !" + "a" * 900_000 + " b",
        "hosts: {a: {names: '" + "é." * 300_000 + "'}}",
        "all: {hosts: {? " + "a" * 900_000 + ":9 }}",
    ],
)
def test_a_file_that_stands_for_much_is_handled_quickly(text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(UsageError):
        inventory(text)
    # Quadratic and exponential algorithms exceed this bound by far on any machine.
    assert time.process_time() - began < 20


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hosts.yaml")
    with pytest.raises(UsageError, match="a FIFO"):
        load(tmp_path / "hosts.yaml")


def test_a_limit_may_contain_ranges() -> None:
    them = inventory("hosts: {'gpu[1:5]': }")
    assert [host.name for host in them.select("gpu[1:3]")] == ["gpu1", "gpu2", "gpu3"]

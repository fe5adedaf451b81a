"""Many hosts at once: a verdict for each that can be believed, whatever the others do."""

import csv
import json
import re
import signal
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from disk import fill
from machine import BIN, PASSWORD, ROOT
from namespace import ROOT_USER, bind, passwd, with_mounts
from notebook_client import logs_in
from sshd import Sshd, free_port, keygen, wait_until
from sshd_fleet import Fleet, fleet_of
from terminal import Terminal

from nbfab.display.fleet import table
from nbfab.display.page import page
from nbfab.outcome import Outcome


def black_hole(stack: ExitStack) -> int:
    """A port whose connections are never answered: its queue is full."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    port = int(listener.getsockname()[1])
    for _ in range(3):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
    return port


def test_twenty_hosts_and_more_of_which_some_are_broken(tmp_path: Path, stack: ExitStack) -> None:
    good = [f"good{number:02}" for number in range(1, 16)]
    broken = ["changed", "full", "refusing", "dead", "slow", "hole"]
    fleet = fleet_of([*good, *broken], tmp_path, stack, {"full": "4m"})
    noise = 'echo Welcome; echo \'{"home": "/nowhere"}\' >&2\n'
    for name in (".bashrc", ".profile"):
        (fleet.hosts["good01"].home / name).write_text(noise)
    fleet.known["changed"] = fleet.hosts["changed"].known_line(keygen(tmp_path / "other"))
    filler = fleet.hosts["full"].files / ".local/share/filler"
    with filler.open("wb", buffering=0) as disk:
        fill(disk)
    (fleet.hosts["refusing"].folder / "authorized_keys").write_text("")
    fleet.ways["dead"] = f"Port {free_port()}"
    silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    fleet.ways["slow"] = f"Port {silent.getsockname()[1]}"
    fleet.ways["hole"] = f"Port {black_hole(stack)}"
    fleet.write()

    done = fleet.run("setup", "--yes")
    assert done.returncode == 1
    # Without a terminal each step is a line, and so is each end.
    lines = done.stderr.splitlines()
    for step in (
        "connecting",
        "looking",
        f"step 12 of 13, server: start the server in tmux on port {fleet.ports['good02']}",
        "looking again",
        "changed",
    ):
        assert f"good02: {step}" in lines
    assert any(line.startswith("dead: not reached: ") for line in lines)
    rows = {line.split()[0]: line for line in done.stdout.splitlines()[1:] if line.strip()}
    for name in good:
        assert re.match(rf"{name} +changed ", rows[name])
        assert f"https://127.0.0.1:{fleet.ports[name]}/" in rows[name]
    reasons = {
        "changed": ("not reached", "its host key is", "ssh-keygen -R"),
        "full": ("failed", "No space left on device|KiB free", "run it again"),
        "refusing": ("not reached", "permission denied", "ssh -v .*refusing"),
        "dead": ("not reached", "connection refused", "ssh -v .*dead"),
        "slow": ("not reached", "speak SSH within", "ssh -v .*slow"),
        "hole": ("not reached", "no answer within 3 seconds", "ssh -v .*hole"),
    }
    for name, (verdict, reason, fix) in reasons.items():
        assert re.match(rf"{name} +{verdict} .*({reason}).*fix: .*{fix}", rows[name]), rows[name]
    file = Path(re.findall(r"for you alone: (.*)", done.stdout)[0])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open() as text:
        passwords = {row["host"]: row for row in csv.DictReader(text)}
    for name in good:
        assert logs_in(fleet.ports[name], fleet.profile(name), passwords[name]["password"])

    for name in broken:
        fleet.ways[name] = f"Port {fleet.hosts[name].port}"
    fleet.known["changed"] = fleet.hosts["changed"].known_line(fleet.hosts["changed"].host_keys[0])
    filler.unlink()
    (fleet.hosts["refusing"].folder / "authorized_keys").write_text(
        (fleet.hosts["refusing"].folder / "id.pub").read_text()
    )
    fleet.write()
    before = fleet.execs()
    again = fleet.run("setup", "--failed", "--yes")
    assert again.returncode == 0, again.stdout
    assert {name for name, count in fleet.execs().items() if count > before[name]} == set(broken)
    plan = fleet.run("plan")
    assert plan.returncode == 0
    assert re.fullmatch(r"21 hosts \(.*\): nothing would change\n", plan.stdout)


def test_plans_that_are_equal_are_folded(three: Fleet) -> None:
    warning = "once started, the server runs as root (--allow-root): anyone with the password is root there\n"
    note = f"note: 3 hosts (one, two, three): {warning}" if ROOT_USER else ""
    block = three.run("plan").stdout
    assert block.startswith("3 hosts (one, two, three): new\n")
    assert block.endswith(note)
    for words in (
        f"  install      use the environment that --python names ({sys.executable}: ",
        "  password     set a password: there is none\n",
        "  certificate  make the certificate for one, ",
        f"  server       start the server in tmux on port {three.ports['one']} (one), on port {three.ports['two']} ",
        f"  files        write 8 more in {three.profile('one')} (one; other hosts differ)\n",
    ):
        assert words in block
    assert len(block.splitlines()) == 6 + bool(note)
    table = three.run("setup", "--limit", "one,two")
    assert table.returncode == 0
    assert ("note: 2 hosts (one, two): the server runs as root" in table.stdout) == ROOT_USER
    note = f"note: three: {warning}" if ROOT_USER else ""
    mixed = three.run("plan").stdout
    assert mixed.startswith("2 hosts (one, two): nothing would change\nthree: new\n")
    assert mixed.endswith(note)
    told = three.run("plan", "--name", "lab.example.org", "--limit", "!three").stdout
    assert told.startswith("2 hosts (one, two): would change\n  certificate  renew the certificate for ")
    assert ": it lacks lab.example.org\n" in told
    assert "add the name lab.example.org\n" in told
    document = three.json("status", "--limit", "one")
    assert document["one"]["state"]["running"]
    assert document["one"]["url"] == f"https://127.0.0.1:{three.ports['one']}/"


def test_one_password_for_all_from_the_environment_the_file_or_a_hash(three: Fleet) -> None:
    three.extra = {"two": ", password_env: TWO_PASSWORD"}
    three.write()
    said = three.run("setup", NBFAB_PASSWORD="").stderr
    assert "TWO_PASSWORD, which holds the password of two, is not set" in said
    assert three.execs() == {"one": 0, "two": 0, "three": 0}
    assert three.run("password", TWO_PASSWORD="the second canary", NBFAB_PASSWORD="").returncode == 0
    assert three.run("password", NBFAB_PASSWORD=PASSWORD).returncode == 0
    hashes = {(three.profile(name) / "jupyter_server_config.json").read_text() for name in three.hosts}
    assert len(hashes) == 1  # made once
    one = json.loads(hashes.pop())["IdentityProvider"]["hashed_password"]
    three.extra = {"three": f", password_hash: '{one}'"}
    three.write()
    assert three.json("password", NBFAB_PASSWORD="")["three"]["verdict"] == "unchanged"


def test_a_name_in_the_inventory_counts_for_a_task_on_one_host(three: Fleet) -> None:
    (three.work / "hosts.yaml").write_text(f"hosts: {{two: {{port: {three.ports['two']}, profile: fromfile}}}}\n")
    command = [f"{BIN}/nbfab", "-S", str(three.config), "-H", "two", "plan", "--json"]
    env = {key: value for key, value in three.machine.env.items() if key != "NBFAB_PORT"}
    done = subprocess.run(command, env=env, cwd=three.work, capture_output=True, text=True, check=True)
    (host,) = json.loads(done.stdout)["hosts"]
    assert host["state"]["folder"].endswith("/fromfile")
    assert f":{three.ports['two']}/" in host["url"]


def test_one_connection_to_a_jump_host_serves_all_behind_it(three: Fleet, tmp_path: Path, stack: ExitStack) -> None:
    jump = stack.enter_context(Sshd(tmp_path / "jump"))
    three.config.write_text(
        f"Host one two three\n  ProxyJump bastion\nHost bastion\n  HostName 127.0.0.1\n  Port {jump.port}\n"
        f"  IdentityFile {jump.identity}\n{three.config.read_text()}"
    )
    known = three.folder / "known_hosts"
    before = known.read_text()
    known.write_text(before + jump.known_line(jump.host_keys[0]))
    assert three.run("plan").returncode == 0
    assert jump.connections == 1
    known.write_text(before)
    told = three.run("setup").stdout
    assert re.search(r"3 hosts \(one, two, three\): not reached: jump host bastion: its host key is not known", told)


def test_an_sshd_that_drops_bursts_is_knocked_at_again(tmp_path: Path, stack: ExitStack) -> None:
    names = [f"h{number}" for number in range(12)]
    fleet = fleet_of(names[:1], tmp_path, stack)
    host = fleet.hosts["h0"]
    host.stop()
    host._lines = "MaxStartups 2:60:4\nLoginGraceTime 20"
    host.start()
    fleet.inventory.write_text("hosts:\n" + "".join(f"  {name}: {{profile: p{name}}}\n" for name in names))
    fleet.config.write_text(fleet.config.read_text().replace("Host h0\n", "Host h*\n"))
    done = fleet.run("plan", "--jobs", "12")
    assert done.returncode == 0, done.stdout
    assert "12 hosts" in done.stdout


def test_a_thousand_hosts_of_which_most_are_not_there_each_get_their_verdict(three: Fleet, stack: ExitStack) -> None:
    with three.inventory.open("a") as inventory:
        # Each with a profile of its own, or they would be one server.
        for names, port in ((range(987), free_port()), (range(990, 1000), black_hole(stack))):
            kind = "silent" if 990 in names else "gone"
            for number in names:
                inventory.write(f"  {kind}{number}: {{address: 127.0.0.1, ssh_port: {port}, profile: p{number}}}\n")
    hosts = three.json("plan")
    assert len(hosts) == 1000
    assert {host["verdict"] for name, host in hosts.items() if name in three.hosts} == {"would change"}
    lost = {name: host for name, host in hosts.items() if name not in three.hosts}
    assert {host["verdict"] for host in lost.values()} == {"not reached"}
    assert all(("no answer" if name.startswith("silent") else "refused") in lost[name]["error"] for name in lost)


def test_fail_fast_begins_with_no_further_host(three: Fleet) -> None:
    three.ways["one"] = f"Port {free_port()}"
    three.write()
    hosts = three.json("certificate", "--fail-fast", "--jobs", "1")
    assert [hosts[name]["verdict"] for name in three.hosts] == ["not reached", "interrupted", "interrupted"]
    assert three.execs() == {"one": 0, "two": 0, "three": 0}


def test_stop_needs_force_where_kernels_live(three: Fleet) -> None:
    assert three.run("setup", NBFAB_PASSWORD=PASSWORD).returncode == 0
    from notebook_client import Notebook

    Notebook(three.ports["two"], three.profile("two"), PASSWORD).post("/api/kernels", {"name": "nbserver"})
    hosts = three.json("stop")
    assert [hosts[name]["verdict"] for name in three.hosts] == ["changed", "refused", "changed"]
    assert hosts["two"]["hint"].endswith(f"fleet.stop --inventory {three.inventory} --limit two --force")
    assert "2 hosts (one, three)  unchanged" in three.run("stop").stdout
    with Terminal(three.machine) as terminal:
        terminal.type(" ".join(three.command("stop")) + "; echo status=$?")
        terminal.shows("two: end kernel")
        terminal.type("y")
        terminal.shows("status=0")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--jobs", "0"], "jobs must be a whole number"),
        (["--limit", "gpu9"], "no host or group is called 'gpu9'"),
        (["--failed"], "has not been run with"),
        (["--port", "x"], "port must be"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_contacted(three: Fleet, args: list[str], words: str) -> None:
    done = three.run("setup", *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert three.execs() == {"one": 0, "two": 0, "three": 0}


def test_a_host_of_its_own_is_refused(three: Fleet) -> None:
    command = three.command("setup")
    done = subprocess.run(
        [*command[:3], "-H", "one", *command[3:]], env=three.machine.env, capture_output=True, text=True
    )
    assert done.returncode == 2
    line = done.stderr.partition("  fix ")[2].strip().replace("fleet.setup", "fleet.plan")
    assert line.endswith(" --limit=one")
    plan = subprocess.run(["sh", "-c", line], env=three.machine.env, capture_output=True, text=True, check=True)
    assert plan.stdout.startswith("one: ")


def test_an_inventory_that_is_not_there(three: Fleet) -> None:
    three.inventory.unlink()
    done = three.run("setup")
    assert done.returncode == 2
    assert f"{three.inventory}: no such file" in done.stderr
    three.write()


def test_a_host_of_an_ansible_inventory_that_is_not_understood_is_not_contacted(three: Fleet) -> None:
    three.inventory.write_text(f"""
all:
  vars: {{nbfab_python: {sys.executable}, ntp: pool.example.org}}
  hosts: {{one: , two: {{ansible_connection: local}}, three: {{ansible_host: "{{{{ somewhere }}}}"}}}}
""")
    done = three.run("plan")
    assert done.returncode == 1
    assert "one: new" in done.stdout
    assert "two: refused: hosts.yaml:4:44: Ansible does not reach it over SSH either" in done.stdout
    assert "three: refused: hosts.yaml:4:74: cannot evaluate ansible_host | fix: write its value out" in done.stdout
    assert "ntp is not understood and is ignored" in done.stderr
    assert three.execs()["two"] == three.execs()["three"] == 0
    assert three.run("plan", "--limit", "one").returncode == 0
    assert three.json("status", "--limit", "two")["two"]["verdict"] == "refused"
    said = three.run("page", "--limit", "two,three")
    assert (said.returncode, "0 of 2 running" in said.stdout) == (1, True)
    three.write()


def test_an_ansible_inventory_leads_to_the_machine_that_ansible_reaches(three: Fleet) -> None:
    one, two = three.hosts["one"], three.hosts["two"]
    three.inventory.write_text(f"""
all:
  children:
    lab:
      vars: {{ansible_ssh_port: {two.port}, ansible_ssh_private_key_file: {two.identity}}}
      hosts: {{x: {{ansible_host: 127.0.0.1, ansible_port: {one.port}, ansible_private_key_file: /nowhere}}}}
""")
    assert three.json("plan")["x"]["verdict"] == "would change"
    assert three.execs() == {"one": 0, "two": 1, "three": 0}


def test_ansible_inventory_and_an_ssh_config_of_its_own(three: Fleet) -> None:
    inventory = three.folder / "hosts.ini"
    inventory.write_text(f"""
[lab]
three ansible_ssh_common_args='-F "{three.config}" -o ControlMaster=auto' ansible_python_interpreter=/usr/bin/python3
odd ansible_ssh_args='-L 1:a:2'
""")
    command = [f"{BIN}/nbfab", "fleet.plan", "--inventory", str(inventory)]
    done = subprocess.run(command, env=three.machine.env, cwd=three.work, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "three: new" in done.stdout
    assert "odd: refused: " in done.stdout
    assert "-L in ansible_ssh_args counts in Ansible, and nbfab cannot honour it" in done.stdout
    assert "hosts.ini is not YAML: ansible-inventory reads it, which runs Ansible's plugins" in done.stderr
    assert three.execs() == {"one": 0, "two": 0, "three": 1}


def test_under_inv_too(three: Fleet, tmp_path: Path) -> None:
    # `inv` has no -S, and ssh looks for its configuration in the home folder that /etc/passwd names, not in $HOME.
    own = tmp_path / ".ssh"
    own.mkdir()
    (own / "config").write_text(three.config.read_text())
    (own / "config").chmod(0o600)
    command = [f"{BIN}/inv", "-r", str(ROOT), "fleet.plan", "--inventory", str(three.inventory)]
    # In a user namespace root's files have no known owner, and ssh refuses to include such ones.
    others = passwd(tmp_path / "passwd", home=str(tmp_path)) | {"/etc/ssh/ssh_config": "/dev/null"}
    command = with_mounts(command, bind(others))
    done = subprocess.run(command, env=three.machine.env, cwd=three.work, capture_output=True, text=True)
    assert done.stdout.startswith("3 hosts (one, two, three): new\n"), done.stderr


def test_control_c_tells_how_far_each_came_and_failed_goes_on(three: Fleet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        three.ways["one"] = f"Port {silent.getsockname()[1]}"
        three.write()
        three.config.write_text(three.config.read_text().replace("ConnectTimeout 3", "ConnectTimeout 100"))
        command = three.command("certificate", "--jobs", "1")
        process = subprocess.Popen(
            command, env=three.machine.env, cwd=three.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        silent.accept()
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=40)
    assert process.returncode == 130
    assert re.search(r"one +interrupted", told)
    assert re.search(r"2 hosts \(two, three\) +interrupted .*not begun", told)
    three.ways["one"] = f"Port {three.hosts['one'].port}"
    three.write()
    again = three.json("certificate", "--failed")
    assert {name: host["verdict"] for name, host in again.items()} == dict.fromkeys(three.hosts, "changed")


def test_on_a_terminal_it_shows_the_plan_asks_and_shows_who_is_at_work(three: Fleet) -> None:
    with Terminal(three.machine) as terminal:
        terminal.type(" ".join(three.command("setup")) + "; echo status=$?")
        terminal.shows("3 hosts (one, two, three): new")
        terminal.shows("Go on? [y/N]")
        terminal.type("n")
        terminal.shows("status=1")
        for key, status in (("C-d", 1), ("C-c", 130)):
            terminal.clear()
            terminal.type(" ".join(three.command("setup")) + "; echo status=$?")
            terminal.shows("Go on? [y/N]")
            terminal.press(key)
            screen = terminal.shows(f"status={status}")
            assert "nothing was changed" in screen
            assert "Traceback" not in screen
        assert not three.profile("one").exists()
        terminal.clear()
        terminal.type(" ".join(three.command("setup")) + "; echo status=$?")
        terminal.shows("Go on? [y/N]")
        terminal.type("y")
        terminal.shows("server: start the server in tmux")
        screen = terminal.shows("status=0")
        assert "3 changed" in screen
        assert "server: start the server in tmux" not in screen  # the display has gone
        terminal.clear()
        with socket.create_server(("127.0.0.1", 0)) as silent:
            three.ways["two"] = f"Port {silent.getsockname()[1]}"
            three.write()
            three.config.write_text(three.config.read_text().replace("ConnectTimeout 3", "ConnectTimeout 100"))
            terminal.type(" ".join(three.command("status")) + "; echo status=$?")
            terminal.shows("2 of 3")
            terminal.press("C-c")
            terminal.shows("Control-C again: at once", 5)
            terminal.press("C-c")
            screen = terminal.shows("status=130", 5)
            assert re.search(r"two +interrupted +cut while connecting", screen)


def test_the_keys_of_many_hosts_are_not_asked_for_one_by_one(three: Fleet) -> None:
    (three.folder / "known_hosts").write_text("")
    with Terminal(three.machine) as terminal:
        terminal.type(" ".join(three.command("status")) + "; echo status=$?")
        screen = terminal.shows("status=1")
        assert "its host key is not known" in screen
        assert "[y/N]" not in screen


def test_the_same_prompted_password_is_typed_once_for_all(three: Fleet) -> None:
    three.extra = dict.fromkeys(three.hosts, ", password: prompt")
    three.write()
    assert "was not" in three.json("setup")["one"]["error"]
    with Terminal(three.machine) as terminal:
        terminal.type(" ".join(three.command("setup", "--yes")) + "; echo status=$?")
        terminal.shows("the same for all (at least 12 characters):")
        terminal.type(PASSWORD)
        terminal.shows("Type it again:")
        terminal.type(PASSWORD)
        screen = terminal.shows("status=0")
        assert PASSWORD not in screen
    for name in three.hosts:
        assert logs_in(three.ports[name], three.profile(name), PASSWORD)


def test_control_c_while_the_plan_is_made_changes_nothing(three: Fleet) -> None:
    with Terminal(three.machine) as terminal, socket.create_server(("127.0.0.1", 0)) as silent:
        three.ways["two"] = f"Port {silent.getsockname()[1]}"
        three.write()
        terminal.type(" ".join(three.command("setup")) + "; echo status=$?")
        terminal.shows("2 of 3")
        terminal.press("C-c")
        screen = terminal.shows("status=130", 40)
        assert "nothing was changed" in screen
    assert not any(three.profile(name).exists() for name in three.hosts)


def test_only_what_the_plan_has_shown_is_changed(three: Fleet) -> None:
    with Terminal(three.machine) as terminal:
        three.ways["two"] = f"Port {free_port()}"
        three.write()
        terminal.type(" ".join(three.command("setup")) + "; echo status=$?")
        terminal.shows("Go on? [y/N]")
        three.ways["two"] = f"Port {three.hosts['two'].port}"
        three.write()
        terminal.type("y")
        screen = terminal.shows("status=1")
        assert "2 changed, 1 not reached" in screen
    assert not three.profile("two").exists()


def test_control_c_at_the_password_for_all_leaves_the_terminal_as_it_was(three: Fleet) -> None:
    three.extra = dict.fromkeys(three.hosts, ", password: prompt")
    three.write()
    with Terminal(three.machine) as terminal:
        terminal.type(" ".join(three.command("setup", "--yes")) + "; echo status=$?; stty -a")
        terminal.shows("the same for all (at least 12 characters):")
        terminal.press("C-c")
        screen = terminal.shows("status=130", 15)
        assert "3 interrupted" in screen
        assert "-echo " not in terminal.shows(" echo ")


def test_a_dry_run_changes_nothing(three: Fleet) -> None:
    command = three.command("certificate")
    command.insert(1, "--dry")
    done = subprocess.run(command, env=three.machine.env, cwd=three.work, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a dry run is a task of its own" in done.stderr
    assert three.execs() == {"one": 0, "two": 0, "three": 0}


def test_the_report_is_given_although_failed_will_not_know_of_it(three: Fleet) -> None:
    done = three.run("certificate", XDG_STATE_HOME=str(three.inventory))
    assert "3 changed" in done.stdout
    assert "so --failed will not know of this run" in done.stderr


def test_a_jump_host_that_goes_down_is_named_once_for_all_behind_it(
    three: Fleet, tmp_path: Path, stack: ExitStack
) -> None:
    jump = stack.enter_context(Sshd(tmp_path / "jump"))
    three.config.write_text(
        f"Host one two three\n  ProxyJump bastion\nHost bastion\n  HostName 127.0.0.1\n  Port {jump.port}\n"
        f"  IdentityFile {jump.identity}\n{three.config.read_text()}"
    )
    with (three.folder / "known_hosts").open("a") as known:
        known.write(jump.known_line(jump.host_keys[0]))
    for name, host in three.hosts.items():
        (host.home / ".profile").write_text(f": >{tmp_path}/{name}; sleep 20\n")
    three.inventory.write_text("hosts: {one: , two: , three: }\n")  # no python, so a login shell is asked for one
    env = {name: value for name, value in three.machine.env.items() if name != "NBFAB_PYTHON"}
    process = subprocess.Popen(
        three.command("plan"), env=env, cwd=three.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    wait_until(lambda: all((tmp_path / name).exists() for name in three.hosts), "all to be at work")
    jump.cut()
    told, _ = process.communicate(timeout=60)
    assert re.search(r"3 hosts \(one, two, three\): not reached: jump host bastion: the connection was cut", told), told


def test_a_host_that_claims_to_run_without_a_certificate_is_told_like_any_other() -> None:
    lie = Outcome("liar", "status", "unchanged", state={"running": True})
    assert "liar" in table([lie])
    assert "liar" in page([lie], "now", str)

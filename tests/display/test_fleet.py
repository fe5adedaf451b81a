"""The reports on many hosts: what is equal is said once."""

import re

from nbfab.changed import Changed
from nbfab.display.fleet import plans, table
from nbfab.fix import Command, there
from nbfab.outcome import Outcome


def new(host: str, port: int = 8765, home: str = "/home/ann") -> Outcome:
    """A host on which all has yet to be done."""
    return Outcome(
        host,
        "plan",
        "would change",
        changes=(
            Changed("install", "make environment", "make an environment with notebook", f"in {home}/.venv"),
            Changed("password", "set password", "set a password", reason="there is none"),
            Changed("certificate", "write", "make the certificate", f"for {host}, localhost", "there is none"),
            Changed("profile", "make private", "make the folder", f"{home}/nbserver"),
            Changed("profile", "write", "write the kernel"),
            Changed("config", "write", "write the server's settings"),
            Changed("server", "start server", "start the server in tmux", f"on port {port}"),
        ),
        standing=("as root",),
        state={"folder": f"{home}/nbserver"},
    )


def test_the_plan_of_thirty_equal_hosts_is_one_block() -> None:
    assert plans([new(f"s{number:02}") for number in range(1, 31)]).splitlines() == [
        "30 hosts (s[01:30]): new",
        "  install      make an environment with notebook in /home/ann/.venv",
        "  password     set a password: there is none",
        "  certificate  make the certificate for s01, localhost (s01; other hosts differ): there is none",
        "  server       start the server in tmux on port 8765",
        "  files        write 2 more in /home/ann/nbserver",
        "note: 30 hosts (s[01:30]): as root",
    ]


def test_what_hosts_of_a_block_differ_in_is_told() -> None:
    lines = plans([new("a", 9001, "/home/a"), new("b", 9002, "/home/b"), new("c", 9001, "/home/a")]).splitlines()
    assert "  server       start the server in tmux on port 9001 (a, c), on port 9002 (b)" in lines


def test_other_plans_have_blocks_of_their_own() -> None:
    change = Changed("certificate", "write", "renew the certificate", "for x, lab", "it lacks lab")
    renewed = Outcome("x", "plan", "would change", changes=(change,), withheld=("restart the server",))
    lost = Outcome("y", "plan", "not reached", error="no route", fix=(Command("ssh -v y"),), status=1)
    assert plans([renewed, lost, Outcome("z", "plan", "unchanged")]).splitlines() == [
        "x: would change",
        "  certificate  renew the certificate for x, lab: it lacks lab",
        "  not done     without --restart: restart the server",
        "y: not reached: no route",
        "z: nothing would change",
        "fix for y:",
        "      ssh -v y",
    ]


def test_hosts_that_ended_alike_share_a_line_but_not_their_urls() -> None:
    stop = Changed("server", "stop server", "end the server")
    stopped = [
        Outcome(f"s{number}", "stop", "changed", changes=(stop,), notes=("it has ended",)) for number in range(1, 31)
    ]
    lost = Outcome("x", "stop", "not reached", error="no route", status=1)
    assert table([*stopped, lost]).splitlines() == [
        "HOST                VERDICT      WHAT",
        "30 hosts (s[1:30])  changed      server",
        "x                   not reached  no route",
        "note: 30 hosts (s[1:30]): it has ended",
        "",
        "30 changed, 1 not reached",
    ]
    running = [Outcome(host, "status", "running", url=f"https://{host}/", state={"running": True}) for host in "ab"]
    assert [line.split() for line in table(running).splitlines()[1:3]] == [
        ["a", "running", "https://a/"],
        ["b", "running", "https://b/"],
    ]


def failed(host: str, error: str, *fix: str | Command) -> Outcome:
    return Outcome(host, "setup", "failed", error=error, fix=fix, status=1)


def test_hosts_that_failed_alike_share_a_line_and_a_fix_if_it_is_the_same() -> None:
    debian, fedora = there("sudo apt-get install tmux"), there("sudo dnf install tmux")
    outcomes = [failed(host, "no tmux", debian) for host in ("s1", "s2", "s3")] + [failed("x", "no tmux", fedora)]
    for lines in (table(outcomes).splitlines()[1:-2], plans(outcomes).splitlines()):
        assert re.fullmatch(r"4 hosts \(s\[1:3\], x\):? +failed:? +no tmux", lines[0])
        assert lines[1:] == [
            "fix for 3 hosts (s[1:3]):",
            "      on each of them: sudo apt-get install tmux",
            "fix for x:",
            "      on x: sudo dnf install tmux",
        ]


def test_a_task_that_fixes_one_host_is_named_for_all_that_it_fixes() -> None:
    outcomes = [
        failed(f"s{number}", f"key {number}", "compare", Command(f"nbfab fleet.plan --limit s{number} --yes"))
        for number in range(1, 13)
    ]
    assert table(outcomes).splitlines()[-5:-2] == [
        "fix for 12 hosts (s[1:12]):",
        "      compare",
        "      nbfab fleet.plan --limit s1,s2,s3,s4,s5,s6,s7,s8,s9,s10,s11,s12 --yes",
    ]
    away = [failed(host, "refused", Command(f"ssh -v {host} true")) for host in ("s1", "s12")]
    assert table(away).splitlines()[-4:-2] == ["fix for 2 hosts (s1, s12), such as s1:", "      ssh -v s1 true"]
    many = [failed(f"s{number}", "key", Command(f"nbfab --limit s{number}")) for number in range(1, 1000)]
    assert table(many).splitlines()[-4:-2] == ["fix for 999 hosts (s[1:999]), such as s1:", "      nbfab --limit s1"]


def test_one_new_authority_is_for_all_hosts_that_none_may_sign_for() -> None:
    allowed = {"s1": "--allow=s1 --allow=lab.test", "s2": "--allow=s2 --allow=lab.test", "s3": "--allow=10.3.0.7/32"}
    outcomes = [failed(host, f"may not sign {host}", Command(f"nbfab ca --new {of}")) for host, of in allowed.items()]
    assert table(outcomes).splitlines()[-4:-2] == [
        "fix for 3 hosts (s[1:3]):",
        "      nbfab ca --new --allow=s1 --allow=lab.test --allow=s2 --allow=10.3.0.7/32",
    ]


def test_a_note_that_differs_only_in_the_way_to_its_host_is_told_once() -> None:
    outcomes = [
        Outcome(
            host,
            "setup",
            "unchanged",
            url=f"https://{host}.lab:{port}/",
            notes=(f"https://{host}.lab:{port}/ is closed: ssh -N -L {port}:127.0.0.1:{port} {host}", f"odd: {host}"),
            state={"running": True, "ssh": host},
        )
        for host, port in (("s1", 9001), ("s2", 9002), ("s3", 9003))
    ]
    assert [line for line in table(outcomes).splitlines() if line.startswith("note")] == [
        "note: 3 hosts (s[1:3]), such as s1: https://s1.lab:9001/ is closed: ssh -N -L 9001:127.0.0.1:9001 s1",
        "note: 3 hosts (s[1:3]), such as s1: odd: s1",
    ]

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
        "y: not reached: no route | fix: ssh -v y",
        "z: nothing would change",
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


def test_hosts_that_failed_alike_share_a_line_but_not_what_is_to_be_typed_on_them() -> None:
    debian, fedora = there("sudo apt-get install tmux"), there("sudo dnf install tmux")
    without = [
        Outcome(host, "setup", "failed", error="no tmux", fix=(fix,), status=1)
        for host, fix in (("s1", debian), ("s2", debian), ("s3", debian), ("x", fedora))
    ]
    live = [
        Outcome(host, "stop", "refused", error="kernels", fix=("may they end?", Command(f"stop {host}")), status=1)
        for host in ("k1", "k2")
    ]
    assert [re.split(" {2,}", line)[-1] for line in table(without).splitlines()[1:3]] == [
        "no tmux | fix: on each of them: sudo apt-get install tmux",
        "no tmux | fix: on x: sudo dnf install tmux",
    ]
    (line,) = table(live).splitlines()[1:2]
    assert re.fullmatch(r"2 hosts \(k1, k2\) +refused +kernels \| fix for k1: may they end\? \| stop k1", line)
    assert "2 hosts (k1, k2): refused: kernels | fix for k1: may they end? | stop k1" in plans(live).splitlines()
    assert "x: failed: no tmux | fix: on x: sudo dnf install tmux" in plans(without).splitlines()


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

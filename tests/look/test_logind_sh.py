"""What logind is asked, and how its answer is read, in the shells that hosts have."""

import json
from pathlib import Path

import pytest
from shells import each_shell, run, stub

from nbfab.program import call, functions

LOGIND = functions("look/logind")
SERVER = functions("look/json", "look/process", "look/logind", "look/server")


@each_shell
@pytest.mark.parametrize(
    ("answer", "user", "ends"),
    [
        ("b true\nas 0\nas 0", "ann", True),
        ("b true\nas 0\nas 0", "root", False),
        ('b true\nas 0\nas 1 "ann"', "ann", False),
        ('b true\nas 0\nas 1 "ann"', "root", True),
        ('b true\nas 0\nas 2 "joann" "anne"', "ann", True),
        ('b true\nas 1 "bob"\nas 0', "ann", False),
        ('b false\nas 2 "bob" "ann"\nas 0', "ann", True),
        ("b false\nas 0\nas 0", "ann", False),
        ("", "ann", False),
        ("b true", "ann", False),
    ],
)
def test_who_is_ended_at_logout(shell: tuple[str, ...], answer: str, user: str, ends: bool, tmp_path: Path) -> None:
    stub(tmp_path, "busctl", f"printf '%s\\n' '{answer}'")
    stub(tmp_path, "id", f"echo {user}")
    program = f"PATH={tmp_path}:$PATH\n{LOGIND}ends_at_logout && echo yes || echo no\n"
    assert run(shell, program) == ("yes\n" if ends else "no\n")


@each_shell
@pytest.mark.parametrize(
    ("group", "session"),
    [
        ("0::/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
        ("9:cpu:/\n1:name=systemd:/user.slice/user-1000.slice/session-c12.scope", "session-c12.scope"),
        ("0::/user.slice/user-1000.slice/session-3.scope (deleted)", "session-3.scope"),
        ("0::/user.slice/user-1000.slice/session-3.scope/tmux", "session-3.scope"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope", ""),
        ("0::/", ""),
        ("", ""),
    ],
)
def test_the_session_of_a_process(shell: tuple[str, ...], group: str, session: str, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text(f"{group}\n" if group else "")
    program = (
        LOGIND.replace("/proc/", f"{tmp_path}/") + 'session_of 7; echo "$session"; session_of 8; echo "$session"\n'
    )
    assert run(shell, program) == f"{session}\n\n"


@each_shell
def test_the_session_of_a_server_that_ends_while_it_is_looked_at_is_known(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    process = tmp_path / "7"
    process.mkdir()
    (process / "cgroup").write_text("0::/user.slice/user-1000.slice/session-3.scope\n")
    (process / "stat").write_text("7 (python3) S " + " ".join(["0"] * 18) + " 42 0\n")
    (tmp_path / "started").write_text("6 7 42\n")
    stubs = f"look_tmux() {{ :; }}\nlook_port() {{ :; }}\nask_server() {{ rm -r {process}; }}\n"
    look = call("look_server", folder=str(tmp_path), certificate="c") + "print_facts\n"
    facts = [
        json.loads(line) for line in run(shell, SERVER.replace("/proc/", f"{tmp_path}/") + stubs + look).splitlines()
    ]
    assert {"server.alive": "yes"} in facts
    assert {"server.session": "session-3.scope"} in facts

"""Profiles that earlier releases left behind: taken over as they are, and their servers and kernels run on."""

import json
import shlex
import ssl
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from machine import PASSWORD, Machine
from notebook_client import Notebook, logs_in
from plan_cases import after
from pythons import NOTEBOOKS, need
from recorded import RECORDED, place
from sshd import wait_until

from nbfab.host import Here
from nbfab.look.look import look
from nbfab.look.server import Answer
from nbfab.passwords import Password
from nbfab.plan import choices, config, login, module, profile, takes
from nbfab.plan.adopt import adopt
from nbfab.plan.settle import settle
from nbfab.plan.steps import STEPS, owned, plan, request
from nbfab.settings import Settings
from nbfab.wanted import Wanted


@pytest.mark.parametrize("recorded", RECORDED)
def test_a_recorded_profile_is_taken_over_without_a_restart(
    recorded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = place(recorded, tmp_path, env=f"{tmp_path}/env", directory=tmp_path, port=9999)
    for path in (tmp_path / ".local/share/nbfab/nbserver/environment").read_text().splitlines()[2:]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    (tmp_path / ".local/share/nbfab/nbserver/environment").touch()  # it was recorded after that
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    host, settings = Here(), Settings.parse(about["settings"])
    wanted = Wanted(settings, host.names, about["now"], Password(about["password"]))
    seen = look(host, request(wanted, STEPS))
    started = seen.server.started
    assert started
    answer = Answer(True, "", settings.port)
    facts = replace(
        seen,
        host=replace(seen.host, names=tuple(about["found"]), addresses=()),
        server=replace(seen.server, session_pids=(started.runner,), alive=True, answer=answer),
    )
    facts = adopt(facts)
    wanted = settle(wanted, facts, owned(STEPS))
    changes = plan(wanted, facts, STEPS)
    files = [change.args.get("file", change.kind) for change in changes]
    kernels = [profile.ipython_file("nbserver"), profile.ipython_file("default"), profile.kernel_file("nbserver")]
    assert files == [takes.FILE, "write module", *kernels, login.FILE, config.FILE, takes.RUN, choices.FILE]
    assert not any(change.needs_restart for change in changes)
    facts = after(facts, changes)
    assert plan(wanted, facts, STEPS) == []
    assert takes.pending(wanted, facts) == ("LanguageServerManager.node_roots", "launcher", module.TAKES)
    assert plan(replace(wanted, password=None), facts, STEPS) == []


class Upgraded:
    """A machine with a recorded profile whose server runs with a live kernel, as the release of then left it.

    nbfab's clock stands where it stood then, or the certificate would have expired one day.
    """

    def __init__(self, machine: Machine, recorded: str, *, env: str, directory: Path) -> None:
        self.machine = machine
        about = place(recorded, machine.home, env=env, directory=directory, port=machine.port)
        self.password = about["password"]
        program = machine.home / "inv"
        program.write_text(
            f"#!{sys.executable}\nimport time\n\ntime.time = lambda: {about['now']}\n\n"
            "from invoke.main import program\n\nprogram.run()\n"
        )
        program.chmod(0o755)
        machine.program = str(program)
        (machine.folder / "started").unlink()
        start = ["tmux", "-L", "nbfab", "-f", "/dev/null", "new-session", "-d", "-s", "nbserver", "exec /bin/sh run.sh"]
        subprocess.run(start, cwd=machine.folder, env=machine.env, stdin=subprocess.DEVNULL, check=True)
        wait_until(self.answers, "the recorded server to answer")
        self.kernel = self.notebook().post("/api/kernels", {"name": "nbserver"})["id"]
        assert self.evaluates("'kept'", "answer = 42") == "'kept'"
        self.before = self.identity()

    def answers(self) -> bool:
        """Whether the server answers."""
        try:
            Notebook(self.machine.port, self.machine.folder, dated=False).get("/api")
        except OSError:
            return False
        return True

    def notebook(self) -> Notebook:
        """A browser that has logged in with the recorded password."""
        return Notebook(self.machine.port, self.machine.folder, self.password, dated=False)

    def evaluates(self, expression: str, code: str = "") -> str:
        """What the kernel makes of an expression, once it has run the code."""
        return self.notebook().evaluates(self.kernel, expression, code)

    def identity(self) -> tuple[int, str, str]:
        """The server's process, the hash of its password, and the certificate that it shows.

        That certificate has names that its host found once; this machine has others, and may not replace it for that.
        """
        hashed = json.loads((self.machine.folder / "jupyter_server_config.json").read_text())
        return self.machine.server, str(hashed), ssl.get_server_certificate(("127.0.0.1", self.machine.port))

    def is_taken_over(self) -> None:
        """What an upgrade has to be: one run that ends well, the next changes nothing, and all that runs, runs on."""
        self.machine.ok("setup")
        assert self.identity() == self.before
        assert "nothing changed" in self.machine.ok("setup")
        assert "nothing would change" in self.machine.ok("plan")
        assert self.identity() == self.before
        assert self.kernel in [kernel["id"] for kernel in self.notebook().get("/api/kernels")]
        assert self.evaluates("answer") == "42"


RELEASES = sorted({recorded.partition("/")[0] for recorded in RECORDED})
PYTHONS = {"modern": NOTEBOOKS["notebook 7"], "classic": NOTEBOOKS["notebook 6"]}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("variant", PYTHONS)
def test_a_server_with_a_live_kernel_is_taken_over(here: Machine, release: str, variant: str) -> None:
    python = PYTHONS[variant]
    need(python)
    here.env["NBFAB_PYTHON"] = python
    Upgraded(here, f"{release}/{variant}", env=str(Path(python).parents[1]), directory=here.work).is_taken_over()


def test_to_rotate_its_secrets_takes_one_last_restart(here: Machine) -> None:
    old = Upgraded(here, "0.1.0/modern", env=str(Path(NOTEBOOKS["notebook 7"]).parents[1]), directory=here.work)
    before = here.folder.joinpath("jupyter_server_config.json").read_text()
    said = here.fails("rotate", "--now", password=None)
    assert "the server was not restarted, because that would end kernel" in said
    assert "rotate --now --restart" in said
    assert here.folder.joinpath("jupyter_server_config.json").read_text() == before
    assert old.evaluates("answer") == "42"
    document = here.json("rotate", "--now", "--restart", password=None)
    assert document["status"] == 0
    assert [change["kind"] for change in document["changes"]][-1] == "end sessions"
    assert not any("ends only with a restart" in note for note in document["notes"])
    assert not logs_in(here.port, here.folder, old.password)


LATER = """\
from nbfab.plan import config

before = config.text
config.text = lambda wanted, facts: before(wanted, facts) + "c.ServerApp.allow_password_change = False\\n"
"""


def test_what_a_later_release_brings_is_pending_until_the_server_restarts(here: Machine) -> None:
    here.ok("setup")
    Notebook(here.port, here.folder, PASSWORD).post("/api/kernels", {"name": "nbserver"})
    server = here.server
    later = here.home / "inv"
    later.write_text(f"#!{sys.executable}\n{LATER}\nfrom invoke.main import program\n\nprogram.run()\n")
    later.chmod(0o755)
    here.program = str(later)
    said = "pending      takes effect at the next restart: ServerApp.allow_password_change"
    assert said in here.ok("setup")
    for task in ("setup", "plan"):
        again = here.ok(task)
        assert said in again
        assert "nothing" in again
    assert here.json("status")["pending"] == ["ServerApp.allow_password_change"]
    assert here.server == server
    here.ok("restart", "--force")
    assert here.server != server
    assert here.json("status")["pending"] == []


def test_what_a_later_release_would_bring_is_set_up_before_a_restart_takes_it_up(here: Machine) -> None:
    here.ok("setup")
    later = here.home / "inv"
    later.write_text(f"#!{sys.executable}\n{LATER}\nfrom invoke.main import program\n\nprogram.run()\n")
    later.chmod(0o755)
    here.program = str(later)
    before, server = here.files(), here.server
    assert here.json("status")["pending"] == []
    told = here.json("restart")
    assert (told["verdict"], told["pending"]) == ("changed", [])
    command = shlex.join(here.command("setup", "--restart"))
    assert f"not set up yet: ServerApp.allow_password_change\n{command}" in told["notes"]
    assert (told["status"], told["fix"]) == (0, [])
    assert here.server != server
    assert here.files() == before
    assert "it takes up ServerApp.allow_password_change" in here.ok("setup", "--restart")
    assert here.json("status")["pending"] == []


@pytest.mark.parametrize("release", RELEASES)
def test_what_was_chosen_for_a_server_stays_without_the_flags(here: Machine, release: str) -> None:
    for name in ("NBFAB_PORT", "NBFAB_PYTHON"):
        del here.env[name]
    directory = here.home / "notebooks"
    directory.mkdir()
    (directory / "seen.txt").touch()
    chosen = Upgraded(here, f"{release}/chosen", env=sys.prefix, directory=directory)
    chosen.is_taken_over()
    # The server that runs now was not started by this release; one that is has to be the same.
    here.ok("stop", "--force")
    here.ok("setup")
    command = Path(f"/proc/{here.server}/cmdline").read_text().split("\0")
    assert command[:4] == [f"{sys.prefix}/bin/python", "-B", "-m", "jupyterlab"]
    runtime = json.loads((here.folder / f"runtime/jpserver-{here.server}.json").read_text())
    assert (runtime["hostname"], runtime["port"], runtime["root_dir"]) == ("127.0.0.1", here.port, str(directory))
    assert [item["name"] for item in chosen.notebook().get("/api/contents")["content"]] == ["seen.txt"]
    assert chosen.identity()[1:] == chosen.before[1:]
    assert "nothing changed" in here.ok("setup")

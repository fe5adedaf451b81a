"""The README, as a newcomer takes it: read, followed, and typed word for word. And where the other pages lead."""

import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from machine import BIN, ROOT, Machine, end_servers
from markdown import anchors, code, commands, links
from notebook_client import Notebook, logs_in
from sshd import Sshd, free_port, wait_until
from terminal import Terminal
from venvs import environment, with_jupyter

from nbfab.cli.program import program
from nbfab.cli.tasks import ns

README = ROOT / "README.md"
TEXT = README.read_text()
PAGES = [README, ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
USERS_PAGES = [page for page in PAGES if page.name not in ("SECURITY.md", "CONTRIBUTING.md", "architecture.md")]
JUPYTERS = {"--allow-root"}  # its own flag
OTHER_SYSTEMS = "Which systems"  # the heading of the block that is for other systems than this one
ALL_TESTS = "sh tests/run.sh"


def test_what_comes_before_the_reference_is_soon_read() -> None:
    before, heading, _ = TEXT.partition("\n## Reference\n")
    assert heading
    assert len(before.split()) <= 700


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not re.match("[a-z]+:", link):
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text()), link


TASKS = {name: {f"--{flag.replace('_', '-')}" for flag in ns[name].help} for name in ns.task_names}
FLAGS = set().union(*TASKS.values())
CORE = {f"--{name}" for argument in program.core_args() for name in argument.names}


def _words(text: str) -> list[str]:
    """The words of a command of nbfab's, from its task or first flag on; none if it is something else."""
    words = text.replace("'", "").removeprefix("sh bootstrap.sh ").split()
    if words[:1] in (["nbfab"], ["inv"], ["fab"]):
        return words[3:] if words[1:2] == ["-H"] else words[1:]
    return words if words and (words[0] in TASKS or words[0].startswith("--")) else []


@pytest.mark.parametrize("page", USERS_PAGES, ids=lambda page: page.name)
def test_tasks_and_flags_that_are_named_exist(page: Path) -> None:
    for text in code(page.read_text()):
        words = _words(text)
        flags = {word for word in words if re.match("--[a-z]", word)}
        task = words[0] if words and re.match("[a-z]", words[0]) else ""
        assert not task or task in TASKS, text
        assert flags <= TASKS.get(task, FLAGS | CORE | JUPYTERS), text


COMMANDS = list(commands(TEXT))
QUESTION = re.compile(r"^.*\[y/N\]|^Password for the notebook .*\):|^New password .*\):", re.MULTILINE)
MADE = re.compile(r"\b[a-z0-9]{5}(?:-[a-z0-9]{5}){3}\b")  # a generated password


def test_the_commands_can_be_typed_in_any_shell() -> None:
    for heading, command in COMMANDS:
        # In zsh, the shell of macOS, what follows a # on the line that is typed is no comment.
        assert "#" not in command or (heading == OTHER_SYSTEMS and command.startswith("#"))
        done = subprocess.run(["sh", "-n"], input=command, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), command


def test_the_table_of_exit_statuses_is_that_of_the_code() -> None:
    rows = re.findall(r"(?m)^\| \d+ \| .* \|$", TEXT)
    assert [row.split()[1] for row in rows] == ["0", "1", "2", "3", "130", "141"]
    generated = (ROOT / "docs/reference.md").read_text()
    assert [row for row in rows if row not in generated] == []


def test_what_ci_runs_is_what_the_readme_names() -> None:
    assert ALL_TESTS in [command for _, command in COMMANDS]
    assert ALL_TESTS in (ROOT / ".ci/run").read_text().splitlines()


class Newcomer:
    """Someone with an empty home folder, a clone, uv, and hosts that their ssh_config leads to."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.clone = folder / "clone"
        subprocess.run(["git", "clone", "-q", ROOT, self.clone], check=True)
        self.hosts = {name: stack.enter_context(Sshd(folder / name)) for name in ("gpu1", "pc01", "pc02")}
        self.ports = {name: free_port() for name in self.hosts}
        self.machine = Machine(folder)
        self.machine.work = self.clone
        self.machine.env = self._environment(folder)
        stack.callback(self._end)
        self._write_ssh_config(folder)
        usual = environment(folder / "usual")
        for host in self.hosts.values():
            with_jupyter(usual, host.home)
        geo = environment(self.hosts["gpu1"].home / "miniforge3/envs/geo")
        (geo / "conda-meta").mkdir()
        self._terminal = stack.enter_context(Terminal(self.machine))
        self._terminal.type("PS1='exit=$? $ '")
        self._terminal.shows("exit=0 $")

    def _environment(self, folder: Path) -> dict[str, str]:
        """What leads to the package index is as it is for this process; there is no nbfab yet."""
        (folder / "bin").mkdir()
        (folder / "bin/uv").symlink_to(BIN / "uv")
        cache = subprocess.run([BIN / "uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
        path = f"{folder}/bin:{self.machine.home}/.local/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        mine = {name: value for name, value in os.environ.items() if not re.match("NBFAB_|XDG_|TMUX|VIRTUAL_ENV", name)}
        own = {name: self.machine.env[name] for name in ("HOME", "TMUX_TMPDIR", "NBFAB_PORT", "LANG")}
        return mine | own | {"UV_CACHE_DIR": cache, "PATH": path}

    def _write_ssh_config(self, folder: Path) -> None:
        """Hosts by their names in the README. OpenSSH finds ~/.ssh in the user database only, so it is told here."""
        known = folder / "known_hosts"
        known.write_text(
            "".join(self.hosts[name].known_line(self.hosts[name].host_keys[0]) for name in ("pc01", "pc02"))
        )
        ways = "".join(
            f"Host {name}\n  HostName 127.0.0.1\n  Port {host.port}\n  IdentityFile {host.identity}\n"
            for name, host in self.hosts.items()
        )
        config = folder / "ssh_config"
        config.write_text(f"{ways}Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n")
        ssh = folder / "bin/ssh"
        ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
        ssh.chmod(0o755)

    def puts_hosts_in(self) -> None:
        """Fills in hosts.yaml, and has an inventory of Ansible's as well."""
        lines = {name: f"    {name}: {{PORT: {self.ports[name]}}}\n" for name in ("pc01", "pc02")}
        own = "".join(lines.values())
        (self.clone / "hosts.yaml").write_text("hosts:\n" + own.replace("PORT", "port"))
        (self.clone / "site.yaml").write_text("all:\n  hosts:\n" + own.replace("PORT", "nbfab_port"))

    def types(self, command: str) -> tuple[int, str, list[str]]:
        """The exit status of a command, what is on the screen, and the questions that were answered: with Return, or
        with yes where that is a choice.
        """
        self._terminal.type("clear")
        wait_until(lambda: self._terminal.screen.strip() == "exit=0 $", "the screen to be clear")
        self._terminal.type(command)
        asked: list[str] = []
        ended: re.Match[str] | None = None

        def goes_on() -> bool:
            nonlocal ended
            screen = self._terminal.screen
            questions = QUESTION.findall(screen)
            if len(questions) > len(asked):
                asked.append(questions[len(asked)])
                self._terminal.type("y" if asked[-1].endswith("[y/N]") else "")
            ended = re.search(r"^exit=(\d+) \$ *$", screen[screen.find(command) :], re.MULTILINE)
            return ended is not None

        try:
            wait_until(goes_on, f"{command} to end", 240)  # a package index may be slow
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self._terminal.screen}") from None
        assert ended
        return int(ended[1]), self._terminal.screen, asked

    def profile(self, name: str = "") -> Path:
        """The folder of the profile on a host, or on this machine."""
        home = self.hosts[name].home if name else self.machine.home
        return home / ".local/share/nbfab/nbserver"

    def _end(self) -> None:
        end_servers({host.home: host.tmux for host in self.hosts.values()})
        self.machine.close()


@pytest.mark.timeout(900)
def test_every_command_does_what_is_said_of_it(tmp_path: Path, stack: ExitStack) -> None:
    newcomer = Newcomer(tmp_path, stack)
    port = newcomer.machine.port
    password = ""
    for heading, command in COMMANDS:
        if heading == OTHER_SYSTEMS or command == ALL_TESTS:
            continue
        if command == "nbfab fleet.plan":
            newcomer.puts_hosts_in()
        if command == "nbfab fleet.setup":
            newcomer.hosts["pc02"].stop()
        status, screen, asked = newcomer.types(command)
        assert "Traceback" not in screen
        assert status == (command == "nbfab fleet.setup"), screen
        if made := MADE.search(screen):
            password = made[0]
        match command.removeprefix("nbfab ").removeprefix("-H gpu1 "):
            case "sh bootstrap.sh inv serve":
                assert len(asked) == 1, asked
                assert f"https://localhost:{port}/" in screen
                assert logs_in(port, newcomer.profile(), password)
            case "setup":
                assert [words[:23] for words in asked] == ["Is this the host's key?", "Password for the notebo"]
                assert logs_in(port, newcomer.profile("gpu1"), password)
            case "setup --python geo":
                client = Notebook(port, newcomer.profile("gpu1"), password)
                assert client.plot().startswith(b"\x89PNG")
                kernels = client.get("/api/kernelspecs")["kernelspecs"]
                assert kernels["nbserver"]["spec"]["display_name"] == "Python 3 (nbserver: geo)"
            case "fleet.plan --inventory site.yaml":
                assert "pc01" in screen
            case "fleet.setup":
                assert "1 not reached" in screen
                newcomer.hosts["pc02"].start()
            case "fleet.setup --failed":
                assert "1 changed" in screen
                assert "hosts-passwords.csv" in screen
            case "fleet.page":
                assert (newcomer.clone / "fleet.html").exists()
            case "password --new" | "start":
                assert logs_in(port, newcomer.profile("gpu1"), password)
            case "stop":
                assert len(asked) == 1, "a kernel is live, so it asks"
            case "fleet.setup --yes --quiet":
                assert screen.partition(command)[2].split() == ["exit=0", "$"]
    assert not newcomer.profile("gpu1").exists()
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=newcomer.clone, capture_output=True, text=True)
    assert changed.stdout == "?? site.yaml\n"

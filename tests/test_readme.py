"""The README, as a newcomer takes it: read, followed, and typed word for word. And where the other pages lead."""

import re
import shlex
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from machine import ROOT
from markdown import anchors, code, commands, fenced, links
from namespace import bind, with_mounts
from newcomer import MADE, Newcomer
from notebook_client import Notebook, logs_in
from sshd import Sshd
from system import ANCHORS, STORE
from venvs import environment, with_jupyter

from nbfab.cli.program import program
from nbfab.cli.tasks import ns
from nbfab.requirements.options import ORDER

README = ROOT / "README.md"
TEXT = README.read_text()
PAGES = [README, ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
USERS_PAGES = [page for page in PAGES if page.name not in ("SECURITY.md", "CONTRIBUTING.md", "architecture.md")]
JUPYTERS = {"--allow-root"}  # its own flag
PIPS = {*ORDER, "--require-hashes", "--hash", "--trusted-host"}  # in a file of requirements
OTHER_SYSTEMS = "Which systems"  # the heading of the block that is for other systems than this one
ALL_TESTS = "sh tests/run.sh"


def test_what_comes_before_the_reference_is_soon_read() -> None:
    before, heading, _ = TEXT.partition("\n## Reference\n")
    assert heading
    assert len(before.split()) <= 700


def test_the_hooks_are_the_same_in_the_readme_and_in_the_page_on_certificates() -> None:
    hooks = [line for line in fenced(TEXT) if "nbfab " in line]
    page = {line for _, line in commands((ROOT / "docs/certificates.md").read_text())}
    assert len(hooks) == 5
    assert [line for line in hooks if line not in page] == []


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
        assert flags <= TASKS.get(task, FLAGS | CORE | JUPYTERS | PIPS), text


COMMANDS = list(commands(TEXT))


def test_the_commands_can_be_typed_in_any_shell() -> None:
    for heading, command in COMMANDS:
        # In zsh, the shell of macOS, what follows a # on the line that is typed is no comment.
        assert "#" not in command or (heading == OTHER_SYSTEMS and command.startswith("#"))
        done = subprocess.run(["sh", "-n"], input=command, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), command


def test_the_table_of_exit_statuses_is_that_of_the_code() -> None:
    rows = re.findall(r"(?m)^\| \d+ \| .* \|$", TEXT)
    assert [row.split()[1] for row in rows] == ["0", "1", "2", "3", "4", "130", "141"]
    generated = (ROOT / "docs/reference.md").read_text()
    assert [row for row in rows if row not in generated] == []


def test_what_ci_runs_is_what_the_readme_names() -> None:
    assert ALL_TESTS in [command for _, command in COMMANDS]
    assert ALL_TESTS in (ROOT / ".ci/run").read_text().splitlines()


def has_jupyters(newcomer: Newcomer, folder: Path) -> None:
    """Gives each host an environment with the notebook, and gpu1 one of conda's as well."""
    usual = environment(folder / "usual")
    for host in newcomer.hosts.values():
        with_jupyter(usual, host.home)
    geo = environment(newcomer.hosts["gpu1"].home / "miniforge3/envs/geo")
    (geo / "conda-meta").mkdir()


def puts_hosts_in(newcomer: Newcomer) -> None:
    """Fills in hosts.yaml, and has an inventory of Ansible's as well."""
    lines = {name: f"    {name}: {{PORT: {newcomer.ports[name]}}}\n" for name in ("pc01", "pc02")}
    own = "".join(lines.values())
    (newcomer.clone / "hosts.yaml").write_text("hosts:\n" + own.replace("PORT", "port"))
    (newcomer.clone / "site.yaml").write_text("all:\n  hosts:\n" + own.replace("PORT", "nbfab_port"))


def certificates_of_its_own(folder: Path) -> str:
    """The command for a shell in which the system's certificates are copies, which an administrator may change."""
    copies = {place: str(folder / f"copy{number}") for number, place in enumerate((ANCHORS, STORE))}
    for place, copy in copies.items():
        shutil.copytree(place, copy, symlinks=True, ignore=shutil.ignore_patterns("private", "java"))
    return f"exec {shlex.join(with_mounts(['sh'], bind(copies)))}"


@pytest.mark.timeout(900)
def test_every_command_does_what_is_said_of_it(tmp_path: Path, stack: ExitStack) -> None:
    hosts = {name: stack.enter_context(Sshd(tmp_path / name)) for name in ("gpu1", "pc01", "pc02")}
    newcomer = Newcomer(tmp_path, stack, hosts, known=("pc01", "pc02"), shell=certificates_of_its_own(tmp_path))
    has_jupyters(newcomer, tmp_path)
    port = newcomer.machine.port
    password = ""
    for heading, command in COMMANDS:
        if heading == OTHER_SYSTEMS or command == ALL_TESTS:
            continue
        if command == "nbfab fleet.plan":
            puts_hosts_in(newcomer)
        if command == "nbfab fleet.setup":
            newcomer.hosts["pc02"].stop()
        if command.endswith("open"):
            screen = newcomer.opens(command)
            if command == "nbfab -H gpu1 open":
                (here,) = re.findall(r"https://localhost:(\d+)/ +\(Control-C", screen)
                assert logs_in(int(here), newcomer.profile("gpu1"), password)
            newcomer.interrupts()
            continue
        status, screen, asked = newcomer.types(command)
        assert status == (command in ("nbfab fleet.setup", "nbfab -H gpu1 doctor")), screen
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
            case "ca --allow gpu1":
                assert "  may sign     gpu1, pc01, pc02\n" in screen
            case "trust":
                assert len(asked) == 1, asked
                assert re.search(r"^trust: done", screen, re.MULTILINE), screen
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
            case "fleet.setup --yes":
                assert "2 changed" in screen
            case "fleet.setup --failed":
                assert "1 changed" in screen
                assert "hosts-passwords.csv" in screen
            case "fleet.page":
                assert (newcomer.clone / "fleet.html").exists()
            case "list --check" | "status" | "kernels":
                assert "gpu1" in screen
            case "doctor":
                assert "gpu1: 1 found" in screen
                assert re.search(r"  fix +nbfab -H gpu1 certificate\n", screen), "its own is older than the authority"
            case "logs":
                assert "ServerApp" in screen
            case "password --new" | "start":
                assert logs_in(port, newcomer.profile("gpu1"), password)
            case "stop":
                assert len(asked) == 1, "a kernel is live, so it asks"
            case "fleet.setup --yes --quiet":
                assert screen.partition(command)[2].split() == ["exit=0", "$"]
    assert not newcomer.profile("gpu1").exists()
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=newcomer.clone, capture_output=True, text=True)
    assert changed.stdout == "?? site.yaml\n"

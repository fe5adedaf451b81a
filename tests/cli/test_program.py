"""The program `nbfab`: which configuration counts, and that the current folder never decides which code runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from machine import BIN, ROOT, Machine

import nbfab

pytestmark = pytest.mark.real  # starts whole programs

NBFAB = (f"{BIN}/nbfab",)
MODULE = (sys.executable, "-m", "nbfab")


@pytest.fixture
def person(tmp_path: Path) -> Machine:
    return Machine(tmp_path, program=f"{BIN}/nbfab")


def run(person: Machine, *command: str, status: int = 0) -> str:
    """What a command prints, in the person's folder."""
    done = subprocess.run(
        command, env=person.env, cwd=person.work, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "content",
    [
        {"tasks": {"executor_class": "fabric.executor.Executor"}},
        {"tasks": {"executor_class": "evil.Executor"}},
        {"tasks": {"collection_name": "evil"}},
        {"run": {"shell": "/bin/false"}},
        {"connect_kwargs": {"password": "x"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["fabric.yaml", "fabric.yml", "fabric.json", "invoke.yaml"])
def test_of_a_file_in_the_current_folder_only_nbfab_s_part_counts(person: Machine, name: str, content: object) -> None:
    (person.work / name).write_text(json.dumps(content))  # which is YAML too
    (person.work / "evil.py").write_text("raise SystemExit('it runs')\n")
    assert "-H names no host" in run(person, *NBFAB, "-H", "", "plan", status=2)


def test_the_executor_is_nbfab_s_own_whatever_a_configuration_says(person: Machine) -> None:
    (person.home / ".fabric.yaml").write_text("tasks: {executor_class: fabric.executor.Executor}\n")
    assert "-H names no host" in run(person, *NBFAB, "-H", "", "plan", status=2)


def test_nbfab_s_part_of_a_file_in_the_current_folder_counts(person: Machine) -> None:
    (person.work / "fabric.yaml").write_text("nbfab: {profile: fromhere}\n")
    assert person.json("plan")["state"]["folder"].endswith("/fromhere")


@pytest.mark.parametrize(
    "text", ["nbfab: {port: 1", "- a\n", "nbfab: 7", "7", "", "\x00", "a: !!python/object:os.system x"]
)
def test_a_broken_file_in_the_current_folder_is_no_traceback(person: Machine, text: str) -> None:
    (person.work / "fabric.yaml").write_text(text)
    done = person.run("plan")
    assert "Traceback" not in done.stderr
    assert "fault in nbfab" not in done.stderr
    assert done.returncode in (0, 2)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("user: someone-else", "ssh_config: User someone-else"),
        ("port: 2222", "ssh_config: Port 2222"),
        ("gateway: bastion", "ssh_config: ProxyJump bastion"),
        ("ssh_config_path: /etc/other", "-S /etc/other"),
        ("load_ssh_configs: false", "-S"),
        ("authentication: {identities: [/a/key]}", "IdentityFile"),
        ("connect_kwargs: {allow_agent: false}", "remove it"),
    ],
)
def test_fabric_s_own_word_on_connections_is_refused_rather_than_ignored(person: Machine, text: str, fix: str) -> None:
    (person.home / ".fabric.yaml").write_text(f"{text}\n")
    printed = run(person, *NBFAB, "-H", "box.invalid", "plan", status=2)
    assert "which nbfab does not use" in printed
    assert fix in printed


def test_what_fabric_s_configuration_may_say_of_a_connection_counts(person: Machine) -> None:
    (person.home / ".fabric.yaml").write_text("connect_kwargs: {key_filename: /a/key}\ntimeouts: {connect: 3}\n")
    assert "the name does not resolve" in run(person, *NBFAB, "-H", "box.invalid", "plan", status=1)


@pytest.mark.parametrize("words", [("fleet.plan",), ("fleet.status",), ("-H", "box.invalid", "plan")], ids=" ".join)
def test_a_host_that_is_not_reached_may_be_at_its_ip(person: Machine, words: tuple[str, ...]) -> None:
    (person.work / "hosts.yaml").write_text("hosts: {box.invalid: {ip: 192.0.2.1}}\n")
    assert "if that is where box.invalid is, write address: 192.0.2.1\n" in run(person, *NBFAB, *words, status=1)


MODULES = (
    "json",
    "pathlib",
    "shlex",
    "ssl",
    "venv",
    "ensurepip",
    "sys",
    "invoke",
    "fabric",
    "yaml",
    "nbfab",
    "importlib",
    "notebook",
)


@pytest.mark.parametrize("command", [NBFAB, MODULE], ids=["nbfab", "python -m nbfab"])
def test_no_module_is_taken_from_the_current_folder(person: Machine, command: tuple[str, ...]) -> None:
    env = {name: value for name, value in person.env.items() if name != "NBFAB_PYTHON"}
    person.env = env | {"PATH": "/usr/bin:/bin"}  # so that look asks python3 whether it can make environments
    # Python itself finds the package that -m names, and what that needs before its first line runs.
    own = {"nbfab", "sys", "importlib"} if command == MODULE else {"sys"}
    for name in MODULES:
        if name not in own:
            (person.work / f"{name}.py").write_text("open('ran', 'a').write(__name__); raise SystemExit('it runs')\n")
    (person.work / "fabric.py").write_text("open('ran', 'a').write(__name__)\n")
    run(person, *command, "plan")
    assert not (person.work / "ran").exists()


@pytest.mark.parametrize("command", [NBFAB, MODULE], ids=["nbfab", "python -m nbfab"])
def test_its_version(person: Machine, command: tuple[str, ...]) -> None:
    assert run(person, *command, "--version").startswith(f"nbfab {nbfab.__version__}\n")


def test_a_reader_that_has_seen_enough_of_a_list_ends_it_without_a_word(person: Machine) -> None:
    command = ["sh", "-c", f"{NBFAB[0]} --list | true; {NBFAB[0]} --help setup | true"]
    done = subprocess.run(command, env=person.env, cwd=person.work, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(person: Machine, shell: str) -> None:
    script = run(person, *NBFAB, "--print-completion-script", shell)
    subprocess.run([shell, "-n"], input=script, text=True, check=True)
    assert "fleet.setup" in run(person, *NBFAB, "--complete", "--", "nbfab fleet.s").split()
    assert "--password-stdin" in run(person, *NBFAB, "--complete", "--", "nbfab setup --").split()


def test_bash_completes_a_task(person: Machine) -> None:
    script = run(person, *NBFAB, "--print-completion-script", "bash")
    ask = "COMP_WORDS=(nbfab certif) COMP_CWORD=1 COMP_LINE='nbfab certif'\n"
    ask += 'COMPREPLY=(); $(complete -p nbfab | sed "s/.*-F \\([^ ]*\\).*/\\1/"); echo "${COMPREPLY[@]}"\n'
    done = subprocess.run(
        ["bash"], input=script + "\n" + ask, text=True, capture_output=True, env=person.env, check=True
    )
    assert "certificate" in done.stdout.split(), done.stdout + done.stderr


@pytest.mark.parametrize("generated", ["docs/reference.md", "hosts.schema.json", "output.schema.json"])
def test_generated_files_are_current(generated: str) -> None:
    from nbfab.cli.reference import files

    assert (ROOT / generated).read_text() == files()[generated], "python -m nbfab.cli.reference"


def test_words_are_completed(person: Machine) -> None:
    """As in Invoke's script for the shell, which hands over what was typed so far."""
    assert {"setup", "fleet.setup", "cluster.up"} <= {*run(person, *NBFAB, "--complete", "--", "nbfab ").split()}
    options = run(person, *NBFAB, "--complete", "--", "nbfab setup -").split()
    assert {"--with", "--json"} <= {*options}
    assert "--scheduler" not in options

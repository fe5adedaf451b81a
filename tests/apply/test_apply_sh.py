"""The sh that makes changes, in the shells that hosts have."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.extension.config import ExtensionConfigManager
from jupyterlab_server.config import get_page_config
from shells import NASTY, each_shell, records, run, stub

from nbfab.apply.apply import FILES
from nbfab.program import call, functions, render, source

ALL = functions(*FILES) + "exec 3>&1\n"
FOLDER = "folder=$PWD\n"


def write(path: str, content: str, **named: str) -> str:
    """The call that writes a file."""
    size = str(len(content.encode()))
    return call("write_file", **{"file": path, "mode": "600", "size": size, "content": content} | named)


def prepare(generation: str = "") -> str:
    """The call that enters the profile's folder, which is at `data/nbfab/GPU2`."""
    return ALL + call("prepare", profile="GPU2", generation=generation)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all profiles."""
    monkeypatch.setenv("XDG_DATA_HOME", f"{tmp_path}/data")
    return tmp_path / "data/nbfab"


@each_shell
@pytest.mark.parametrize("value", NASTY)
def test_a_file_is_written_as_it_is_meant_to_be(shell: tuple[str, ...], value: str, tmp_path: Path) -> None:
    contents = {"one": value, "two": value + "\n", "three": value + "\n\n"}
    program = "".join(write(f"a/{name}", content) for name, content in contents.items())
    run(shell, ALL + FOLDER + program, tmp_path)
    assert {path.name: path.read_text() for path in (tmp_path / "a").iterdir()} == contents
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a").iterdir()} == {0o600}


@each_shell
@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_only_a_regular_file_is_replaced(shell: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("other")
    if kind == "link":
        (tmp_path / "file").symlink_to("other")
    elif kind == "folder":
        (tmp_path / "file").mkdir()
    else:
        os.mkfifo(tmp_path / "file")
    program = ALL + FOLDER + write("file", "new") + "exit $?\n"
    assert run(shell, "exec 2>&1\n" + program, tmp_path, status=1) == (
        f"{tmp_path}/file is not a regular file; nbfab does not write through it\n"
    )
    assert (tmp_path / "other").read_text() == "other"


@each_shell
def test_a_file_that_is_not_written_whole_is_not_replaced(shell: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    program = "exec 2>&1\n" + ALL + FOLDER + write("file", "new", size="9") + "exit $?\n"
    output = run(shell, program, tmp_path, status=1)
    assert output.startswith(f"{tmp_path}/file could not be written: ")
    assert " KiB free on /" in output
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "old"}


@each_shell
def test_what_a_cut_run_has_left_goes_and_a_file_of_the_user_s_stays(shell: tuple[str, ...], data: Path) -> None:
    (data / "GPU2").mkdir(parents=True)
    for name in ("run.sh.new.123", "answer.new.a1b2", "my.new.ipynb", "my.new.2024.csv", "a b.new.x"):
        (data / "GPU2" / name).touch()
    run(shell, prepare())
    left = {path.name for path in (data / "GPU2").iterdir()} - {"generation"}
    assert left == {"my.new.ipynb", "my.new.2024.csv", "a b.new.x"}


@each_shell
def test_a_folder_is_made_private(shell: tuple[str, ...], tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    run(shell, ALL + call("make_private", file=".", mode="700"), tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@each_shell
@pytest.mark.parametrize("text", NASTY)
def test_a_change_reports_on_itself(shell: tuple[str, ...], text: str) -> None:
    program = ALL + 'works() { say "$text"; printf "%s" "$text" >&2; }\n' + call("change", "7", "works", text=text)
    doing, said, done = records(run(shell, program))
    assert doing == {"doing": 7, "text": ""}
    assert said == {"says": text}
    assert done == {"done": 7, "text": text.rstrip("\n")}


@each_shell
def test_a_change_that_fails_ends_the_run(shell: tuple[str, ...]) -> None:
    program = ALL + "fails() { echo 'no \"space\"' >&2; return 3; }\n"
    program += call("change", "0", "fails") + call("change", "1", "fails")
    assert records(run(shell, program, status=1)) == [
        {"doing": 0, "text": ""},
        {"failed": 0, "text": 'no "space"'},
    ]


@each_shell
def test_the_folder_of_the_profile_is_private_and_locked_while_a_run_is_in_it(
    shell: tuple[str, ...], data: Path
) -> None:
    output = run(shell, prepare() + "pwd; ls -d lock\n")
    assert output == f"{data}/GPU2\nlock\n"
    assert (data / "GPU2").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (data / "GPU2").iterdir()] == ["generation"]


@each_shell
def test_a_run_that_has_seen_an_older_state_changes_nothing(shell: tuple[str, ...], data: Path) -> None:
    run(shell, prepare())
    first = (data / "GPU2/generation").read_text().strip()
    assert records(run(shell, prepare("older"), status=1)) == [
        {"failed": 0, "text": "another run of nbfab has changed something there in the meantime"}
    ]
    assert (data / "GPU2/generation").read_text().strip() == first
    run(shell, prepare(first))
    assert (data / "GPU2/generation").read_text().strip() != first


@each_shell
# The status after a signal is of no use: mksh has 0 there.
@pytest.mark.parametrize(("end", "status"), [("conclude\n", 0), ("exit 1\n", 1), ("kill -HUP $$\nsleep 9\n", None)])
def test_what_was_seen_during_a_run_is_out_of_date_after_it(
    shell: tuple[str, ...], data: Path, end: str, status: int | None
) -> None:
    """Or a password that the other run has set since would be replaced."""
    seen = run(shell, prepare() + f"cat generation\n{end}", status=status).strip()
    after = (data / "GPU2/generation").read_text().strip()
    assert after != seen
    assert [path.name for path in (data / "GPU2").iterdir()] == ["generation"]
    assert records(run(shell, prepare(seen), status=1)) == [
        {"failed": 0, "text": "another run of nbfab has changed something there in the meantime"}
    ]
    run(shell, prepare(after))


@each_shell
def test_a_lock_holds_while_its_holder_runs(shell: tuple[str, ...], data: Path) -> None:
    lock = data / "GPU2/lock"
    lock.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as holder:
        stat = Path(f"/proc/{holder.pid}/stat").read_text()
        (lock / "holder").write_text(f"{holder.pid} {stat.rpartition(') ')[2].split()[19]}\n")
        (record,) = records(run(shell, prepare(), status=1))
        assert record["text"] == f"another run of nbfab is at work there (process {holder.pid})"
        assert lock.exists()
        (lock / "holder").write_text(f"{holder.pid} 1\n")  # a process with its pid that started at another time
        run(shell, prepare())
        assert not lock.exists()
        holder.kill()


@each_shell
@pytest.mark.parametrize(
    ("calls", "records_of"),
    [
        (call("release") + "report done 1 ''\n", ["begun", "gone", "done"]),
        (call("change", "0", "false"), ["begun", "doing", "gone", "failed"]),
        ("refuse 'not so'\n", ["begun", "gone", "failed"]),
    ],
    ids=["ends", "fails", "refuses"],
)
def test_the_lock_is_gone_before_the_end_is_reported(
    shell: tuple[str, ...], calls: str, records_of: list[str], data: Path, tmp_path: Path
) -> None:
    stub(tmp_path, "rm", '/bin/rm "$@"; case "$*" in *GPU2/lock) echo "{\\"gone\\":0}" ;; esac')
    program = f"PATH={tmp_path}:$PATH\n" + prepare() + "report begun 0 ''\n" + calls
    assert [next(iter(record)) for record in records(run(shell, program, status=None))] == records_of
    assert not (data / "GPU2/lock").exists()


@each_shell
def test_a_run_that_was_refused_leaves_the_lock_of_the_other(shell: tuple[str, ...], data: Path) -> None:
    lock = data / "GPU2/lock"
    lock.mkdir(parents=True)
    run(shell, prepare(), status=1)
    assert lock.exists()


@each_shell
def test_two_profiles_do_not_install_at_once(shell: tuple[str, ...], data: Path) -> None:
    """They share the environment, and where packages are fetched to."""
    lock = data / ".cache/lock"
    lock.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as holder:
        stat = Path(f"/proc/{holder.pid}/stat").read_text()
        (lock / "holder").write_text(f"{holder.pid} {stat.rpartition(') ')[2].split()[19]}\n")
        (record,) = records(run(shell, prepare() + call("begin_installing"), status=1))
        assert record["text"] == f"another run of nbfab is at work there (process {holder.pid})"
        assert lock.exists()
        assert not (data / "GPU2/lock").exists()
        holder.kill()
    # It has ended, so this one may. If it fails, what was fetched stays for another try; in the end, it goes.
    generation = (data / "GPU2/generation").read_text().strip()
    (data / ".cache/fetched").touch()
    run(shell, prepare(generation) + call("begin_installing") + "exit 1\n", status=1)
    assert [path.name for path in (data / ".cache").iterdir()] == ["fetched"]
    generation = (data / "GPU2/generation").read_text().strip()
    run(shell, prepare(generation) + call("begin_installing") + call("end_installing"))
    assert not (data / ".cache").exists()


@each_shell
def test_a_server_is_ended_although_another_run_is_at_work(shell: tuple[str, ...], data: Path) -> None:
    (data / "GPU2/lock").mkdir(parents=True)
    assert run(shell, ALL + call("enter", profile="GPU2") + "pwd\n") == f"{data}/GPU2\n"
    assert {path.name for path in (data / "GPU2").iterdir()} == {"generation", "lock"}


@each_shell
@pytest.mark.parametrize("age", [0, 200])
def test_a_lock_without_a_holder_holds_for_a_while(shell: tuple[str, ...], age: int, data: Path) -> None:
    lock = data / "GPU2/lock"
    lock.mkdir(parents=True)
    then = lock.stat().st_mtime - age
    os.utime(lock, (then, then))
    output = run(shell, prepare(), status=0 if age else 1)
    assert ("another run of nbfab is at work there" in output) == (not age)


@each_shell
def test_nothing_is_written_through_a_link(shell: tuple[str, ...], data: Path, tmp_path: Path) -> None:
    data.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (data / "GPU2").symlink_to(tmp_path / "elsewhere")
    (record,) = records(run(shell, prepare(), status=1))
    assert record["text"] == f"{data}/GPU2 is a symbolic link; nbfab does not write through it"
    assert not list((tmp_path / "elsewhere").iterdir())


def environment(
    shell: tuple[str, ...],
    data: Path,
    uv: str,
    *,
    status: int | None = 0,
    wheels: str = "",
    sent_uv: str = "",
    keeps: str = "",
) -> list[dict[str, Any]]:
    """What a run prints that makes an environment, with a `uv` that fills it by that command."""
    programs = data.parents[1] / "bin"
    programs.mkdir(exist_ok=True)
    make = f'mkdir -p "$3/bin" && ln -sf {sys.executable} "$3/bin/python"'
    cache = (
        f'case "${{UV_CACHE_DIR-}} $*" in {data}/.cache\\ * | *\\ --no-cache\\ *) ;; *) : >{programs}/.cache ;; esac'
    )
    finds = f'echo "$4" >>{programs}/asked; exit 2'
    stub(programs, "uv", f'{cache}; case $1 in venv) {make} ;; python) {finds} ;; *) echo "$@"; {uv} ;; esac')
    requirements = "jupyterlab>=4 matplotlib pip"
    named = {"app": "lab", "python": "new", "packages": "six tomli==*", "requirements": requirements, "keeps": keeps}
    sent = {"wheels": wheels, "sent_uv": sent_uv}
    named["least"] = "3.10" if keeps else "3.9"
    probe = source("look/environment_probe.py")
    seen = data / "GPU2/generation"
    generation = seen.read_text().strip() if seen.exists() else ""
    program = f"echo $$ >{programs}/shell\n{prepare(generation)}PATH={programs}:$PATH\n"
    program += call("change", "0", "install_environment", **named, **sent, environment_probe=probe)
    return records(run(shell, program, status=status))


@each_shell
def test_an_environment_is_made_and_recorded(shell: tuple[str, ...], data: Path) -> None:
    python = data / ".venv/bin/python"
    (data / "GPU2").mkdir(parents=True)
    (data / "GPU2/tomli==here").touch()  # what a shell would make of the package
    _, said, last, done = environment(shell, data, "echo Installed")
    packages = "jupyterlab>=4 matplotlib pip six tomli==*"
    assert said == {"prints": f"pip install --no-progress --compile-bytecode --python {python} {packages}"}
    assert last == {"prints": "Installed"}
    assert done == {"done": 0, "text": ""}
    question, answer, first, *more = (data / "GPU2/environment").read_text().split("\n")
    assert question == "lab new"
    assert '"source": "made"' in answer
    assert Path(first).name.startswith("python")
    assert all(Path(path).exists() for path in (first, *more))
    assert (data / ".venv/complete").exists()
    assert {path.name for path in (data / "GPU2").iterdir()} == {"environment", "generation", "tomli==here"}
    assert not (data.parents[1] / "bin/.cache").exists(), "uv kept something in the home folder"
    assert (data.parents[1] / "bin/asked").read_text() == ">=3.9\n"


@each_shell
@pytest.mark.parametrize("keeps", ["", "yes"])
def test_what_keeps_output_is_put_aside(shell: tuple[str, ...], data: Path, keeps: str) -> None:
    (data / "GPU2").mkdir(parents=True)
    pages = ("@jupyter/docprovider-extension", "@datalayer/jupyter-server-nbmodel", "@jupyter-notebook/lab")
    enabled = ("jupyter_server_nbmodel.json", "jupyter_server_fileid.json", "notebook.json")
    venv = data / ".venv"
    makes = [f"mkdir -p {venv}/share/jupyter/labextensions/{page}" for page in pages]
    makes += [f"mkdir -p {venv}/etc/jupyter/jupyter_server_config.d"]
    makes += [f": >{venv}/etc/jupyter/jupyter_server_config.d/{name}" for name in enabled]
    makes += [f"mkdir -p {venv}/kept/labextensions/{pages[0]}/of-before"] if keeps else []
    environment(shell, data, "; ".join(makes), keeps=keeps)
    there = {str(path.relative_to(venv / "share/jupyter/labextensions")) for path in venv.glob("share/*/*/*/*")}
    aside = {str(path.relative_to(venv / "kept/labextensions")) for path in venv.glob("kept/*/*/*")}
    config = {path.name for path in venv.glob("etc/jupyter/**/*.json")}
    assert (data.parents[1] / "bin/asked").read_text() == (">=3.10\n" if keeps else ">=3.9\n")
    if keeps:
        assert (there, aside, config) == ({pages[2]}, set(pages[:2]), {"notebook.json"})
    else:
        assert (there, aside, config) == (set(pages), set(), set(enabled))


def shown(venv: Path) -> tuple[set[str], set[str]]:
    """What of that which keeps output a server of an environment has: in its pages, and in itself."""
    config = venv / "etc/jupyter"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_CONFIG_PATH", str(config))
        page = get_page_config([str(venv / "share/jupyter/labextensions")])
    names = {extension["name"] for extension in page["federated_extensions"]} - set(page["disabledExtensions"])
    manager = ExtensionConfigManager(read_config_path=[str(config)])
    extensions = manager.get_jpserver_extensions()  # type: ignore[no-untyped-call]
    return names, {name for name, enabled in extensions.items() if enabled}


@each_shell
@pytest.mark.parametrize("ends", ["exit 1", "kill -9 $(cat shell) $PPID"])
def test_what_keeps_output_is_in_no_server_if_its_installation_is_cut(
    shell: tuple[str, ...], data: Path, ends: str
) -> None:
    """Others share the environment. The next run that is to have it finds it lacking, and completes it."""
    venv, profile = data / ".venv", data / "GPU2"
    profile.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (venv / "complete").touch()
    (packages,) = venv.glob("lib/python*/site-packages")
    makes = []
    for page in ("@jupyter/docprovider-extension", "@datalayer/jupyter-server-nbmodel", "@theirs/own"):
        folder = venv / "share/jupyter/labextensions" / page
        text = json.dumps({"name": page, "version": "1", "jupyterlab": {"_build": {"load": "static/entry.js"}}})
        makes += [f"mkdir -p {folder}", f"echo '{text}' >{folder}/package.json"]
    folder = venv / "etc/jupyter/jupyter_server_config.d"
    makes += [f"mkdir -p {folder}"]
    for file, name in (("collaboration", "ydoc"), ("server_nbmodel", "nbmodel"), ("server_fileid", "fileid")):
        text = json.dumps({"ServerApp": {"jpserver_extensions": {f"jupyter_server_{name}": True}}})
        metadata = packages / f"jupyter_server_{name}-0.2.9.dist-info"
        makes += [f"echo '{text}' >{folder}/jupyter_{file}.json", f"mkdir {metadata}"]
        makes += [f"printf 'Name: jupyter-server-{name}\\nVersion: 0.2.9\\n' >{metadata}/METADATA"]
    makes.append(ends.replace("shell", f"{data.parents[1]}/bin/shell"))
    environment(shell, data, "; ".join(makes), keeps="yes", status=None)
    assert (venv / "share/jupyter/labextensions/@datalayer").exists()
    assert shown(venv) == ({"@theirs/own"}, set())
    assert "jupyter_server_nbmodel" not in probed(venv)

    (*_, done) = environment(shell, data, ":", keeps="yes")
    assert done == {"done": 0, "text": ""}
    assert shown(venv) == ({"@theirs/own"}, set())
    assert not list(venv.glob("etc/jupyter/**/*.json"))
    assert "jupyter_server_nbmodel" in probed(venv)
    assert '"jupyter_server_nbmodel"' in (profile / "environment").read_text()
    assert (venv / "kept/labextensions/@datalayer/jupyter-server-nbmodel/package.json").exists()


def probed(venv: Path) -> dict[str, str]:
    """The packages that the probe finds in an environment."""
    command = [str(venv / "bin/python"), "-Bc", source("look/environment_probe.py"), "made"]
    packages: dict[str, str] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packages"]
    return packages


@each_shell
def test_an_environment_that_is_not_made_whole_is_none(shell: tuple[str, ...], data: Path) -> None:
    *_, failed = environment(shell, data, "seq 20; echo 'no matching distribution' >&2; exit 1", status=1)
    assert failed == {"failed": 0, "text": "\n".join([*map(str, range(14, 21)), "no matching distribution"])}
    assert not (data / ".venv/complete").exists()
    assert {path.name for path in (data / "GPU2").iterdir()} == {"generation"}


@each_shell
def test_all_files_together_are_one_program(shell: tuple[str, ...]) -> None:
    program = render(FILES, [call("fact", "server.alive", "yes"), call("print_facts")])
    assert run(shell, program.text).splitlines() == [program.begin, '{"server.alive":"yes"}', "", program.end]


@each_shell
def test_a_host_that_reaches_no_index_is_told_so_in_a_line(shell: tuple[str, ...], data: Path) -> None:
    fails = "seq 20; echo 'error: Failed to fetch' >&2; echo '  cause: Connection refused (os error 111)' >&2; exit 1"
    *_, hint, failed = environment(shell, data, fails, status=1)
    assert hint == {"hint": "uv"}
    assert failed == {"failed": 0, "text": "the host cannot reach an index of packages: Connection refused"}


@each_shell
def test_packages_that_were_sent_are_installed_by_their_hashes_alone(shell: tuple[str, ...], data: Path) -> None:
    python, sent = data / ".venv/bin/python", data / ".cache/wheels-1"
    _, said, _, done = environment(shell, data, "echo Installed", wheels="wheels-1")
    lock = f"--no-index --find-links {sent} --require-hashes -r {sent}/requirements.txt"
    assert said == {"prints": f"pip install --no-progress --compile-bytecode --python {python} {lock}"}
    assert done == {"done": 0, "text": ""}


@each_shell
def test_a_uv_that_was_sent_is_the_one_that_installs(shell: tuple[str, ...], data: Path) -> None:
    sent = data / ".cache/uv-1"
    sent.mkdir(parents=True)
    stub(sent, "uv", "echo sent >&2; exit 1")
    *_, failed = environment(shell, data, "echo Installed", sent_uv="uv-1", status=1)
    assert failed == {"failed": 0, "text": "sent"}


@each_shell
@pytest.mark.parametrize(("free", "fits"), [("255999", False), ("256000", True), ("-", True)])
def test_room_is_looked_for_before_an_environment_is_made(
    shell: tuple[str, ...], free: str, fits: bool, data: Path
) -> None:
    programs = data.parents[1] / "bin"
    programs.mkdir()
    stub(programs, "df", f"echo Filesystem 1024-blocks Used Available Capacity Mounted on; echo x 9 9 {free} 99% /home")
    *_, last = environment(shell, data, "echo Installed", status=0 if fits else 1)
    too_full = "the disk is too full: an environment takes 250 MB at least, and there are 255999 KiB free on /home"
    assert last == ({"done": 0, "text": ""} if fits else {"failed": 0, "text": too_full})
    assert (data / ".venv").exists() == fits


@each_shell
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("OSError: [Errno 28] No space left on device: x", r"the disk is full: \d+ KiB free on /.*"),
        ("error: failed to write: Disk quota exceeded (os error 122)", r"the disk is full: \d+ KiB free on /.*"),
        ("a\nPermissionError: [Errno 13] Permission denied: /x\nb", "it cannot be written to: Perm.* denied: /x"),
        ("cause: Read-only file system (os error 30)", r"it cannot be written to: cause: Read-only.* \(os error 30\)"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM ...", "a package is not the one that was promised: .*"),
        ("cause: Failed to read from zip file", "a package is broken: it is no zip archive"),
        (
            "ERROR: Wheel 'x' located at /x/x-1-any.whl is invalid.",
            "a package is broken: it is no zip archive",
        ),
        ("error: Hash mismatch for `x==1`\n\nExpected:\n", "a package is not the one that was promised: .*"),
    ],
)
def test_what_is_known_to_go_wrong_is_a_line(shell: tuple[str, ...], said: str, reason: str, data: Path) -> None:
    sent = data / ".cache/wheels-1"
    sent.mkdir(parents=True)
    fails = f"printf '%s\\n' {shlex.quote(said)} >&2; exit 1"
    *_, failed = environment(shell, data, fails, status=1, wheels="wheels-1")
    assert re.fullmatch(reason, failed["text"])
    assert sent.exists() != ("a package" in reason)  # it is sent once more


KEEPER = "systemd-run --user --scope --quiet --"


def outlive(shell: tuple[str, ...], folder: Path, *, lingers: str, may: bool, runtime: str) -> list[str]:
    """What is printed, and then the command that keeps tmux alive and the folder of the user's manager."""
    stub(folder, "busctl", "echo 'b true'; echo 'as 0'; echo 'as 0'")
    stub(folder, "id", "case $1 in -un) echo ann ;; *) echo 1000 ;; esac")
    enable = f'"--no-ask-password enable-linger ann") {str(may).lower()} ;;'
    stub(
        folder, "loginctl", f'case $* in "show-user ann -p Linger") echo Linger={lingers} ;; {enable} *) false ;; esac'
    )
    program = f"PATH={folder}:$PATH base={folder}\n" + ALL + 'outlive; echo "<$keeper> <${XDG_RUNTIME_DIR-}>"\n'
    return run(shell, program, env={"XDG_RUNTIME_DIR": runtime}).splitlines()


@each_shell
@pytest.mark.parametrize(
    ("lingers", "may", "keeper", "words"),
    [
        ("no", True, KEEPER, ["lingering was turned on for ann", "disable-linger ann"]),
        ("yes", False, KEEPER, []),
        ("no", False, "", ["unless an administrator runs: loginctl enable-linger ann"]),
    ],
)
@pytest.mark.parametrize("runtime", ["", "relative"])
def test_tmux_outlives_a_logind_that_kills_what_is_left_behind(
    shell: tuple[str, ...], lingers: str, may: bool, keeper: str, words: list[str], runtime: str, tmp_path: Path
) -> None:
    stub(tmp_path, "sleep", ":")
    *said, last = outlive(shell, tmp_path, lingers=lingers, may=may, runtime=runtime)
    assert bool(words) == bool(said)
    assert all(word in "".join(said) for word in words)
    assert last == f"<{keeper}> <{'/run/user/1000' if keeper else runtime}>"


@each_shell
def test_a_manager_of_the_users_that_is_only_starting_is_waited_for(shell: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "systemd").mkdir()
    bind = (
        f"cd {tmp_path}/systemd && {sys.executable} -c \"import socket; socket.socket(socket.AF_UNIX).bind('private')\""
    )
    stub(tmp_path, "sleep", f"echo >>{tmp_path}/naps; if [ $(wc -l <{tmp_path}/naps) = 3 ]; then {bind}; fi")
    (last,) = outlive(shell, tmp_path, lingers="yes", may=False, runtime=str(tmp_path))
    assert last == f"<{KEEPER}> <{tmp_path}>"
    assert (tmp_path / "naps").read_text().count("\n") == 3


@each_shell
def test_a_process_that_does_not_end_in_time(shell: tuple[str, ...]) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        program = ALL + f"start=$(process_start {process.pid})\n"
        run(shell, program + f'ended {process.pid} "$start" 2; exit $?\n', status=1)
        run(shell, program + f"ended {process.pid} 1 2; exit $?\n", status=0)
        process.kill()
        run(shell, program + f'ended {process.pid} "$start" 50; exit $?\n', status=0)


@each_shell
def test_a_process_that_has_ended_by_itself_is_no_error(shell: tuple[str, ...]) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        start = f"start=$(process_start {process.pid})\n"
        ask = f'ask_to_end {process.pid} "$start" 2>&1; exit $?\n'
        refuse = "kill() {\necho 'not permitted' >&2\nreturn 1\n}\n"
        assert run(shell, ALL + start + refuse + ask, status=1) == "not permitted\n"
        assert run(shell, ALL + start + ask) == ""
        assert process.wait(10) == -signal.SIGTERM
    assert run(shell, ALL + "start=12345\n" + ask) == ""


@each_shell
def test_the_children_of_a_process(shell: tuple[str, ...]) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        output = run(shell, ALL + f"children_of {os.getpid()}\n")
        process.kill()
    assert str(process.pid) in output.split()

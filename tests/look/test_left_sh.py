"""The sh that looks for what there is to remove, in the shells that hosts have."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from home import plant
from plan_cases import listed
from processes import start_of
from shells import each_shell, records, run, stub

from nbfab.look.facts import FACTS
from nbfab.look.left import Made, Run, Trace
from nbfab.plan import left
from nbfab.program import call, functions

ALL = functions(*(f"look/{name}" for name in ("json", "process", "tmux", "logind", "look", "left")))


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all profiles, in a home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "home/.local/share/nbfab"
    path.mkdir(parents=True)
    return path


def look(shell: tuple[str, ...], base: Path, *, alive: str = "", path: Path | str = "/x") -> dict[str, Any]:
    """The facts of what there is to remove of the profile `mine`, by their names."""
    program = f"PATH={path}:$PATH base={base} folder={base}/mine profile=mine alive={alive} socket=\n"
    lists = {"places": left.places(()), "trees": left.TREES, "records": left.SOCKETS, "traces": left.TRACES}
    program += ALL + call("look_left", **{name: " ".join(words) for name, words in lists.items()})
    found: dict[str, Any] = {}
    for record in records(run(shell, program)):
        for name, value in record.items():
            parsed = FACTS[name].metadata["parse"](value)
            key = name.removeprefix("left.")
            found[key] = (*found.get(key, ()), *parsed) if FACTS[name].default == () else parsed
    return found


@each_shell
def test_what_is_in_a_profile_s_folder(shell: tuple[str, ...], base: Path, tmp_path: Path) -> None:
    folder = base / "mine"
    plant(folder, "server.log", ".hidden", "it's $x", "runtime/kernel-1.json", "runtime/deep/er/file", "own/one/two")
    plant(folder, "ipython/profile_x/cache/many/files", "ipython/profile_x/startup/README")
    plant(tmp_path, "important/file")
    (folder / "jupyter").symlink_to(tmp_path / "important")
    (folder / "runtime/link").symlink_to(tmp_path / "important")
    (folder / "two\nlines").touch()
    (folder / "mine\ngeneration").touch()
    with socket.socket(socket.AF_UNIX) as tmux:
        os.chdir(folder)  # its path has to be short
        tmux.bind("tmux")
    found = {*look(shell, base)["entries"]}
    expected = [
        *("server.log", ".hidden", "it's $x", "own/", "jupyter@", "tmux", "runtime/", "runtime/kernel-1.json"),
        *("runtime/link@", "runtime/deep/", "runtime/deep/er/", "runtime/deep/er/file", "ipython/"),
        *("ipython/profile_x/", "ipython/profile_x/cache/", "ipython/profile_x/startup/"),
        "ipython/profile_x/startup/README",
    ]
    assert found >= {*listed(*expected)}
    paths = {entry.path for entry in found}
    for elsewhere in ("own/one", "jupyter/file", "runtime/link/file", "ipython/profile_x/cache/many"):
        assert elsewhere not in paths
    assert {"two", "mine"} <= paths, "so that its folder is not taken for empty"
    assert "generation" not in paths, "it would never be gone"


@each_shell
def test_a_profile_that_is_gone_or_a_link_has_nothing(shell: tuple[str, ...], base: Path, tmp_path: Path) -> None:
    assert look(shell, base)["entries"] == ()
    plant(tmp_path, "important/file")
    (base / "mine").symlink_to(tmp_path / "important")
    assert look(shell, base)["entries"] == ()


@each_shell
def test_what_is_beside_it(shell: tuple[str, ...], base: Path) -> None:
    plant(base, "mine/generation", "GPU2/generation", "other/run.sh", "third/lock/", "notes/file", "a file", ".made")
    plant(base, ".venv/bin/python", ".venv/complete", ".cache/x")
    (base / "GPU2/environment").write_text(f'lab \n{{"python": "{base}/.venv/bin/python"}}\n')
    (base / ".made").write_text(f"folder {base}\nfolder {base.parent}\nlinger ann box\nnonsense\nfolder\n")
    (base / "link").symlink_to("GPU2")
    found = look(shell, base)
    assert found["profiles"] == ("GPU2", "other", "third")
    assert found["users"] == ("GPU2", "third")
    assert {*found["beside"]} == {*listed("notes/", "a file", ".made", ".venv/", ".cache/", "link@")}
    assert {*found["environment"]} == {*listed("bin/", "complete")}
    assert found["made"] == Made((str(base), str(base.parent)), (("ann", "box"),))
    assert "base_is_link" not in found


@each_shell
def test_a_link_in_the_place_of_a_folder_is_not_followed(shell: tuple[str, ...], base: Path, tmp_path: Path) -> None:
    plant(tmp_path, "important/.venv/bin/x", "important/.made")
    (base / ".venv").symlink_to(tmp_path / "important/.venv")
    (base / ".made").symlink_to(tmp_path / "important/.made")
    found = look(shell, base)
    assert found["environment"] == ()
    assert "made" not in found
    base.rename(base.with_name("moved"))
    base.symlink_to("moved")
    assert look(shell, base)["base_is_link"] is True


@each_shell
@pytest.mark.parametrize(
    ("more", "alone"),
    [((), 2), (("home/.local/share/x",), 0), (("home/.local/.x",), 1), (("home/.local/share/..x",), 0)],
)
def test_the_folders_above_that_hold_nothing_else(
    shell: tuple[str, ...], more: tuple[str, ...], alone: int, base: Path, tmp_path: Path
) -> None:
    plant(tmp_path, *more)
    assert look(shell, base)["alone"] == (str(base.parent), str(base.parents[1]))[:alone]


@each_shell
def test_the_folder_of_a_socket_that_is_recorded_and_private(
    shell: tuple[str, ...], base: Path, tmp_path: Path
) -> None:
    place = tmp_path / "nbfab.a1b2c3"
    plant(place, "tmux", "mine/x")
    plant(base, "mine/socket")
    (base / "mine/socket").write_text(f"{place}/tmux\n")
    place.chmod(0o755)
    assert look(shell, base)["sockets"] == ()
    place.chmod(0o700)
    assert {*look(shell, base)["sockets"]} == {*listed(f"{place}/", f"{place}/tmux", f"{place}/mine/")}


@each_shell
@pytest.mark.parametrize(("alive", "ps"), [("yes", True), ("", True), ("", False)])
def test_a_kernel_that_has_outlived_its_server(
    shell: tuple[str, ...], alive: str, ps: bool, base: Path, tmp_path: Path
) -> None:
    if not ps:
        stub(tmp_path, "ps", "echo unrecognized option: A; exit 1")
    waits = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with ExitStack() as stack:
        kernel, _ = (
            stack.enter_context(subprocess.Popen([*waits, "-f", base / file], stdin=subprocess.PIPE))
            for file in ("mine/runtime/kernel-1.json", "other/runtime/kernel-1.json")
        )
        expected = () if alive else ((str(kernel.pid), start_of(kernel.pid)),)
        assert look(shell, base, alive=alive, path=tmp_path).get("orphans", ()) == expected


@each_shell
@pytest.mark.parametrize(("current", "asked"), [("yes", True), ("no", True), ("yes", False)])
def test_lingering_is_looked_for_if_nbfab_has_turned_it_on(
    shell: tuple[str, ...], current: str, asked: bool, base: Path, tmp_path: Path
) -> None:
    stub(tmp_path, "id", "echo ann")
    stub(tmp_path, "loginctl", f"echo Linger={current}")
    if asked:
        (base / ".made").write_text("linger ann box\n")
    found = look(shell, base, path=tmp_path)
    assert found.get("lingers", "") == ("ann" if asked and current == "yes" else "")


LOG = '7 verbose argv "prefix" "--global"\n'


@each_shell
def test_traces_are_known_by_their_names_and_told_with_their_times(shell: tuple[str, ...], base: Path) -> None:
    home = base.parents[2]
    pickle = f".cache/jedi/CPython-311-33/{'0' * 64}-{'1' * 64}.pkl"
    files = {
        ".cache/matplotlib/fontlist-v330.json": 150,
        ".cache/matplotlib/mine.json": 150,
        pickle: 160,
        ".npm/_logs/2026-11-26T03_48_05_586Z-debug-0.log": 170,
        ".npm/_logs/2026-11-26T03_48_06_586Z-debug-0.log": 150,
        ".local/share/nbfab/mine/server.log": 200,
    }
    for path, when in files.items():
        plant(home, path)
        if "_05_" in path:
            (home / path).write_text(LOG)
        os.utime(home / path, (1_700_000_000 + when,) * 2)
    (base / "mine/ran").write_text("run 5 6\nearlier 1700000100 1700000200\nearlier x 7\n")
    found = look(shell, base)
    assert {*found["traces"]} == {
        Trace(1_700_000_150, ".cache/matplotlib/fontlist-v330.json"),
        Trace(1_700_000_160, pickle),
        Trace(1_700_000_170, ".npm/_logs/2026-11-26T03_48_05_586Z-debug-0.log"),
    }
    assert found["others"] == (".cache/matplotlib", ".npm", ".cache/jedi")
    assert (found["runs"], found["logged"]) == ((Run(1_700_000_100, 1_700_000_200),), 1_700_000_200)


@each_shell
def test_what_is_in_folders_that_were_not_there_before(shell: tuple[str, ...], base: Path, tmp_path: Path) -> None:
    home = base.parents[2]
    plant(home, ".config/matplotlib/", ".config/mine/deep/file", ".cache/x", ".npm/_logs/a", ".jupyter/mine")
    plant(tmp_path, "important/file")
    (home / ".ipython").symlink_to(tmp_path / "important")
    absent = (".config", ".config/matplotlib", ".npm", ".local/share/uv", ".ipython", "../important", ".npm/_logs")
    (base / ".made").write_text("".join(f"absent {path}\n" for path in absent))
    assert {*look(shell, base)["later"]} == {
        *listed(".config/", ".config/matplotlib/", ".config/mine/", ".npm/", ".npm/_logs/", ".npm/_logs/a")
    }

"""The sh that removes what nbfab has put on a host, in the shells that hosts have."""

import os
import subprocess
from pathlib import Path

import pytest
from home import plant, snapshot
from shells import each_shell, records, run, stub

from nbfab.apply.apply import FILES
from nbfab.program import call, functions

ALL = functions(*FILES, "apply/remove") + "exec 3>&1\n"


def remove(root: Path | str, *, files: str = "", trees: str = "", folders: str = "", above: str = "") -> str:
    """The call that removes those words, each on a line of its own."""
    lists = {"files": files, "trees": trees, "folders": folders, "above": above}
    lines = {name: "".join(f"{path}\n" for path in paths.split()) for name, paths in lists.items()}
    return ALL + call("remove_paths", **{"root": str(root), **lines}) + "exit $?\n"


@each_shell
def test_what_is_listed_goes_and_nothing_else(shell: tuple[str, ...], tmp_path: Path) -> None:
    root = tmp_path / "it's $HOME/a"
    plant(root, "one", "b/two", "b/three", "tree/x/y/z", "empty/", "mine", "c/")
    program = remove(root, files="one b/two gone b/gone/x", trees="tree gone", folders="b empty c gone .")
    assert run(shell, program) == ""
    assert sorted(snapshot(root)) == [".", "b", "b/three", "mine"]


@each_shell
def test_the_last_folder_and_those_above_it_go_if_they_are_empty(shell: tuple[str, ...], tmp_path: Path) -> None:
    plant(tmp_path, "share/nbfab/.made", "mine")
    above = f"{tmp_path}/share {tmp_path}"
    run(shell, remove(tmp_path / "share/nbfab", files=".made", folders=".", above=above))
    assert sorted(snapshot(tmp_path)) == [".", "mine"]
    run(shell, remove(tmp_path / "share/nbfab", files=".made", folders=".", above=above))


@each_shell
def test_a_path_may_begin_with_a_dash_or_be_an_operator(shell: tuple[str, ...], tmp_path: Path) -> None:
    names = ["-rf", "!", "(", "-e", "*", "a\\nb", "$x"]
    plant(tmp_path, *(f"r/{name}" for name in names), "r/*mine")
    run(shell, remove(tmp_path / "r", files=" ".join(names)))
    assert sorted(snapshot(tmp_path / "r")) == ["*mine", "."]


@each_shell
@pytest.mark.parametrize("kind", ["files", "trees", "folders"])
def test_nothing_is_reached_through_a_link_and_a_link_goes_itself(
    shell: tuple[str, ...], kind: str, tmp_path: Path
) -> None:
    plant(tmp_path, "important/deep/file", "profile/", "important/empty/")
    (tmp_path / "profile/runtime").symlink_to(tmp_path / "important")
    before = snapshot(tmp_path / "important")
    run(shell, remove(tmp_path / "profile", **{kind: "runtime/deep/file runtime/deep runtime/empty"}))
    assert snapshot(tmp_path / "important") == before
    assert (tmp_path / "profile/runtime").is_symlink()
    run(shell, remove(tmp_path / "profile", **{kind: "runtime"}))
    assert snapshot(tmp_path / "important") == before
    assert (tmp_path / "profile/runtime").is_symlink() == (kind == "folders")


@each_shell
def test_what_cannot_be_removed_is_said_in_the_host_s_own_words(shell: tuple[str, ...], tmp_path: Path) -> None:
    plant(tmp_path, "a/b", "tree/x")
    stub(tmp_path, "rm", 'echo "rm: $2: Permission denied" >&2; exit 1')
    program = f"exec 2>&1\nPATH={tmp_path}:$PATH\n"
    output = run(shell, program + remove(tmp_path, files="a/b", trees="tree", folders="a"), status=1)
    assert output == "rm: ./a/b: Permission denied\n"


def leave(generation: str = "") -> str:
    """The call that enters the profile's folder, which is at `data/nbfab/GPU2`, to remove it."""
    return ALL + call("take_leave", profile="GPU2", generation=generation)


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a profile."""
    monkeypatch.setenv("XDG_DATA_HOME", f"{tmp_path}/data")
    plant(tmp_path, "data/nbfab/GPU2/mine")
    return tmp_path / "data/nbfab/GPU2"


@each_shell
def test_it_is_locked_while_it_is_removed_and_the_user_s_own_stays(shell: tuple[str, ...], profile: Path) -> None:
    plant(profile, "server.log")
    files = {"files": "server.log\ngeneration\nlock/holder\n", "trees": "", "folders": "lock\n.\n", "above": ""}
    program = leave() + "cat lock/holder\n" + call("change", "0", "remove_paths", root=str(profile), **files)
    holder, *_ = run(shell, program + "conclude\nrelease\n").split("\n")
    assert len(holder.split()) == 2
    assert sorted(snapshot(profile)) == [".", "mine"]


@each_shell
def test_another_run_keeps_it_from_being_removed(shell: tuple[str, ...], profile: Path) -> None:
    (profile / "lock").mkdir()
    with subprocess.Popen(["sleep", "60"]) as other:
        start = Path(f"/proc/{other.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        (profile / "lock/holder").write_text(f"{other.pid} {start}\n")
        (record,) = records(run(shell, leave(), status=1))
        assert record["text"] == f"another run of nbfab is at work there (process {other.pid})"
        assert (profile / "lock/holder").exists()
        other.kill()
    run(shell, leave())
    assert not (profile / "lock").exists()


@each_shell
def test_a_removal_that_has_seen_an_older_state_removes_nothing(shell: tuple[str, ...], profile: Path) -> None:
    (profile / "generation").write_text("newer\n")
    (record,) = records(run(shell, leave("older"), status=1))
    assert record["text"] == "another run of nbfab has changed something there in the meantime"
    run(shell, leave("newer"))
    assert (profile / "generation").read_text() not in ("newer\n", "")


@each_shell
def test_a_profile_that_is_a_link_is_not_removed(shell: tuple[str, ...], profile: Path) -> None:
    profile.rename(profile.with_name("other"))
    profile.symlink_to("other")
    (record,) = records(run(shell, leave(), status=1))
    assert record["text"] == f"{profile} is a symbolic link; nbfab does not remove what is behind it"


@each_shell
def test_a_profile_that_is_gone_is_no_error(shell: tuple[str, ...], profile: Path) -> None:
    (profile / "mine").unlink()
    profile.rmdir()
    run(shell, leave() + "conclude\nrelease\n")
    assert not profile.exists()


@each_shell
def test_where_there_is_no_room_for_a_lock_it_is_removed_all_the_same(
    shell: tuple[str, ...], profile: Path, tmp_path: Path
) -> None:
    stub(tmp_path, "mkdir", "echo 'No space left on device' >&2; exit 1")
    plant(profile, "server.log")
    program = f"PATH={tmp_path}:$PATH\n" + leave()
    files = {"files": "server.log\n", "trees": "", "folders": "", "above": ""}
    run(shell, program + call("remove_paths", root=str(profile), **files))
    assert not (profile / "server.log").exists()


@each_shell
def test_the_folders_that_a_profile_takes_are_recorded(
    shell: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", f"{tmp_path}/new/data")
    for name in ("first", "second"):
        run(shell, ALL + call("prepare", profile=name, generation=""))
    record = tmp_path / "new/data/nbfab/.made"
    assert record.read_text() == "".join(
        f"folder {tmp_path}/{path}\n" for path in ("new/data/nbfab", "new/data", "new")
    )
    assert {path.name for path in record.parent.iterdir()} == {".made", "first", "second"}


@each_shell
def test_folders_that_are_not_there_at_the_first_setup_are_recorded(
    shell: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "it's home"))
    plant(tmp_path / "it's home", ".cache/mine")
    (tmp_path / "it's home/.npm").symlink_to("nowhere")
    for name in ("first", "second"):
        run(shell, ALL + call("prepare", profile=name, generation="", recorded=".cache .cache/matplotlib .config .npm"))
    lines = (tmp_path / "it's home/.local/share/nbfab/.made").read_text().splitlines()
    assert [line for line in lines if line.startswith("absent ")] == ["absent .cache/matplotlib", "absent .config"]


@each_shell
@pytest.mark.parametrize(("files", "kept"), [("started", True), ("started boot", False), ("", False)])
def test_when_a_server_of_an_earlier_release_ran_is_kept(
    shell: tuple[str, ...], files: str, kept: bool, profile: Path
) -> None:
    for name in files.split():
        (profile / name).write_text("7 8 9 digest 1795653275\n")
    run(shell, f"{ALL}cd {profile} && keep_earlier_run 1795653999\n")
    runs = profile / "ran"
    assert (runs.read_text() if runs.exists() else "") == ("earlier 1795653275 1795653999\n" if kept else "")


@each_shell
def test_a_profile_that_cannot_be_recorded_is_not_made(
    shell: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or nothing would tell later who made it."""
    monkeypatch.setenv("XDG_DATA_HOME", f"{tmp_path}/old/new/data")
    (tmp_path / "old").mkdir()
    stub(tmp_path, "mv", "exit 1")
    program = f"PATH={tmp_path}:$PATH\n" + ALL + call("prepare", profile="first", generation="")
    (record,) = records(run(shell, program, status=1))
    assert record["text"].startswith(f"{tmp_path}/old/new/data/nbfab: cannot be written to, ")
    assert not list((tmp_path / "old").iterdir())


@each_shell
def test_where_a_release_has_recorded_nothing_there_is_still_no_record(shell: tuple[str, ...], profile: Path) -> None:
    run(shell, ALL + call("prepare", profile="GPU2", generation=""))
    assert not (profile.parent / ".made").exists()


@each_shell
def test_lingering_that_was_turned_on_is_recorded(shell: tuple[str, ...], profile: Path, tmp_path: Path) -> None:
    stub(tmp_path, "loginctl", "case $* in show-user*) echo Linger=no ;; esac")
    stub(tmp_path, "busctl", "echo 'b true'; echo 'as 0'; echo 'as 0'")
    stub(tmp_path, "id", "case $1 in -un) echo ann ;; *) echo 1000 ;; esac")
    stub(tmp_path, "sleep", ":")
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    run(shell, ALL + f"PATH={tmp_path}:$PATH\nbase={profile.parent}\noutlive\n", env=env)
    assert (profile.parent / ".made").read_text() == f"linger ann {os.uname().nodename}\n"


@each_shell
@pytest.mark.parametrize("may", [True, False])
def test_lingering_is_turned_off_for_that_user(shell: tuple[str, ...], may: bool, tmp_path: Path) -> None:
    deny = "echo 'Could not disable linger: Access denied' >&2; exit 1"
    stub(tmp_path, "loginctl", f"echo $* >{tmp_path}/said; {':' if may else deny}")
    program = f"exec 2>&1\nPATH={tmp_path}:$PATH\n" + ALL + call("turn_lingering_off", user="ann") + "exit $?\n"
    output = run(shell, program, status=0 if may else 1)
    assert output == ("" if may else "Could not disable linger: Access denied\n")
    assert (tmp_path / "said").read_text() == "--no-ask-password disable-linger ann\n"

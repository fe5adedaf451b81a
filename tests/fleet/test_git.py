"""A file with passwords belongs in no repository, and the fix that is named works when it is typed."""

import os
import subprocess
from pathlib import Path

import pytest

from nbfab.errors import UsageError
from nbfab.fleet import git


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree of git, in which the test is."""
    folder = tmp_path / "my course"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(folder)
    run("git init --quiet")
    return folder


def run(line: str) -> None:
    subprocess.run(["sh", "-c", line], check=True, stdin=subprocess.DEVNULL, timeout=60)


@pytest.mark.parametrize(
    ("at", "name", "ignored"),
    [
        (".", "hosts-passwords.csv", ""),
        (".", "hosts-passwords.csv", "*.html\n"),
        (".", "hosts-passwords.csv", "*.html"),  # its line has no end
        ("labs/2026", "hosts-passwords.csv", ""),
        ("labs/2026", "my [lab] #1*-passwords.csv", ""),
        ("labs/2026", "!lab\\nr 'a'-passwords.csv", "*.html"),
        (".", ":lab-passwords.csv", ""),
    ],
)
@pytest.mark.parametrize("typed_in", [".", "labs"])
def test_a_file_that_git_would_take_along_is_refused_until_the_line_is_typed(
    tree: Path, monkeypatch: pytest.MonkeyPatch, at: str, name: str, ignored: str, typed_in: str
) -> None:
    path = tree / at / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (tree / typed_in).mkdir(exist_ok=True)
    monkeypatch.chdir(tree / typed_in)
    if ignored:
        (tree / ".gitignore").write_text(ignored)
    with pytest.raises(UsageError, match="would hold passwords, and git does not ignore it") as raised:
        git.check(path)
    run(raised.value.hint)
    git.check(path)
    path.write_text("a secret")
    (path.parent / "other.csv").touch()
    status = subprocess.run(["git", "status", "--short", "-uall"], capture_output=True, text=True, check=True).stdout
    assert "passwords" not in status
    assert "other.csv" in status
    assert (tree / ".gitignore").read_text().splitlines()[:1] == (ignored.splitlines() or [git_line(tree)])


def git_line(tree: Path) -> str:
    """The one line of its .gitignore."""
    (line,) = (tree / ".gitignore").read_text().splitlines()
    return line


def test_the_line_is_short_where_it_can_be(tree: Path) -> None:
    (tree / "labs").mkdir()
    with pytest.raises(UsageError) as raised:
        git.check(Path("labs/hosts-passwords.csv"))
    assert raised.value.hint == "echo /labs/hosts-passwords.csv >> .gitignore"


def test_a_file_that_git_tracks_already_is_refused_until_it_does_not(tree: Path) -> None:
    path = tree / "hosts-passwords.csv"
    path.touch()
    run("git add hosts-passwords.csv; echo '*.csv' > .gitignore")
    with pytest.raises(UsageError, match="and git tracks it") as raised:
        git.check(path)
    run(raised.value.hint)
    git.check(path)
    assert path.exists()


@pytest.mark.parametrize("rule", ["/hosts-passwords.csv", "*.csv", "hosts-*", "*"])
def test_a_file_that_git_ignores_is_as_good_as_any(tree: Path, rule: str) -> None:
    (tree / ".gitignore").write_text(f"{rule}\n")
    git.check(tree / "hosts-passwords.csv")


def test_outside_a_work_tree_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git.check(tmp_path / "hosts-passwords.csv")
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    # As a hook of git has it.
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    git.check(tmp_path / "hosts-passwords.csv")
    git.check(tmp_path / "no such folder" / "hosts-passwords.csv")


def test_a_link_to_the_folder_changes_nothing(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    with pytest.raises(UsageError):
        git.check(tmp_path / "link" / "hosts-passwords.csv")


def test_without_git_nothing_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tree))
    git.check(tree / "hosts-passwords.csv")
    broken = tree / "git"
    broken.write_text("#!/bin/sh\nexit 128\n")
    broken.chmod(0o755)
    assert os.access(broken, os.X_OK)
    git.check(tree / "hosts-passwords.csv")

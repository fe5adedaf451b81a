"""Managed files: where it is safe to write, and what has to be written."""

import stat
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import NEW, file, folder, holding, seen

from nbfab.errors import HostError
from nbfab.look.files import Entry
from nbfab.plan.files import Managed, check, in_file, write

FOLDER = NEW.files.folder
MANAGED = (
    Managed(".", "folder"),
    Managed("motd"),
    Managed("run.sh"),
    Managed("nbserver.pem", "certificate"),
    Managed("share", "folder"),
    Managed("share/v1.2", "folder"),
)


@pytest.mark.parametrize(
    "entry",
    [
        folder("."),
        file("motd"),
        file("run.sh", mode="-rwxrwxrwx"),
        file("nbserver.pem"),
        folder("share"),
        folder("share/v1.2", mode="drwxrwxrwt"),
        Entry("unmanaged", "lrwxrwxrwx", "0"),
    ],
    ids=lambda entry: entry.path,
)
def test_a_place_that_is_safe(entry: Entry) -> None:
    check(MANAGED, NEW)
    check(MANAGED, holding(NEW, entry))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (file("."), f"{FOLDER} is not a folder"),
        (folder("motd"), f"{FOLDER}/motd is not a regular file"),
        (file("motd", mode="lrwxrwxrwx"), f"{FOLDER}/motd is not a regular file"),
        (folder("run.sh"), f"{FOLDER}/run.sh is not a regular file"),
        (file("run.sh", mode="prw-------"), f"{FOLDER}/run.sh is not a regular file"),
        (file("nbserver.pem", mode="lrwxrwxrwx"), f"{FOLDER}/nbserver.pem is not a regular file"),
        (file("share"), f"{FOLDER}/share is not a folder"),
        (folder("share", mode="lrwxrwxrwx"), f"{FOLDER}/share is not a folder"),
        (file("share/v1.2"), f"{FOLDER}/share/v1.2 is not a folder"),
        (file("share", mode=""), f"{FOLDER}/share is not a folder"),
    ],
)
def test_what_is_not_of_its_kind_is_not_written_through(entry: Entry, reason: str) -> None:
    with pytest.raises(HostError) as error:
        check(MANAGED, holding(NEW, entry))
    assert str(error.value) == f"{reason}; nbfab does not write through it, so move it away"
    assert error.value.hint == f"on the host: ls -ld {reason.split()[0]}"


@pytest.mark.parametrize(
    ("facts", "reason", "fix"),
    [
        ({"state": "link"}, f"{FOLDER} is a symbolic link; nbfab does not write", f"ls -ld {FOLDER}"),
        ({"state": "other"}, f"{FOLDER} is not a folder that can be entered; nbfab", f"ls -ld {FOLDER}"),
        ({"writable": False}, "/home is not writable for ann", "ls -ld /home; df /home"),
        (
            {"writable": False, "nearest": "/my home"},
            "/my home is not writable for ann",
            "ls -ld '/my home'; df '/my home'",
        ),
        ({"entries": (file("run.sh", owner="0"),)}, f"{FOLDER}/run.sh belongs to another user (uid 0)", "run.sh"),
        ({"entries": (folder("share", owner="7"),)}, f"{FOLDER}/share belongs to another user (uid 7)", "share"),
    ],
)
def test_a_place_that_is_not_safe_is_not_written_to(facts: Mapping[str, Any], reason: str, fix: str) -> None:
    with pytest.raises(HostError) as error:
        check(MANAGED, seen(NEW, files=facts, host={"user": "ann"}))
    assert str(error.value).startswith(reason)
    assert error.value.hint.endswith(fix)


@given(st.integers(0o100000, 0o177777))
def test_only_the_modes_of_files_are_those_of_files(mode: int) -> None:
    entry = file("motd", mode=stat.filemode(mode))
    if stat.S_ISREG(mode):
        check(MANAGED, holding(NEW, entry))
    else:
        with pytest.raises(HostError, match="is not a regular file"):
            check(MANAGED, holding(NEW, entry))


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a b", "a\nb", "a*", "$HOME", "a//b", "a/", "~", "a'b"])
def test_a_path_that_a_shell_would_split_or_expand_cannot_be_managed(path: str) -> None:
    with pytest.raises(ValueError, match="does not fit into a list of words"):
        Managed(path)


def test_the_folders_that_a_file_is_in() -> None:
    assert Managed("a/b.c/d").folders == (Managed(".", "folder"), Managed("a", "folder"), Managed("a/b.c", "folder"))
    assert Managed("motd").folders == (Managed(".", "folder"),)
    assert Managed(".", "folder").folders == ()


@pytest.mark.parametrize(
    ("entry", "summary"),
    [
        (None, "write the message of the day"),
        (file("motd", "old\n"), "rewrite the message of the day"),
        (file("motd", "old\n", "-rw-r--r--"), "rewrite the message of the day"),
        (file("motd", "new\n", "-rw-r--r--"), "make the message of the day private: its mode is -rw-r--r--"),
        (file("motd", "new\n"), ""),
    ],
)
def test_a_file_is_written_unless_it_is_as_wanted(entry: Entry | None, summary: str) -> None:
    facts = holding(NEW, entry) if entry else NEW
    changes = list(in_file("step", "the message of the day", "motd", "new\n", facts, needs_restart=True))
    assert " ".join(change.summary for change in changes) == summary
    for change in changes:
        assert change.args == {"file": "motd", "mode": "600", "size": "4", "content": "new\n"}
        assert change.needs_restart == (not summary.startswith("make"))  # a mode is nothing that a server has read
        differs = entry is not None and entry.text == "old\n"
        assert change.diff.splitlines()[2:] == (["@@ -1 +1 @@", "-old", "+new"] if differs else [])


def test_the_texts_of_a_secret_file_are_not_compared_in_public() -> None:
    (change,) = in_file("step", "it", "motd", "new", holding(NEW, file("motd", "old")), secret=True)
    assert change.diff == ""


@pytest.mark.parametrize(("text", "size"), [("", "0"), ("abc\n", "4"), ("日本", "6"), ("\udcff", "1")])
def test_the_size_of_a_text_is_in_bytes(text: str, size: str) -> None:
    assert write("step", "write it", "motd", text).args["size"] == size

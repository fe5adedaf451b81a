"""What ended a server, as its host has noted it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.look.ended import Ended, ended, rebooted


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("1 1764000000 exit 1 again", "exit status 1"),
        ("1 1764000000 signal 9 again", "signal 9 (SIGKILL)"),
        ("1 1764000000 signal 64 again", "signal 64"),
        ("5 1764000000 memory 9 given-up", "signal 9 (SIGKILL), the host was out of memory"),
        ("1 1764000000 host 0 again", "the host was restarted"),
        ("0 1764000000 idle 0 down", "it was idle"),
    ],
)
def test_it_is_told_in_words(note: str, words: str) -> None:
    found = ended(note)
    assert found
    assert found.words == words


@pytest.mark.parametrize("note", ["", "1 2 exit", "1 2 exit 0 down more", "x 2 exit 0 down", f"1 {10**12} exit 0 down"])
def test_a_note_that_was_not_written_whole_is_none(note: str) -> None:
    assert ended(note) is None


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_whatever_a_host_reports_it_is_a_note_or_none(note: str) -> None:
    assert isinstance(ended(note), Ended | None)
    assert rebooted(note) in (True, False)


@pytest.mark.parametrize(
    ("marks", "is_so"),
    [
        ("a 1 a 1", False),
        ("a 1 b 1", True),
        ("a 1 a 2", True),  # a container on the same kernel
        ("- 1 b 1", False),
        ("a - a 7", False),
        ("a 1", False),
    ],
)
def test_a_restart_of_the_host_is_told_by_what_is_known(marks: str, is_so: bool) -> None:
    assert rebooted(marks) is is_so

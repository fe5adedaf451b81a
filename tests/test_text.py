"""Text from a host, on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.text import clean


@given(st.text(st.characters()))
def test_what_a_host_says_cannot_steer_a_terminal(text: str) -> None:
    shown = clean(text)
    assert all(character.isprintable() or character == "\n" for character in shown)
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("näme 日本\nline", "näme 日本\nline"),
        ("a\tb", "a    b"),
        ("\x1b[2J\a", "\\x1b[2J\\x07"),
        ("\r", "\\r"),
        ("\u202egnp", "\\u202egnp"),
        ("\udcff", "\\udcff"),
    ],
)
def test_text_is_shown_as_it_is_but_for_controls(text: str, shown: str) -> None:
    assert clean(text) == shown

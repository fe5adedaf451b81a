"""Text from a host, on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.text import clean, clean_line


@given(st.text(st.characters()))
def test_what_a_host_says_cannot_steer_a_terminal(text: str) -> None:
    shown = clean(text)
    assert all(character.isprintable() or character == "\n" for character in shown)
    shown.encode()


@given(st.text(st.characters()))
def test_a_name_is_one_line_whatever_it_holds(text: str) -> None:
    shown = clean_line(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("näme 日本\nline", "näme 日本\nline"),
        ("a\tb", "a    b"),
        ("\x1b[2J\a", "\\x1b[2J\\x07"),
        ("\r", "\\r"),
        ("\x9b2J\x85", "\\x9b2J\\x85"),  # C1: eight-bit controls
        ("\u202egnp", "\\u202egnp"),
        ("\u202a\u2066\u2069", "\\u202a\\u2066\\u2069"),
        ("a\u200bb\ufeff\u00ad\u2060", "a\\u200bb\\ufeff\\xad\\u2060"),
        ("\U000e0041", "\\U000e0041"),  # tags: letters that cannot be seen
        ("\udcff", "\\udcff"),
    ],
)
def test_text_is_shown_as_it_is_but_for_controls(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_line_in_a_name_does_not_become_a_line_of_a_report() -> None:
    assert clean_line("x\nPassword: fake") == "x\\nPassword: fake"
    assert clean_line("a\u2028b\vc") == "a\\u2028b\\x0bc"

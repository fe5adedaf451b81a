"""What a person may ask for, and how wrong values are told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.errors import UsageError
from nbfab.report import clean
from nbfab.settings import OPTIONS, Settings, is_name


@pytest.mark.parametrize(
    ("key", "value", "parsed"),
    [
        ("port", "8080", 8080),
        ("port", 443, 443),
        ("ip", "::1", "::1"),
        ("ip", "*", "*"),
        ("names", "Lab", ("Lab",)),
        ("names", ["a", "a", "10.0.0.1"], ("a", "10.0.0.1")),
        ("names", "bücher.example", ("xn--bcher-kva.example",)),
        ("directory", "-dash \"quote\" 'and' $HOME", "-dash \"quote\" 'and' $HOME"),
        ("days", "1", 1),
        ("profile", "gpu_2-a", "gpu_2-a"),
    ],
)
def test_a_value_that_is_right(key: str, value: Any, parsed: Any) -> None:
    assert getattr(Settings.parse({key: value}), key) == parsed


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("port", value) for value in ("", "0", "65536", "1e3", "022", "-1", " 1", True, 1.5, "\uff19")),
        *(("ip", value) for value in ("", "all", "1.2.3", 5, "fe80::1%eth0 ")),
        *(
            ("names", value)
            for value in ("", "a b", "-a", "a-", "a..b", "*", "a.*", "1.2.3", "a/b", 7, [None], "x" * 64)
        ),
        *(("directory", value) for value in ("", "a\nb", "a\0b", 5)),
        *(("app", value) for value in ("", "Lab", 5)),
        *(("days", value) for value in ("0", "3651", "many")),
        *(("profile", value) for value in ("", ".", "a/b", "a b", "a.b", "-a", "x" * 65)),
    ],
)
def test_a_value_that_is_wrong_is_named(key: str, value: Any) -> None:
    with pytest.raises(UsageError, match="must be"):
        Settings.parse({key: value})


@given(st.sampled_from([option.key for option in OPTIONS]), st.one_of(st.text(), st.integers(), st.lists(st.text())))
def test_whatever_is_given_is_right_or_refused(key: str, value: Any) -> None:
    try:
        settings = Settings.parse({key: value})
    except UsageError:
        return
    assert Settings.parse({key: getattr(settings, key)}) == settings


@given(st.text())
def test_a_name_can_stand_in_a_certificate(text: str) -> None:
    if is_name(text):
        assert text.isascii()
        assert not set(text) & set(" \n/,;'\"$")


def test_the_nearest_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = {"port": 1111, "days": 11, "app": "lab"}
    monkeypatch.setenv("NBFAB_PORT", "2222")
    monkeypatch.setenv("NBFAB_NAMES", "a,b")
    settings = Settings.gather({"port": None, "days": "33", "names": []}, configuration)
    assert (settings.port, settings.days, settings.app, settings.names) == (2222, 33, "lab", ("a", "b"))


@given(st.text(st.characters()))
def test_what_a_host_says_cannot_steer_a_terminal(text: str) -> None:
    shown = clean(text)
    assert all(character.isprintable() or character == "\n" for character in shown)
    shown.encode("ascii", "backslashreplace")

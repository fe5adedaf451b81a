"""What a server may be asked to be, and what becomes of wrong values."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.errors import UsageError
from nbfab.settings import BY_KEY, OPTIONS, Option, Settings, duration, is_hash, origin, seconds, state_home, written


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
        *(("debugger", value, True) for value in (True, "yes", "True")),
        *(("debugger", value, False) for value in (False, "no", "false")),
        *(("idle", value, value) for value in ("30m", "8h", "2d", "365d", "off")),
        ("idle", "OFF", "off"),
        ("idle", False, "off"),  # as YAML 1.1 reads it
        ("idle_kernels", "120m", "2h"),
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
        *(("debugger", value) for value in ("", "maybe", 1, 0)),
        *(("idle", value) for value in ("", "8", "0h", "8s", "8 h", "-1h", "366d", "999999d", 8, True, "8h\n")),
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


def test_the_nearest_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = {"port": 1111, "days": 11, "app": "lab"}
    monkeypatch.setenv("NBFAB_PORT", "2222")
    monkeypatch.setenv("NBFAB_NAMES", "a,b")
    settings = Settings.gather({"port": None, "days": "33", "names": []}, configuration)
    assert (settings.port, settings.days, settings.app, settings.names) == (2222, 33, "lab", ("a", "b"))


def test_the_inventory_stands_between_flags_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBFAB_PORT", "2222")
    monkeypatch.setenv("NBFAB_DAYS", "22")
    inventory = {"port": 3333, "app": "lab"}
    settings = Settings.gather({"app": "notebook"}, {"ip": "::1", "days": 11}, inventory)
    assert (settings.port, settings.days, settings.app, settings.ip) == (3333, 22, "notebook", "::1")


@pytest.mark.parametrize("variable", ["NBFAB_NAME", "NBFAB_NAMES"])
def test_a_list_in_the_environment_has_commas(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "a,b")
    assert Settings.gather({}, {}).names == ("a", "b")


@pytest.mark.parametrize(
    ("configuration", "environment", "inventory", "reason"),
    [
        ({"port": 0}, "", {}, "nbfab in the configuration: port must be a whole number from 1 to 65535, not 0"),
        ({}, "many", {}, "NBFAB_* in the environment: port must be a whole number from 1 to 65535, not 'many'"),
        ({}, "", {"name": ["a b"]}, "the inventory: unknown option 'name'"),
        ({}, "", {"names": ["a b"]}, "the inventory: name must be DNS names or IP addresses, not ['a b']"),
        ({"prot": 1}, "", {}, "nbfab in the configuration: unknown option 'prot'"),
        ([], "", {}, "nbfab: in the configuration must be a mapping of options"),
    ],
)
def test_an_error_says_where_the_value_was_written(
    configuration: Any, environment: str, inventory: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFAB_PORT", environment)
    with pytest.raises(UsageError) as error:
        Settings.gather({}, configuration, inventory)
    assert str(error.value) == reason
    if "unknown" in reason:
        assert error.value.hint == f"the options are {', '.join(BY_KEY)}"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.key)
def test_the_help_of_an_option_names_its_default(option: Option) -> None:
    assert option.absent or f"({option.default})" in option.help
    assert getattr(Settings(), option.key) == option.default
    assert option.default in ("", ()) or option.parse(option.default) == option.default


def test_paths_here_are_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert Settings().from_here().directory == str(tmp_path)
    assert Settings().from_here().python == ""
    settings = Settings(directory="work", python="~/env").from_here()
    assert (settings.directory, settings.python) == (f"{tmp_path}/work", "/home/ann/env")


@pytest.mark.parametrize(
    ("given", "folder"),
    [("/state", "/state"), ("relative", "/home/ann/.local/state"), ("", "/home/ann/.local/state")],
)
def test_a_state_home_that_is_not_absolute_is_ignored(given: str, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("XDG_STATE_HOME", given)
    assert state_home() == folder


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdA$aGFzaA", True),
        ("argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdA$aGFzaA\n", False),
        ("$argon2id$v=19$m=10240,t=10,p=8$c2FsdA$aGFzaA", False),
        ("argon2:$argon2i$v=19$m=10240,t=10,p=8$c2FsdA$aGFzaA", False),
        ("sha1:67c9e60bb8b6:9ffede0825894254b2e042ea597d771089e11aed", False),
        ("", False),
    ],
)
def test_the_hash_of_a_password(text: str, right: bool) -> None:
    assert is_hash(text) is right


@pytest.mark.parametrize(
    ("written_as", "packages"),
    [
        ("pandas", ("pandas",)),
        (["pandas", "scipy>=1.2,<2"], ("pandas", "scipy>=1.2,<2")),
        ("pandas  scipy", ("pandas", "scipy")),
        (["Scikit_Learn", "scikit-learn>=1"], ("scikit-learn>=1",)),
        (["pandas[excel,html]==2.*"], ("pandas[excel,html]==2.*",)),
        ([], ()),
    ],
)
def test_packages_are_what_pip_takes_from_an_index(written_as: Any, packages: tuple[str, ...]) -> None:
    assert Settings.parse({"packages": written_as}).packages == packages
    assert Settings.parse({"packages": written(packages)}).packages == packages


@pytest.mark.parametrize(
    "wrong",
    [
        "-r x",
        ["--index-url=x"],
        ["a b"],
        ["pandas>="],
        ["x @ https://example.org/x"],
        ["https://example.org/x"],
        ["./x"],
        ["x; os_name"],
        ["$(id)"],
        [3],
        3,
        ["x" * 101],
        [f"x{number}" for number in range(1000)],
    ],
)
def test_anything_else_is_no_package(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"^with must be packages as pip takes them from an index: p"):
        Settings.parse({"packages": wrong})


@pytest.mark.parametrize(
    ("written_as", "kernels"),
    [
        ("geo", ("geo",)),
        ("my env", ("my env",)),
        (["geo", "~/it's $HOME/näme", "geo"], ("geo", "~/it's $HOME/näme")),
        ([], ()),
    ],
)
def test_kernels_are_names_and_paths_with_whatever_is_in_them(written_as: Any, kernels: tuple[str, ...]) -> None:
    assert Settings.parse({"kernels": written_as}).kernels == kernels


@pytest.mark.parametrize("wrong", ["", [""], ["a\nb"], ["a\tb"], [3], 3, ["x" * 1001], [f"x{of}" for of in range(51)]])
def test_anything_else_is_no_kernel(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"^kernel must be names of environments or paths"):
        Settings.parse({"kernels": wrong})


@given(st.text())
def test_a_package_is_a_word_and_no_option(text: str) -> None:
    try:
        packages = Settings.parse({"packages": [text]}).packages
    except UsageError:
        return
    assert packages == (text,)
    assert shlex.split(text.replace("<", "").replace(">", "")) == [text.replace("<", "").replace(">", "")]
    assert not text.startswith("-")


@pytest.mark.parametrize(
    ("python", "path"),
    [
        ("geo", "geo"),
        ("new", "new"),
        ("./geo", "{cwd}/geo"),
        ("a/b", "{cwd}/a/b"),
        ("~/geo", "/home/ann/geo"),
        ("", ""),
    ],
)
def test_a_name_is_no_path(python: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert Settings(python=python).from_here().python == path.format(cwd=tmp_path)


def test_a_flag_of_two_words_is_one_variable_and_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    option = BY_KEY["self_signed"]
    assert (option.flag, option.parameter, option.variable) == ("self-signed", "self_signed", "NBFAB_SELF_SIGNED")
    assert origin("self_signed", "flag") == "--self-signed"
    monkeypatch.setenv("NBFAB_SELF_SIGNED", "yes")
    assert Settings.gather({}, {}).self_signed
    assert not Settings.gather({}, {}, {"self_signed": False}).self_signed
    with pytest.raises(UsageError, match="the inventory: self-signed must be yes or no"):
        Settings.gather({}, {}, {"self_signed": "perhaps"})


@given(st.integers(1, 999_999), st.sampled_from("mhd"))
def test_a_duration_is_the_same_time_in_another_unit(number: int, unit: str) -> None:
    assert seconds(duration(seconds(f"{number}{unit}"))) == number * {"m": 60, "h": 3600, "d": 86400}[unit]

"""pylock.toml: versions and hashes as requirements, and what cannot be written as such."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.errors import UsageError
from nbfab.requirements.pylock import parse

HEAD = 'lock-version = "1.0"\ncreated-by = "x"\nrequires-python = ">=3.9"\n'
A, B, C = (letter * 64 for letter in "abc")


def package(name: str = "six", version: str = "1.17.0", more: str = "", digest: str = f'sha256 = "{A}"') -> str:
    """One with a wheel and a source distribution."""
    wheel = f'{{name = "{name}-{version}-py3-none-any.whl", url = "https://files.example/w", hashes = {{{digest}}}}}'
    sdist = f'{{name = "{name}-{version}.tar.gz", url = "https://files.example/s", hashes = {{sha256 = "{B}"}}}}'
    return f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{more}\nwheels = [{wheel}]\nsdist = {sdist}\n'


def marked(marker: str) -> str:
    return package(more=f"marker = '''{marker}'''")


PINNED = f"--hash=sha256:{A} --hash=sha256:{B}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (package(), [f"six==1.17.0 {PINNED}"]),
        (package(digest=f'md5 = "x", sha512 = "{A}{A}"'),
         [f"six==1.17.0 --hash=sha256:{B} --hash=sha512:{A}{A}"]),
        (package() + package("idna", "3.1", "marker = \"sys_platform == 'linux'\""),
         [f"six==1.17.0 {PINNED}", f'idna==3.1; sys_platform == "linux" {PINNED}']),
        (package(more='index = "https://a.example/simple/"') + package("idna", more='index = "https://a.example/simple"')
         + package("torch", more='index = "https://b.example/gpu"'),
         ["--extra-index-url https://b.example/gpu",
          *(f"{name}==1.17.0 {PINNED}" for name in ("six", "idna", "torch"))]),
        ('default-groups = ["main"]\n' + marked('"main" in dependency_groups'), [f"six==1.17.0 {PINNED}"]),
        ('default-groups = ["main"]\n' + marked('"main" in dependency_groups and python_version >= "3.9"'),
         [f'six==1.17.0; python_version >= "3.9" {PINNED}']),
        (package() + package("idna", more="marker = '\"dev\" in dependency_groups'"), [f"six==1.17.0 {PINNED}"]),
        (package() + package("idna", more="marker = '\"dev\" in dependency_groups and os_name == \"nt\"'"),
         [f"six==1.17.0 {PINNED}"]),
        (marked('"x" not in extras'), [f"six==1.17.0 {PINNED}"]),
        (marked('"x" in extras or os_name == "nt"'),
         [f'six==1.17.0; python_version < "0" or os_name == "nt" {PINNED}']),
    ],
)  # fmt: skip
def test_a_package_becomes_a_line_with_the_hashes_of_all_its_files(text: str, lines: list[str]) -> None:
    found = parse(HEAD + text, "pylock.toml")
    assert found.lines == tuple(lines)
    assert (found.hashed, found.python) == (True, ">=3.9")


def direct(more: str) -> str:
    """A package from elsewhere."""
    return f'{HEAD}[[packages]]\nname = "six"\nversion = "1"\n{more}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lock-version =", "it is no TOML: "),
        ('created-by = "x"\npackages = []', "it is no lock file of PEP 751: Missing required value in 'lock-version'"),
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []', "pylock version 2.0 is not supported"),
        (HEAD + "packages = []", "it names no packages"),
        (direct('vcs = {type = "git", url = "https://example.org/x", commit-id = "1"}'), "six comes from a repository"),
        (direct('directory = {path = "."}'), "six comes from a folder"),
        (direct(f'archive = {{url = "https://x.example", hashes = {{sha256 = "{A}"}}}}'), "six comes from an archive"),
        (direct(f'sdist = {{path = "six-1.tar.gz", hashes = {{sha256 = "{A}"}}}}'), "six comes from files of this"),
        (direct(f'sdist = {{url = "file:///six-1.tar.gz", hashes = {{sha256 = "{A}"}}}}'), "six comes from files"),
        (direct('sdist = {url = "https://x.example/six-1.tar.gz", hashes = {md5 = "1"}}'), "six has a hash of a kind"),
        (direct('sdist = {url = "https://x.example/six-1.tar.gz", hashes = {sha256 = "1"}}'), "a hash is not of"),
        (HEAD + package().replace('version = "1.17.0"\n', ""), "six has no version"),
        (HEAD + package(more='index = "https://a:b@example.org/simple"'), "it has a password or a token in its URL"),
        (HEAD + package(more='index = "../simple"'), "an index is a file or folder of this machine"),
        (HEAD + package(more='marker = "x"'), "it is no lock file of PEP 751"),
        (HEAD + package(digest='sha256 = "https://a:b@example.org"'), "it has a password or a token in its URL"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, "pylock.gpu.toml")
    assert str(error.value).startswith("pylock.gpu.toml: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert "a:b@" not in str(error.value)
    assert error.value.fix


def test_a_later_minor_version_is_read_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert parse(HEAD.replace('"1.0"', '"1.3"') + package(), "pylock.toml").names == ("six",)
    assert not caplog.records


GOOD = HEAD + package() + package("idna", "3.1", "marker = \"sys_platform == 'linux'\"")


@given(st.integers(0, len(GOOD)), st.integers(0, 20), st.sampled_from(["", "1", '"', "[", "{}", "x = 1\n", "\u00e9"]))
def test_any_damage_is_requirements_or_an_error_of_use(at: int, length: int, put: str) -> None:
    try:
        names = parse(GOOD[:at] + put + GOOD[at + length :], "pylock.toml").names
    except UsageError as error:
        names, message = (), str(error)
    else:
        message = ""
    assert len(names) <= 2
    assert message.isprintable()

"""uv.lock, through the uv that is installed here; nothing is fetched for it."""

import os
import sys
from pathlib import Path

import pytest

from nbfab.errors import UsageError
from nbfab.requirements.read import read
from nbfab.requirements.uv_lock import parse

A, B = "a" * 64, "b" * 64
PROJECT = '[project]\nname = "own"\nversion = "0"\nrequires-python = ">=3.9"\ndependencies = ["six", "idna"]\n'
HEAD = 'version = 1\nrequires-python = ">=3.9"\n'
INDEX, OTHER = "https://a.example/simple", "https://b.example/gpu"


def package(name: str, index: str = INDEX) -> str:
    wheel = f'url = "https://files.example/{name}-1.0-py3-none-any.whl", hash = "sha256:{A}", size = 1'
    sdist = f'url = "https://files.example/{name}-1.0.tar.gz", hash = "sha256:{B}", size = 1'
    source = f'[[package]]\nname = "{name}"\nversion = "1.0"\nsource = {{ registry = "{index}" }}\n'
    return f"{source}sdist = {{ {sdist} }}\nwheels = [{{ {wheel} }}]\n"


def own(*needs: str) -> str:
    listed = "".join(f'{{ name = "{name}" }}, ' for name in needs)
    dev = '[package.dev-dependencies]\ndev = [{ name = "pytest" }]\n'
    return f'[[package]]\nname = "own"\nversion = "0"\nsource = {{ virtual = "." }}\ndependencies = [{listed}]\n{dev}'


LOCK = HEAD + package("idna") + own("idna", "six") + package("pytest") + package("six", OTHER)
PINNED = f"==1.0 --hash=sha256:{A} --hash=sha256:{B}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    project = tmp_path / "the project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "uv.lock").write_text(LOCK)
    return project


@pytest.mark.real
def test_a_lock_gives_the_project_s_packages_without_the_project_and_its_tools(folder: Path) -> None:
    before = sorted(folder.iterdir())
    found = read(folder / "uv.lock")
    assert found.lines == (f"--extra-index-url {OTHER}", f"idna{PINNED}", f"six{PINNED}")
    assert (found.source, found.python, found.hashed) == ("uv.lock", ">=3.9", True)
    assert sorted(folder.iterdir()) == before


@pytest.mark.real
def test_what_the_user_has_set_for_uv_does_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read(folder / "uv.lock")
    monkeypatch.setenv("UV_NO_HASHES", "1")
    monkeypatch.setenv("UV_PROJECT", "/nonexistent")
    monkeypatch.setenv("UV_INDEX_URL", "https://ann:hunter2222@example.org/")
    assert read(folder / "uv.lock") == before


@pytest.mark.real
def test_a_folder_of_this_machine_in_a_lock_is_refused(folder: Path) -> None:
    lib = '[[package]]\nname = "lib"\nversion = "0"\nsource = { %s = "lib" }\n'
    for kind, path in (("editable", "./lib"), ("directory", "./lib")):
        (folder / "uv.lock").write_text(HEAD + lib % kind + own("lib") + package("pytest"))
        with pytest.raises(UsageError, match=f"uv.lock: {path} is a file or folder of this machine"):
            read(folder / "uv.lock")


@pytest.mark.real
def test_a_lock_that_uv_cannot_read_has_its_words_and_the_command_that_writes_it_anew(folder: Path) -> None:
    (folder / "uv.lock").write_text(f"{LOCK}broken")
    with pytest.raises(UsageError, match=r"^uv.lock: it is no TOML: "):
        read(folder / "uv.lock")
    (folder / "uv.lock").write_text(LOCK.replace("version = 1\n", "version = 99\n"))
    with pytest.raises(UsageError, match=r"^uv cannot read uv.lock: .* unsupported schema version .v99") as error:
        read(folder / "uv.lock")
    assert "\n" not in str(error.value)
    assert error.value.hint == f"have it written anew\n(cd '{folder}' && uv lock)"


def test_packages_of_git_have_no_hash_so_none_is_asked_for() -> None:
    found = parse(HEAD, f"six{PINNED}\nx @ git+https://example.org/x.git@abc\nidna{PINNED}\n")
    assert found.lines[:2] == ("six==1.0", "x @ git+https://example.org/x.git@abc")
    assert not found.hashed


@pytest.mark.parametrize(
    ("lock", "exported", "message"),
    [
        (HEAD, "", "uv.lock: it names no packages"),
        (HEAD, "x @ git+ssh://git@example.org/x@abc", "uv.lock: x is fetched by SSH"),
        (HEAD, "six==1.0\nx @ https://a:b@example.org/x.zip", "uv.lock: x has a password or a token in its URL"),
        (HEAD + package("six", "../wheels"), "six==1.0", "uv.lock: an index is a file or folder of this machine"),
        ("x = ", "six==1.0", "uv.lock: it is no TOML"),
        ("package = 3\nrequires-python = []", "six==1.0", "uv.lock: requires-python is not such as"),
    ],
)
def test_what_is_refused(lock: str, exported: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(lock, exported)
    assert str(error.value).startswith(message)

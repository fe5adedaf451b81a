"""Files on this machine: which kind they are, what they include, and the error for one that cannot be read."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from nbfab.errors import UsageError
from nbfab.fix import Command, document
from nbfab.requirements import uv_lock
from nbfab.requirements.read import LONGEST, read


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str | bytes) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path: Path) -> UsageError:
    """The error that a file is."""
    with pytest.raises(UsageError) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert error.value.fix
    assert error.value.__context__ is None or error.value.__suppress_context__
    return error.value


@pytest.mark.parametrize("name", ["requirements.txt", "dev.txt", "requirements.in", "a b/more.txt"])
def test_a_requirements_file_by_its_ending(name: str) -> None:
    found = read(write(name, "six\n"))
    assert (found.source, found.lines) == (Path(name).name, ("six",))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_pip_reads(encoding: str) -> None:
    assert read(write("requirements.txt", "six # n\u00f6tig\nidna".encode(encoding))).names == ("six", "idna")


def test_files_that_are_included_are_read_from_where_they_lie() -> None:
    top = write("project/requirements.txt", "-r more/base.txt\n-c constraints.txt\nsix\n--requirement=more/base.txt")
    write("project/more/base.txt", "--pre\nidna\n-r other.txt")
    write("project/more/other.txt", "attrs>=20\nsix")
    write("project/constraints.txt", "-c more/strict.txt\n--no-binary six\nSix<2")
    write("project/more/strict.txt", "idna<4 # as elsewhere")
    found = read(top)
    assert found.lines == ("--no-binary six", "--pre", "idna", "attrs>=20", "six")
    assert found.constraints == ("idna<4", "six<2")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": "six\n-r a.txt"}, "a.txt:2: it includes itself, or a file that includes this one"),
        ({"a.txt": "-r sub/b.txt", "sub/b.txt": "\n-r ../a.txt"}, "sub/b.txt:2: it includes itself"),
        ({"a.txt": "-c b.txt", "b.txt": "-c a.txt"}, "b.txt:1: it includes itself"),
        ({"a.txt": "six\n-r none.txt"}, "a.txt:2: there is no none.txt"),
        ({"a.txt": "-r sub", "sub/b.txt": ""}, "a.txt:1: sub is a folder"),
        ({"a.txt": "-r b.txt", "b.txt": "six\n-e ."}, "b.txt:2: . is a file or folder of this machine"),
        ({"a.txt": "six\n-c b.txt", "b.txt": "six[x]"}, "b.txt:1: a constraint has extras"),
        ({"a.txt": "six\n-c b.txt", "b.txt": "-r c.txt"}, "b.txt:1: a file of constraints asks for packages by -r"),
        ({"a.txt": "-c b.txt", "b.txt": "six"}, "a.txt: it names no packages"),
        ({f"{n}.txt": f"-r {n + 1}.txt" for n in range(100)} | {"a.txt": "-r 0.txt"}, "more than 50 files"),
    ],
)
def test_what_cannot_be_included(files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        write(name, text)
    assert message in str(refused(Path("a.txt")))


def test_a_file_that_is_not_there_has_the_nearest_one_as_its_fix() -> None:
    write("requirements.txt", "six")
    error = refused(Path("requirement.txt"))
    assert (str(error), error.hint) == ("there is no requirement.txt", "did you mean requirements.txt?")
    assert str(refused(Path("no/such.txt"))) == "there is no no/such.txt"


def test_of_a_folder_the_file_in_it_is_named() -> None:
    Path("empty").mkdir()
    assert "is a folder" in str(refused(Path("empty")))
    write("my project/uv.lock", "")
    write("my project/pyproject.toml", "")
    assert refused(Path("my project")).hint == "name a file in it\nnbfab '--requirements=my project/uv.lock'"


def test_what_is_no_text_of_requirements() -> None:
    os.mkfifo("pipe.txt")
    assert str(refused(Path("pipe.txt"))) == "pipe.txt is no file"
    assert "is larger than any file of requirements (1 MB)" in str(refused(write("big.txt", b"#" * (LONGEST + 1))))
    assert "cannot be read: embedded null byte" in str(refused(Path("a\0.txt")))
    assert str(refused(write("data.csv", "a,b"))) == "data.csv: its name does not say what kind of file it is"


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    write("requirements.txt", "six")
    monkeypatch.setattr(Path, "open", denied)
    assert "cannot be read: Permission denied" in str(refused(Path("requirements.txt")))


def test_the_command_for_another_encoding_makes_a_copy_that_can_be_read() -> None:
    error = refused(write("the list.txt", "six # n\u00f6tig".encode("cp1252")))
    assert str(error) == "the list.txt is not in UTF-8"
    (command,) = (part.line for part in error.fix if isinstance(part, Command))
    subprocess.run(["sh", "-c", command], check=True)
    assert str(error.fix[-1]) == "nbfab '--requirements=the list.utf-8.txt'"
    assert read(Path("the list.utf-8.txt")).names == ("six",)


def test_the_command_for_another_encoding_of_an_included_file_is_for_that_file() -> None:
    write("a/top.txt", "-r b/list.txt")
    write("a/b/list.txt", "-r c.txt")
    write("a/b/c.txt", "six # n\u00f6tig".encode("cp1252"))
    error = refused(Path("a/top.txt"))
    assert str(error) == "b/list.txt:1: c.txt is not in UTF-8"
    words, command = error.fix
    assert isinstance(command, Command), words
    subprocess.run(["sh", "-c", command.line], check=True)
    write("a/b/list.txt", "-r c.utf-8.txt")
    assert read(Path("a/top.txt")).names == ("six",)


ENVIRONMENT = 'name: "geo"\nchannels: [conda-forge]\ndependencies:\n  - python=3.12\n  - gdal\n'


@pytest.mark.parametrize("name", ["environment.yml", "geo.yaml"])
def test_a_conda_environment_is_made_by_conda_and_then_used(name: str) -> None:
    error = refused(write(name, ENVIRONMENT))
    assert str(error) == f"{name}: only conda makes an environment of it"
    assert [part for part in document(error.fix) if "command" in part] == [
        {"command": f"conda env create -f {name}", "on": "the host"},
    ]
    assert error.hint.splitlines()[-1] == "nbfab setup --kernel=geo"


@pytest.mark.parametrize("text", ["dependencies: [gdal]", "name: ${X}\ndependencies:\n", "name:\ndependencies:\n"])
def test_a_conda_environment_without_a_usable_name(text: str) -> None:
    assert refused(write("environment.yml", text)).hint.endswith("nbfab setup --kernel=NAME")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("Pipfile", "pipenv requirements > requirements.txt"),
        ("Pipfile.lock", "pipenv requirements > requirements.txt"),
        ("pdm.lock", "pdm export -f requirements -o requirements.txt"),
        ("poetry.lock", "poetry export -f requirements.txt -o requirements.txt"),
        ("setup.py", "uv pip compile setup.py -o requirements.txt"),
        ("setup.cfg", "uv pip compile setup.cfg -o requirements.txt"),
    ],
)
def test_other_kinds_have_the_command_that_writes_requirements(name: str, command: str) -> None:
    error = refused(write(name, ""))
    assert str(error) == f"{name}: pip and uv do not read such a file"
    assert error.hint.splitlines()[-2:] == [command, "nbfab --requirements=requirements.txt"]
    error = refused(write(f"my project/{name}", ""))
    last = f"(cd 'my project' && {command})", "nbfab '--requirements=my project/requirements.txt'"
    assert error.hint.splitlines()[-2:] == list(last)


def test_a_lock_beside_the_file_does_not_count() -> None:
    write("uv.lock", "not even TOML")
    assert read(write("pyproject.toml", '[project]\ndependencies = ["six"]')).lines == ("six",)


def test_without_uv_the_fix_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr(uv_lock.sys, "executable", "/nonexistent/python")
    error = refused(write("project/uv.lock", ""))
    assert str(error) == "uv.lock is read by uv, and there is no uv on this machine"
    assert error.hint == "this installs it\ncurl -LsSf https://astral.sh/uv/install.sh | sh"

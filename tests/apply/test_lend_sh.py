"""The sh that asks the index whether it answers, and that installs by a loan, in the shells that hosts have."""

import time
from pathlib import Path

import pytest
from shells import SHELLS, each_shell, run, stub

from nbfab.apply.apply import FILES
from nbfab.program import call, functions

ALL = functions(*FILES) + "exec 3>&1\n"
PROXY = "http://nbfab:a-secret@127.0.0.1:4000"
INDEX, MORE = "https://index.example/simple", "https://more.example/simple"
SHOWN = (
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "UV_DEFAULT_INDEX", "UV_INDEX"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_PROXY"),
)
SHOW = f'for name in {" ".join(SHOWN)}; do eval "echo $name=\\${{$name-unset}}"; done'


def tool(folder: Path, name: str, *, asked: str = "", config: str = "") -> str:
    """The folder with a program that shows its environment when it installs, as the first in PATH."""
    folder = folder / "bin"
    folder.mkdir()
    cases = f'*"pip compile"* | *"index versions"*) {asked or ":"} ;; *"config list"*) {config or ":"} ;;'
    stub(folder, name, f'case "$*" in {cases} *) echo "$@"; {SHOW} ;; esac')
    return f"PATH={folder}:$PATH base={folder.parent}\n"


def get(name: str, folder: Path, **loan: str) -> str:
    """The call that gets the package `six`, by that tool."""
    variables = {"lent": "", "lent_index": "", "lent_more": ""} | loan
    return call(":", tool="uv" if name == "uv" else "pip", **variables) + f"get_packages {folder}/bin/python six\n"


@each_shell
@pytest.mark.parametrize("name", ["uv", "python"])
def test_a_loan_is_in_the_environment_of_the_tool_alone(shell: tuple[str, ...], name: str, tmp_path: Path) -> None:
    program = tool(tmp_path, name, config="echo \"global.proxy='x'\"")
    program += ALL + get(name, tmp_path, lent=PROXY, lent_index=INDEX) + SHOW + "\n"
    env = {"https_proxy": "http://dead.example", "NO_PROXY": "*", "PIP_INDEX_URL": "https://other.example/simple"}
    command, *lines = run(shell, program, tmp_path, env=env).splitlines()
    assert "secret" not in command
    inside, outside = (dict(line.split("=", 1) for line in part) for part in (lines[:9], lines[9:]))
    assert inside["HTTPS_PROXY"] == inside["https_proxy"] == PROXY
    assert inside["NO_PROXY"] == inside["no_proxy"] == ""
    assert INDEX in (inside["UV_DEFAULT_INDEX"], inside["PIP_INDEX_URL"])
    assert inside["PIP_PROXY"] == (PROXY if name == "python" else "unset")
    assert not [value for value in outside.values() if "secret" in value]
    assert outside["https_proxy"] == "http://dead.example"


@pytest.mark.parametrize("name", ["uv", "python"])
@pytest.mark.parametrize("more", ["", MORE])
def test_an_index_that_the_host_adds_is_replaced(name: str, more: str, tmp_path: Path) -> None:
    program = tool(tmp_path, name, config="echo \"global.extra-index-url='x'\"")
    program += ALL + get(name, tmp_path, lent=PROXY, lent_index=INDEX, lent_more=more)
    lines = run(SHELLS[0], program, tmp_path).splitlines()
    found = dict(line.split("=", 1) for line in lines[1:])
    if name == "uv":
        assert found["UV_INDEX"] == more
    else:
        assert found["PIP_EXTRA_INDEX_URL"] == (more or INDEX)
        assert found["PIP_PROXY"] == "unset"


@each_shell
@pytest.mark.parametrize("name", ["uv", "python"])
@pytest.mark.parametrize(
    ("asked", "goes_on"),
    [
        ("echo six==1", True),
        ("echo '  cause: Connection refused (os error 111)' >&2; exit 1", False),
        ("echo \"after connection broken by 'NewConnectionError'\"; exit 1", False),
        ("echo 'after connection broken by x'", True),  # and came through at the second try
        ("echo 'ERROR: unknown command \"index\"' >&2; exit 1", True),
        ("echo 'HTTP status client error (401)' >&2; exit 2", True),
    ],
)
def test_the_index_is_asked_before_anything_is_fetched(
    shell: tuple[str, ...], name: str, asked: str, goes_on: bool, tmp_path: Path
) -> None:
    program = tool(tmp_path, name, asked=asked) + ALL + get(name, tmp_path) + "echo status=$?\n"
    said = run(shell, program, tmp_path)
    assert ("HTTPS_PROXY=" in said) is goes_on
    assert said.splitlines()[-1] == f"status={0 if goes_on else 1}"
    assert not list(tmp_path.glob("*.new.*"))


@pytest.mark.parametrize("shell", SHELLS[:3], ids=lambda shell: shell[0])
def test_an_index_that_does_not_answer_costs_seconds(shell: tuple[str, ...], tmp_path: Path) -> None:
    program = tool(tmp_path, "uv", asked="exec sleep 60") + ALL + get("uv", tmp_path) + "echo status=$?\n"
    began = time.monotonic()
    said = run(shell, program, tmp_path)
    assert time.monotonic() - began < 20
    assert said == "an index of packages is not to be reached: timed out\nstatus=1\n"


def test_a_pip_that_takes_long_to_start_is_no_missing_index(tmp_path: Path) -> None:
    program = tool(tmp_path, "python", asked=f"[ -e {tmp_path}/warm ] || exec sleep 60")
    warms = f'case "$*" in *"index --help"*) : >{tmp_path}/warm ;; esac'
    own = tmp_path / "bin/python"
    own.write_text(own.read_text().replace("\n", f"\n{warms}\n", 1))
    said = run(SHELLS[0], program + ALL + get("python", tmp_path) + "echo status=$?\n", tmp_path)
    assert said.splitlines()[-1] == "status=0"

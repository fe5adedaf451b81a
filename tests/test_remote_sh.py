"""The functions that run on the host, in the shells that hosts have, with nasty values."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbfab.change import call, functions, render

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"]]
NASTY = [
    "",
    "it's",
    'a "b"',
    "$HOME `id` $(id)",
    "-n",
    "a\\b\\\\c",
    "tab\there",
    "line\nline\n",
    "näme 日本",
    "%s%d",
    "!hist",
    "*",
]
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


def run(shell: list[str], program: str, folder: Path | str = "/", *, status: int | None = 0) -> str:
    """What a shell prints that gets the program on standard input, as a host's does."""
    done = subprocess.run(
        [*shell, "-s"], input=program.encode(), capture_output=True, cwd=folder, timeout=60, check=False
    )
    assert status is None or done.returncode == status, done.stderr
    return done.stdout.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@settings(max_examples=60, deadline=None)
@given(value=text)
def test_a_fact_says_what_it_was_given(shell: list[str], value: str) -> None:
    said = run(shell, functions("json") + call("fact", "name", value) + call("tell"))
    assert said.endswith("\n")
    assert json.loads(said, strict=False) == {"name": value}
    assert said.count("\n") == 1


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("value", NASTY)
def test_a_file_is_written_as_it_was_meant_and_told_again(shell: list[str], value: str, tmp_path: Path) -> None:
    content = value + "\n"
    program = functions("json", "process", "look", "write")
    program += call("write_file", "a/file", "600", str(len(content.encode())), content) + call(
        "file_facts", "text", "a/file"
    )
    said = run(shell, program, tmp_path)
    assert (tmp_path / "a/file").read_text() == content
    assert (tmp_path / "a/file").stat().st_mode & 0o777 == 0o600
    assert json.loads(said, strict=False) == {"text": content}


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_private_key_is_never_told(shell: list[str], tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"
    shown = "-----BEGIN CERTIFICATE-----\nPUBLIC\n-----END CERTIFICATE-----\n"
    for text in (pem + shown, shown + pem):
        (tmp_path / "nbserver.pem").write_text(text)
        said = run(shell, functions("json") + call("file_facts", "certificate", "nbserver.pem"), tmp_path)
        assert json.loads(said) == {"certificate": shown}


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_program_that_was_cut_short_runs_nothing(shell: list[str], tmp_path: Path) -> None:
    program = render(("json",), [call("touch", "one"), call("touch", "two")]).text
    start = program.index("touch")
    for size in (*range(start, len(program) - 2), 10, start // 2):
        run(shell, program[:size], tmp_path, status=None)
        assert list(tmp_path.iterdir()) == [], program[:size][-40:]
    run(shell, program, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_no_command_eats_the_rest_of_a_program(shell: list[str], tmp_path: Path) -> None:
    said = run(shell, render(("json",), [call("cat"), call("fact", "after", "all"), call("tell")]).text, tmp_path)
    assert '{"after":"all"}' in said


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("name", ["plain", "two words", "a) S 1 2 3"])
def test_a_process_is_told_by_its_start(shell: list[str], name: str, tmp_path: Path) -> None:
    program = tmp_path / name
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        said = run(shell, functions("process") + call("process_start", str(process.pid)))
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        assert said == stat.rpartition(") ")[2].split()[19]
    finally:
        process.kill()
        process.wait()
    assert run(shell, functions("process") + call("process_start", str(process.pid))) == ""


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("gone", ["", "python", "middle", "last one"])
def test_what_is_remembered_holds_while_every_file_that_it_rests_on_stands(
    shell: list[str], gone: str, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("python", "middle", "last one")]
    for file in files:
        file.touch()
    (tmp_path / "environment").write_text("\n".join(["asked", '{"found": 1}', *map(str, files)]))
    if gone:
        (tmp_path / gone).unlink()
    program = (
        functions("json", "look") + 'if remembered asked <environment; then echo "$found $known"; else echo no; fi\n'
    )
    assert run(shell, program, tmp_path) == ("no\n" if gone else f'{{"found": 1}} {files[0]}\n')
    other = program.replace("remembered asked", "remembered other")
    assert run(shell, other, tmp_path) == "no\n"


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_all_files_together_are_one_program(shell: list[str], tmp_path: Path) -> None:
    program = render(
        ("json", "process", "look", "write", "install", "serve"), [call("fact", "alive", "yes"), call("tell")]
    )
    said = run(shell, program.text, tmp_path)
    assert said.splitlines() == [program.begin, '{"alive":"yes"}', "", program.end]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize(
    ("kills", "user", "lingers", "may", "keeper", "words"),
    [
        ("b true", "1000", "no", True, "systemd-run --user --scope --quiet --", ""),
        ("b true", "1000", "yes", False, "systemd-run --user --scope --quiet --", ""),
        ("b true", "1000", "no", False, "", "unless an administrator runs: loginctl enable-linger ann"),
        ("b true", "0", "no", False, "", ""),
        ("b false", "1000", "no", False, "", ""),
        ("", "1000", "no", False, "", ""),
    ],
)
def test_tmux_outlives_a_logind_that_ends_what_is_left_behind(
    shell: list[str], kills: str, user: str, lingers: str, may: bool, keeper: str, words: str, tmp_path: Path
) -> None:
    stubs = {
        "busctl": f"echo '{kills}'",
        "id": f"case $1 in -un) echo ann ;; *) echo {user} ;; esac",
        "loginctl": f'case "$*" in *show-user*) echo {lingers} ;; *) {str(may).lower()} ;; esac',
    }
    for name, text in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    program = (
        f"PATH={tmp_path}:$PATH; unset XDG_RUNTIME_DIR\n"
        + functions("serve")
        + 'outlive; echo "<$keeper> <${XDG_RUNTIME_DIR-}>"\n'
    )
    said, _, last = run(shell, program).rstrip("\n").rpartition("\n")
    assert words in said
    assert bool(words) == bool(said)
    assert last == f"<{keeper}> <{'/run/user/1000' if keeper else ''}>"

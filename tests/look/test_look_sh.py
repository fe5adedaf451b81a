"""The sh that prints facts, in the shells that hosts have."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from hypothesis import given, settings
from shells import NASTY, each_shell, records, run, stub, texts

from nbfab.plan.pem import make
from nbfab.program import call, functions

ALL = functions(*(f"look/{name}" for name in ("json", "process", "host", "files", "environments", "port", "server")))
ALL += functions("look/look")
PRINT = call("print_facts")
AWK = shutil.which("awk") or "awk"
PRIVATE = "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"
CUT = "-----BEGIN CERTIFICATE-----\nPUB\n"
SHOWN = "-----BEGIN CERTIFICATE-----\nPUBLIC\n-----END CERTIFICATE-----\n"


def facts(output: str) -> dict[str, Any]:
    """The facts that a program prints, as one record."""
    return {name: value for record in records(output) for name, value in record.items()}


def entries(shell: tuple[str, ...], folder: Path, paths: str, texts: str = "", certificate: str = "") -> list[Any]:
    """The entries that a look at the paths in a folder prints."""
    program = ALL + call("print_entries", paths=paths, texts=texts, certificates=certificate)
    return [record["files.entries"] for record in records(run(shell, program, folder))]


def put(path: Path, kind: str) -> None:
    """Makes a file, a folder, or a link to one."""
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.touch()
    else:
        path.symlink_to(path.parent)


@each_shell
@pytest.mark.parametrize("value", [*NASTY, "\n", "\n\n", "\\", "-e \\c\\\n", "EOF", "a\nEOF\n$1\n", "x" * 300_000])
def test_a_text_is_printed_as_it_is(shell: tuple[str, ...], value: str) -> None:
    assert run(shell, ALL + call("put", value)) == value


@each_shell
@settings(max_examples=60, deadline=None)
@given(value=texts)
def test_any_text_is_printed_as_it_is(shell: tuple[str, ...], value: str) -> None:
    assert run(shell, ALL + call("put", value)) == value


@each_shell
def test_a_fact_may_be_longer_than_an_argument(shell: tuple[str, ...]) -> None:
    value = 'a \\ and "\n' * 30_000
    assert records(run(shell, ALL + call("fact", "server.log", value) + PRINT)) == [{"server.log": value}]


@each_shell
@settings(max_examples=60, deadline=None)
@given(value=texts)
def test_a_fact_is_a_line_with_the_value_it_was_given(shell: tuple[str, ...], value: str) -> None:
    output = run(shell, ALL + call("fact", "host.user", value) + PRINT)
    assert records(output) == [{"host.user": value}]
    assert output.count("\n") == 1


@each_shell
@pytest.mark.parametrize("value", NASTY)
def test_the_text_of_a_file_is_printed_as_it_is(shell: tuple[str, ...], value: str, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir(mode=0o750)
    (tmp_path / "share/motd").write_text(value + "\n")
    (tmp_path / "share/motd").chmod(0o640)
    owner = str(os.getuid())
    assert entries(shell, tmp_path, "share share/motd absent", "share share/motd absent") == [
        {"path": "share", "mode": "drwxr-x---", "owner": owner, "text": ""},
        {"path": "share/motd", "mode": "-rw-r-----", "owner": owner, "text": value + "\n"},
    ]


@each_shell
@pytest.mark.parametrize("pem", [PRIVATE + SHOWN, SHOWN + PRIVATE, SHOWN + PRIVATE + SHOWN, CUT + PRIVATE + SHOWN])
def test_a_private_key_is_never_printed(shell: tuple[str, ...], pem: str, tmp_path: Path) -> None:
    (tmp_path / "cert").write_text(pem)
    (entry,) = entries(shell, tmp_path, "cert", certificate="cert")
    assert entry["text"] == pem.replace(PRIVATE, "")


@each_shell
@pytest.mark.parametrize("text", ["x" * 3_000_000, "x\n" * 1_500_000], ids=["a line", "lines"])
def test_a_file_that_is_none_of_ours_is_not_read_to_its_end(shell: tuple[str, ...], text: str, tmp_path: Path) -> None:
    (tmp_path / "motd").write_text(text)
    (entry,) = entries(shell, tmp_path, "motd", "motd")
    assert text.startswith(entry["text"])
    assert len(entry["text"]) < 700_000


@each_shell
def test_only_what_is_a_regular_file_and_asked_for_is_opened(shell: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET\n")
    (tmp_path / "link").symlink_to("secret")
    os.mkfifo(tmp_path / "fifo")
    found = entries(shell, tmp_path, "secret link fifo", "link fifo")
    assert {entry["path"]: (entry["mode"][0], entry["text"]) for entry in found} == {
        "secret": ("-", ""),
        "link": ("l", ""),
        "fifo": ("p", ""),
    }


@each_shell
@pytest.mark.parametrize(
    ("made", "state", "nearest"),
    [
        ("", "absent", "data"),
        ("folder", "folder", "data/nbfab/GPU2"),
        ("file", "other", "data/nbfab/GPU2"),
        ("link", "link", "data/nbfab/GPU2"),
    ],
)
def test_the_state_of_the_profiles_folder(
    shell: tuple[str, ...], made: str, state: str, nearest: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data/nbfab/GPU2"
    (tmp_path / "data").mkdir()
    if made:
        folder.parent.mkdir()
        put(folder, made)
    program = ALL + "find_base; folder=$base/GPU2\n" + call("look_files", paths=".", texts="", certificates="") + PRINT
    found = facts(run(shell, program, env={"XDG_DATA_HOME": f"{tmp_path}/data"}))
    assert found["files.folder"] == str(folder)
    assert found["files.state"] == state
    assert found["files.nearest"] == f"{tmp_path}/{nearest}"
    assert found["files.writable"] == "yes"
    assert ("files.entries" in found) == (state == "folder")


@each_shell
@pytest.mark.parametrize(
    ("found", "newer", "holds"),
    [('"notebook": "7"', False, True), ('"notebook": "7"', True, False), ('"matplotlib": "3"', True, True)],
)
def test_an_environment_that_lacks_matplotlib_is_looked_at_again_once_something_is_installed(
    shell: tuple[str, ...], found: str, newer: bool, holds: bool, tmp_path: Path
) -> None:
    package = tmp_path / "site/notebook-7.dist-info"
    package.mkdir(parents=True)
    record = tmp_path / "environment"
    record.write_text(f"notebook \n{{{found}}}\n{sys.executable}\n{package}")
    then = record.stat().st_mtime + (10 if newer else -10)
    os.utime(tmp_path / "site", (then, then))
    program = ALL + f"folder={tmp_path}\nremembered 'notebook ' <environment && still_lacks && echo yes\n"
    assert run(shell, program, tmp_path, status=None) == ("yes\n" if holds else "")


@each_shell
@pytest.mark.parametrize("given", ["relative/data", ""])
def test_a_data_home_that_is_not_absolute_is_ignored(shell: tuple[str, ...], given: str) -> None:
    program = ALL + 'find_base; echo "$base"\n'
    assert run(shell, program, env={"XDG_DATA_HOME": given, "HOME": "/home/ann"}) == "/home/ann/.local/share/nbfab\n"


@each_shell
@pytest.mark.parametrize(
    ("given", "absolute"),
    [("", "/home/ann"), ("~", "/home/ann"), ("~/a b", "/home/ann/a b"), ("/a", "/a"), ("a", "/home/ann/a")],
)
def test_a_path_starts_at_the_home_folder(shell: tuple[str, ...], given: str, absolute: str) -> None:
    program = ALL + call("make_absolute", given) + 'echo "$absolute"\n'
    assert run(shell, program, env={"HOME": "/home/ann"}) == f"{absolute}\n"


@each_shell
@pytest.mark.parametrize(("made", "state"), [("", "absent"), ("folder", "ok"), ("file", "other")])
def test_the_state_of_the_folder_of_the_notebooks(
    shell: tuple[str, ...], made: str, state: str, tmp_path: Path
) -> None:
    directory = tmp_path / 'it\'s "here"'
    if made:
        put(directory, made)
    found = facts(run(shell, ALL + call("look_directory", directory=str(directory)) + PRINT))
    assert found == {"files.directory": str(directory), "files.directory_state": state}


@each_shell
def test_a_key_that_loads_and_its_public_half(shell: tuple[str, ...], tmp_path: Path) -> None:
    pem = make(("box",), 365, 1_800_000_000, 1_800_000_000)
    (tmp_path / "good.pem").write_text(pem)
    (tmp_path / "bad.pem").write_text(pem.replace("PRIVATE", "PRIVAT"))
    good = facts(run(shell, ALL + call("look_key", f"{tmp_path}/good.pem") + PRINT))
    assert good["files.key_loads"] == "yes"
    key = load_pem_private_key(pem.encode(), None).public_key()
    assert load_pem_public_key(good["files.key"].encode()) == key
    bad = facts(run(shell, ALL + call("look_key", f"{tmp_path}/bad.pem") + PRINT))
    assert bad == {"files.key": "", "files.key_loads": "no"}


@each_shell
def test_without_openssl_python_loads_the_key(shell: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "good.pem").write_text(make(("box",), 365, 1_800_000_000, 1_800_000_000))
    (tmp_path / "bad.pem").write_text("")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/awk").symlink_to(AWK)
    for name, loads in (("good", "yes"), ("bad", "no")):
        program = f"PATH={tmp_path}/bin\n" + ALL + call("look_key", f"{tmp_path}/{name}.pem") + PRINT
        assert facts(run(shell, program)) == {"files.key_loads": "yes"}, "no program can check it"
        (tmp_path / "bin/python3").unlink(missing_ok=True)
        (tmp_path / "bin/python3").symlink_to(sys.executable)
        assert facts(run(shell, program)) == {"files.key_loads": loads}
        (tmp_path / "bin/python3").unlink()


@each_shell
@pytest.mark.parametrize("name", ["plain", "two words", "a) S 1 2 3"])
def test_a_process_is_identified_by_its_start(shell: tuple[str, ...], name: str, tmp_path: Path) -> None:
    program = tmp_path / name
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        start = run(shell, ALL + call("process_start", str(process.pid)))
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        assert start == stat.rpartition(") ")[2].split()[19]
    finally:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        zombie = run(shell, ALL + call("process_start", str(process.pid)))
        process.wait()
    assert zombie == ""
    assert run(shell, ALL + call("process_start", str(process.pid))) == ""


@each_shell
def test_what_listens_on_a_port(shell: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = ALL + call("look_port", port=str(listener.getsockname()[1])) + PRINT
        found = facts(run(shell, program))
    assert found["port.pid"] == str(os.getpid())
    assert found["port.program"] == Path("/proc/self/comm").read_text().strip()
    assert facts(run(shell, program)) == {}


@each_shell
@pytest.mark.parametrize("gone", ["", "python", "middle", "last one"])
def test_what_is_remembered_holds_while_every_file_that_it_depends_on_exists(
    shell: tuple[str, ...], gone: str, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("python", "middle", "last one")]
    for file in files:
        file.touch()
    (tmp_path / "environment").write_text("\n".join(["asked", '{"found": 1}', *map(str, files)]))
    if gone:
        (tmp_path / gone).unlink()
    program = ALL + 'if remembered asked <environment; then echo "$found $interpreter"; else echo no; fi\n'
    assert run(shell, program, tmp_path) == ("no\n" if gone else f'{{"found": 1}} {files[0]}\n')
    other = program.replace("remembered asked", "remembered other")
    assert run(shell, other, tmp_path) == "no\n"


@each_shell
@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("#!{python}", "{python}"),
        ("#! {python}", "{python}"),
        ('#!/bin/sh\n\'\'\'exec\' "{python}" "$0" "$@"', "{python}"),
        ("#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"", "{python}"),
        ("#!/gone/python", "{bin}/python3"),
        ("#!/usr/bin/env bash", "{bin}/python3"),
        ("\x7fELF", "{bin}/python3"),
    ],
    ids=["path", "blank", "quoted", "long", "gone", "other", "binary"],
)
def test_the_interpreter_of_jupyter(shell: tuple[str, ...], first: str, found: str, tmp_path: Path) -> None:
    python = tmp_path / ("with blank/python3" if '"{python}"' in first else "env/python3")
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    (tmp_path / "jupyter").write_text(first.format(python=python) + "\nimport sys\n")
    output = run(shell, ALL + call("interpreter_of", f"{tmp_path}/jupyter"))
    assert output == found.format(python=python, bin=tmp_path)


@each_shell
@pytest.mark.parametrize(
    ("own", "other", "ready", "answered"),
    [
        ("echo 1; exit 0", "echo 2", "here", 1),
        ("echo 1; exit 10", "echo 2", "elsewhere", 1),
        ("echo 1; exit 11", "echo 2", "", 1),
        ("echo 1; exit 1", "echo 2; exit 0", "here", 2),
        ("", "echo 2; exit 10", "elsewhere", 2),
        ("exit 1", "exit 1", "", None),
    ],
    ids=["here", "elsewhere", "not ready", "broken", "gone", "no Python"],
)
def test_the_server_is_asked_by_the_first_python_that_can(
    shell: tuple[str, ...], own: str, other: str, ready: str, answered: int | None, tmp_path: Path
) -> None:
    if own:
        stub(tmp_path, "own", own)
    stub(tmp_path, "python3", other)
    (tmp_path / "environment").write_text(f"notebook \n{{}}\n{tmp_path}/own\n")
    named = {"folder": str(tmp_path), "certificate": "c", "port": "9999", "server_probe": "pass", "interpreter": ""}
    program = f"PATH={tmp_path}:$PATH\n" + ALL + "ready=\n" + call("ask_server", "1", **named) + 'echo "\\"$ready\\""\n'
    *answer, last = run(shell, program).splitlines()
    assert json.loads(last) == ready
    assert [json.loads(line) for line in answer] == ([{"server.answer": answered}] if answered else [])


@each_shell
def test_a_server_that_is_not_to_be_asked_is_not(shell: tuple[str, ...], tmp_path: Path) -> None:
    stub(tmp_path, "python3", "echo 1; exit 10")
    named = {"folder": str(tmp_path), "certificate": "c", "port": "9999", "interpreter": ""}
    for probe, printed in (("pass", ['{"server.answer":1}', "elsewhere"]), ("", ["here"])):
        asks = call("ask_server", "1", server_probe=probe, **named)
        program = f"PATH={tmp_path}:$PATH\n" + ALL + "ready=\n" + asks + 'echo "$ready"\n'
        assert run(shell, program).splitlines() == printed

"""How a log is printed, by the shells that hosts have."""

import json
from pathlib import Path
from typing import Any

import pytest
from shells import each_shell, records, run

from nbfab.host import MOST
from nbfab.program import call, functions, source

LOG = functions("look/json", "look/look", "look/logs", "look/process")


def printed(
    shell: tuple[str, ...], home: Path, part: str = "last", position: str = "", lines: str = "9"
) -> list[dict[str, Any]]:
    """What is printed of the log of a profile whose name has a blank."""
    looks = call(
        "look_log",
        profile="a b",
        log="server.log",
        lines=lines,
        part=part,
        position=position,
        log_probe=source("look/log_probe.py"),
    )
    return records(run(shell, LOG + looks, env={"HOME": str(home), "XDG_DATA_HOME": ""}))


@each_shell
def test_the_log_is_printed_with_its_times(shell: tuple[str, ...], tmp_path: Path) -> None:
    assert printed(shell, tmp_path) == [{"absent": True}]
    folder = tmp_path / ".local/share/nbfab/a b"
    folder.mkdir(parents=True)
    (folder / "server.log").write_text("2026-01-31T08:15:00.123456Z one\nno time\n")
    (folder / "environment").write_text("login\n3.11\n/no/such/python\n")
    *_, last = printed(shell, tmp_path)
    assert last["lines"] == [["2026-01-31T08:15:00.123456Z", "one"], [None, "no time"]]


def test_what_is_printed_at_once_is_bounded(tmp_path: Path) -> None:
    """JSON takes six bytes for one of a control character, and three for one of Cyrillic."""
    folder = tmp_path / ".local/share/nbfab/a b"
    folder.mkdir(parents=True)
    (folder / "server.log").write_bytes(b"2026-01-31T08:15:00.123456Z " + b"\x1b" * 60_000 + b"\n")
    (folder / "server.log").write_bytes((folder / "server.log").read_bytes() * 60 + "последняя\n".encode())
    found = printed(("sh",), tmp_path, lines="20000")
    assert len(json.dumps(found)) < MOST * 0.9
    assert found[-1]["lines"][-1] == [None, "последняя"]


def test_of_a_log_of_any_size_the_end_is_read(tmp_path: Path) -> None:
    folder = tmp_path / ".local/share/nbfab/a b"
    folder.mkdir(parents=True)
    with open(folder / "server.log", "wb") as file:
        file.write(b"first\n")
        file.truncate(8 << 30)  # takes no room on the disk, and would take it in memory
        file.seek(0, 2)
        file.write(b"\none\ntwo\n")
    *_, last = printed(("sh",), tmp_path)
    assert last["lines"][-2:] == [[None, "one"], [None, "two"]]


@each_shell
@pytest.mark.parametrize("line", ["2026-01-31T08:15:00.123456Z said", "said", "2026-01-31 said"])
def test_last_words_have_no_time(shell: tuple[str, ...], tmp_path: Path, line: str) -> None:
    (tmp_path / "log").write_text(f"first\n{line}\n")
    shown = run(shell, LOG + call("last_words", f"{tmp_path}/log", "1"))
    assert shown == ("2026-01-31 said\n" if line.startswith("2026-01-31 ") else "said\n")

"""How a log is printed, by the shells that hosts have."""

from pathlib import Path

import pytest
from shells import each_shell, records, run

from nbfab.program import call, functions, source

LOG = functions("look/json", "look/look", "look/logs", "look/process")


def printed(shell: tuple[str, ...], home: Path, part: str = "last", position: str = "") -> list[dict[str, object]]:
    """What is printed of the log of a profile whose name has a blank."""
    looks = call(
        "look_log", profile="a b", lines="9", part=part, position=position, log_probe=source("look/log_probe.py")
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


@each_shell
@pytest.mark.parametrize("line", ["2026-01-31T08:15:00.123456Z said", "said", "2026-01-31 said"])
def test_last_words_have_no_time(shell: tuple[str, ...], tmp_path: Path, line: str) -> None:
    (tmp_path / "log").write_text(f"first\n{line}\n")
    shown = run(shell, LOG + call("last_words", f"{tmp_path}/log", "1"))
    assert shown == ("2026-01-31 said\n" if line.startswith("2026-01-31 ") else "said\n")

"""What starts a server at boot, made and taken away, in the shells that hosts have."""

import os
import shlex
from pathlib import Path

import pytest
from home import snapshot
from shells import each_shell, run, stub

from nbfab.program import call, functions

ALL = functions("look/json", "look/process", "look/logind", "look/at_boot", "apply/write", "apply/at_boot")
LINE = "@reboot exec /bin/sh '/home/a b/at_boot.sh' # nbfab lab"
CRONTAB = """
case $1 in
-l) if [ -f {table} ]; then cat {table}; else echo "no crontab for ann" >&2; exit 1; fi ;;
-r) rm {table} ;;
-) cat >{table} ;;
esac"""


class Box:
    """A host with stand-ins for `crontab`, whose table is `table`, `loginctl` and `systemctl`."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.home, self.table = folder / "bin", folder / "home", folder / "table"
        self.bin.mkdir()
        self.home.mkdir()
        (folder / "nbfab").mkdir()
        self.base = folder / "nbfab"
        stub(self.bin, "crontab", CRONTAB.format(table=self.table))
        stub(self.bin, "loginctl", "case $1 in show-user) echo Linger=yes ;; esac")

    def run(self, shell: tuple[str, ...], function: str, status: int = 0, **named: str) -> str:
        """What a call prints, also on standard error."""
        env = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home)}
        program = f"exec 2>&1\numask 077\ncd {shlex.quote(str(self.base))}\nbase=$PWD\n"
        return run(shell, program + ALL + call(function, profile="lab", **named), env=env, status=status)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


TABLES = (
    b"",
    b"0 1 * * * true\n",
    b"# caf\xe9 \\% %\n\n\n*/5 * * * * echo '$HOME' `id`\n\n",
    b"@reboot true # nbfab labs\n@reboot true # nbfab la\n# nbfab lab\n@reboot true # nbfab lab too\n",
    b"-n\n\\n\t \\c\n",
    b"0 1 * * * true # no newline at the end",
)


@each_shell
@pytest.mark.parametrize("table", TABLES)
def test_other_lines_of_a_crontab_stay_byte_for_byte(shell: tuple[str, ...], table: bytes, box: Box) -> None:
    if table:
        box.table.write_bytes(table)
    others = table if table.endswith(b"\n") or not table else table + b"\n"
    for _ in range(2):
        assert box.run(shell, "start_at_boot", unit="", line=LINE) == ""
        assert box.table.read_bytes() == others + LINE.encode() + b"\n"
    # One of another release, and one too many, are replaced.
    box.table.write_bytes(b"@reboot old # nbfab lab\n" + others + b"@reboot old # nbfab lab\n")
    assert box.run(shell, "start_at_boot", unit="", line=LINE) == ""
    assert box.table.read_bytes() == others + LINE.encode() + b"\n"
    for _ in range(2):
        assert box.run(shell, "stay_down_at_boot") == ""
        assert box.table.exists() == bool(table)
        assert not table or box.table.read_bytes() == others
    assert sorted(snapshot(box.home)) == ["."]


@each_shell
def test_a_crontab_that_cannot_be_read_is_not_written(shell: tuple[str, ...], box: Box) -> None:
    words = "You (ann) are not allowed to use this program (crontab)"
    box.table.write_text("0 1 * * * true\n")
    stub(box.bin, "crontab", f'case $1 in -l) echo "{words}" >&2; exit 1 ;; *) echo changed >{box.table} ;; esac')
    assert box.run(shell, "start_at_boot", 1, unit="", line=LINE) == f"{words}\n"
    assert box.run(shell, "stay_down_at_boot") == ""
    assert box.table.read_text() == "0 1 * * * true\n"


@each_shell
def test_what_another_run_adds_meanwhile_stays(shell: tuple[str, ...], box: Box) -> None:
    box.table.write_text("0 1 * * * true\n")
    other = "@reboot exec /bin/sh /x/at_boot.sh # nbfab other"
    adds = (
        f"if [ -f {box.base}/again ]; then : >{box.base}/added; echo '{other}' >>{box.table}; rm {box.base}/again; fi"
    )
    first = f"if [ $1 = -l ] && [ ! -f {box.base}/added ]; then : >{box.base}/again; fi"
    stub(box.bin, "crontab", f"{first}{CRONTAB.format(table=box.table)}\n{adds}")
    box.run(shell, "start_at_boot", unit="", line=LINE)
    assert box.table.read_text() == f"0 1 * * * true\n{other}\n{LINE}\n"


@each_shell
def test_a_unit_is_enabled_and_goes_with_the_folders_that_it_took(shell: tuple[str, ...], box: Box) -> None:
    (box.home / ".config").mkdir()
    before = snapshot(box.home)
    unit = '[Service]\nExecStart=/bin/sh "/home/a b/at_boot.sh"\n'
    place = box.home / ".config/systemd/user/nbfab-lab.service"
    for _ in range(2):
        assert box.run(shell, "start_at_boot", unit=unit, line="") == ""
        assert place.read_text() == unit
        assert (place.parent / "default.target.wants/nbfab-lab.service").read_text() == unit
    # What is not nbfab's stays.
    own = place.parent / "own.service"
    own.write_text("[Unit]\n")
    assert box.run(shell, "start_at_boot", unit="", line=LINE) == ""
    assert box.table.read_text() == f"{LINE}\n"
    assert sorted(path.name for path in place.parent.iterdir()) == ["own.service"]
    assert box.run(shell, "start_at_boot", unit=unit, line="") == ""
    assert not box.table.exists()
    own.unlink()
    (box.base / "at_boot.sh").write_text("")
    assert box.run(shell, "stay_down_at_boot") == ""
    assert snapshot(box.home) == before
    assert sorted(path.name for path in box.base.iterdir()) == [".made"]


@each_shell
def test_lingering_that_cannot_be_turned_on_is_said_in_the_host_s_words(shell: tuple[str, ...], box: Box) -> None:
    stub(box.bin, "loginctl", "case $1 in show-user) echo Linger=no ;; *) echo Access denied >&2; exit 1 ;; esac")
    said = box.run(shell, "start_at_boot", 1, unit="[Unit]\n", line="")
    assert "lingering cannot be turned on for " in said
    assert said.endswith(": Access denied\n")
    assert sorted(snapshot(box.home)) == ["."]

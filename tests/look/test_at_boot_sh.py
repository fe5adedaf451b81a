"""What starts a server at boot, and what could, as the shells that hosts have see it."""

import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from shells import each_shell, records, run, stub

from nbfab.look.facts import _GROUPS
from nbfab.program import call, functions

LOOK = functions("look/json", "look/process", "look/logind", "look/at_boot")
TABLE = "0 1 * * * true # nbfab lab\n@reboot x # nbfab lab2\n@reboot exec 'a b' \\% # nbfab lab\n"
LINE = "@reboot exec 'a b' \\% # nbfab lab"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A host: `bin` is first in its PATH, `home` its home folder, `profile` the profile's."""
    for name in ("bin", "home", "profile"):
        (tmp_path / name).mkdir()
    return tmp_path


def looks(shell: tuple[str, ...], place: Path, **given: str) -> dict[str, Any]:
    """The facts that a look at the host finds."""
    program = f"{LOOK}folder={shlex.quote(str(place / 'profile'))}\n"
    arguments = {"profile": "lab", "at_boot": "", "removing": ""} | given
    env = {"PATH": f"{place / 'bin'}:{os.environ['PATH']}", "HOME": str(place / "home")}
    found = records(run(shell, program + call("look_at_boot", **arguments) + call("print_facts"), env=env))
    facts = {name: value for record in found for name, value in record.items()}
    fields = _GROUPS["at_boot"].__dataclass_fields__
    for name, value in facts.items():
        fields[name.removeprefix("at_boot.")].metadata["parse"](value)
    return {name.removeprefix("at_boot."): value for name, value in facts.items()}


@each_shell
def test_what_is_not_wanted_is_not_looked_for(shell: tuple[str, ...], place: Path) -> None:
    stub(place / "bin", "crontab", "cat <<'EOF'\n" + TABLE + "EOF")
    assert looks(shell, place) == {}
    assert looks(shell, place, at_boot="off") == {}
    (place / "profile/at_boot.sh").write_text("")
    assert looks(shell, place)["line"] == LINE
    (place / "profile/at_boot.sh").unlink()
    assert looks(shell, place, removing="yes")["line"] == LINE
    assert looks(shell, place, at_boot="on")["line"] == LINE


@each_shell
def test_a_unit_and_its_link_are_seen(shell: tuple[str, ...], place: Path) -> None:
    units = place / "home/.config/systemd/user"
    (units / "default.target.wants").mkdir(parents=True)
    (units / "nbfab-lab.service").write_text('[Service]\nExecStart=/bin/sh "a\\\\b"\n')
    (units / "nbfab-lab2.service").write_text("other")
    seen = looks(shell, place, at_boot="on")
    assert seen["unit"] == '[Service]\nExecStart=/bin/sh "a\\\\b"'
    assert "enabled" not in seen
    (units / "default.target.wants/nbfab-lab.service").symlink_to("../nbfab-lab.service")
    assert looks(shell, place, at_boot="on")["enabled"] == "yes"


@each_shell
@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("no crontab for ann", False),
        ("crontab: no crontab for ann", False),
        ("crontab: can't open 'ann': No such file or directory", False),
        ("You (ann) are not allowed to use this program (crontab)", True),
        ("", True),
    ],
)
def test_a_crontab_that_is_not_there_is_told_from_one_that_cannot_be_read(
    shell: tuple[str, ...], words: str, refused: bool, place: Path
) -> None:
    stub(place / "bin", "crontab", f"echo {shlex.quote(words)} >&2; exit 1")
    seen = looks(shell, place, at_boot="on")
    assert (seen["cron"] == "refused") == refused
    assert seen.get("refusal", "") == (words if refused else "")
    assert seen.get("line", "") == ""

"""What the slips have of a handout: a password only if it counts."""

from pathlib import Path

import pytest

from nbfab.errors import UsageError
from nbfab.fix import Command
from nbfab.fleet import sheet
from nbfab.fleet.handout import UNCERTAIN
from nbfab.fleet.sheet import Row
from nbfab.fleet.slips import Slip, slips
from nbfab.inventory.hosts import InventoryHost
from nbfab.inventory.yaml12 import Place
from nbfab.settings import Settings

SAID: list[str] = []


def slip(path: Path, name: str = "s01", *, profile: str = "nbserver", **values: str) -> Slip:
    """The slip of one host."""
    host = InventoryHost(name, Place("x"), values=values)
    (made,) = slips(
        [(host, Settings.parse({"profile": profile, "port": 8888}))], path, Command("fleet.setup"), SAID.append
    )
    return made


@pytest.mark.parametrize(
    ("note", "password", "why_not"),
    [
        ("", "abcde-fghij", ""),
        ("given to desk 7", "abcde-fghij", ""),
        (UNCERTAIN, "", UNCERTAIN),
        (
            "no longer valid: the host has no password (seen 2026-09-01)",
            "",
            "no longer valid: the host has no password",
        ),
    ],
)
def test_a_password_that_may_not_count_is_on_no_slip(tmp_path: Path, note: str, password: str, why_not: str) -> None:
    path = tmp_path / "x.csv"
    sheet.add(path, Row("s01", "https://s01:1/", "abcde-fghij", note, "s01", "nbserver", "AA"))
    made = slip(path)
    assert (made.url, made.fingerprint, made.password) == ("https://s01:1/", "AA", password)
    assert made.why_not.startswith(why_not)
    assert bool(made.why_not) == bool(why_not)


def test_of_two_rows_the_one_that_counts(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    sheet.add(path, Row("s01", "https://s01:1/", "abcde-fghij-old", profile="nbserver"))
    sheet.add(path, Row("s01", "https://s01:1/", "abcde-fghij-new", UNCERTAIN, profile="nbserver"))
    assert slip(path).password == "abcde-fghij-old"


def test_a_host_without_a_row_has_the_url_of_its_inventory(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    sheet.add(path, Row("s01", "https://s01:1/", "abcde-fghij", profile="second"))
    sheet.add(path, Row("=s02", "https://s02:1/", "abcde-fghij", profile="nbserver"))
    made = slip(path, address="::1")
    assert (made.url, made.password, made.why_not) == ("https://[::1]:8888/", "", f"it is not in {path}")
    assert slip(path, profile="second").password == "abcde-fghij"
    assert slip(path, "=s02").password == "abcde-fghij"


def test_a_handout_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    sheet.add(path, Row("s01", "https://s01:1/", "abcde-fghij"))
    SAID.clear()
    for mode, said in ((0o600, []), (0o640, [f"{path} could be read by others; now only you can"])):
        path.chmod(mode)
        slip(path)
        assert (said, 0o600) == (SAID, path.stat().st_mode & 0o777)


def test_without_a_handout_there_is_nothing_to_print(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no .*x\.csv yet") as raised:
        slip(tmp_path / "x.csv")
    assert raised.value.hint == "fleet.setup"
    (tmp_path / "x.csv").write_text("bread\n")
    with pytest.raises(UsageError, match="could not be read: its first line does not name"):
        slip(tmp_path / "x.csv")

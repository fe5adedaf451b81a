"""The sheet of passwords: it lists what is in place, says what is not certain, and loses none."""

import csv
import os
import stat
import string
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.errors import UsageError
from nbfab.fleet import handed, sheet
from nbfab.fleet.handed import Handed
from nbfab.fleet.handout import UNCERTAIN, Handout
from nbfab.fleet.sheet import Row, cell
from nbfab.fleet.state import state_file
from nbfab.inventory.hosts import InventoryHost
from nbfab.inventory.place import Place
from nbfab.outcome import Logged, Outcome
from nbfab.passwords import Password, generate
from nbfab.settings import Settings

SETTINGS = Settings()


class Box:
    """A host that is not there."""

    local, ssh, remarks = False, "", ()

    def __init__(self, label: str) -> None:
        self.label, self.names = label, (f"{label}.example.org",)

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        raise AssertionError

    def close(self) -> None:
        pass

    def renew(self) -> None:
        pass


class Unattended:
    """A console at which no one sits."""

    def types_password(self, question: str) -> Password | None:
        return None

    def confirms(self, question: str) -> bool:
        return False

    def allows(self, question: str) -> bool:
        return False

    def unlocks(self, question: str) -> str | None:
        return None

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        return None

    def reads(self, line: str) -> None:
        pass

    def shows(self, outcome: Outcome) -> None:
        pass

    def prints(self, host: str, lines: Sequence[Logged]) -> None:
        pass


ONE, TWO = Box("one"), Box("two")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def handout() -> Handout:
    return Handout([InventoryHost(box.label, Place("x")) for box in (ONE, TWO)], Unattended(), Path("hosts.yaml"))


def rows(path: str | Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def sheets() -> list[Path]:
    return list(Path().glob("*.csv"))


def test_a_row_is_written_once_the_host_has_the_hash() -> None:
    run = handout()
    password = run.password(ONE, SETTINGS)
    assert not password.generated  # no report shows it
    assert (run.path, sheets()) == ("", [])
    run.is_set("one", certain=True)
    assert not run.ends("one")
    assert run.path == str(Path("hosts-passwords.csv").absolute())
    assert rows(run.path) == [
        {
            "host": "one",
            "url": "https://one.example.org:9999/",
            "password": password.reveal(),
            "note": "",
            "address": "one.example.org",
            "profile": "nbserver",
            "fingerprint": "",
        }
    ]
    assert stat.S_IMODE(Path(run.path).stat().st_mode) == 0o600


def test_a_password_that_the_host_never_got_leaves_nothing() -> None:
    run = handout()
    run.password(ONE, SETTINGS)
    run.ends("one")
    run.close()
    assert (run.path, sheets()) == ("", [])
    assert not handed.read(state_file(Path("hosts.yaml"), ".passwords")).sent


def test_a_password_that_the_host_may_have_is_written_with_a_note() -> None:
    run = handout()
    for box, certain in ((ONE, False), (TWO, True)):
        run.password(box, SETTINGS)
        run.is_set(box.label, certain=certain)
        run.ends(box.label)
    assert [(row["host"], row["note"]) for row in rows(run.path)] == [("one", UNCERTAIN), ("two", "")]


def test_a_host_that_no_one_waits_for_keeps_its_row() -> None:
    run = handout()
    run.password(ONE, SETTINGS)
    run.close()
    run.is_set("one", certain=True)  # it goes on for a moment
    assert [row["note"] for row in rows(run.path)] == [UNCERTAIN]


def test_the_next_run_corrects_what_was_not_certain() -> None:
    run = handout()
    passwords = [run.password(box, SETTINGS) for box in (ONE, TWO)]
    for box in (ONE, TWO):
        run.is_set(box.label, certain=False)
        run.ends(box.label)
    later = handout()
    later.sees(ONE, SETTINGS, passwords[0].hash)
    later.sees(TWO, SETTINGS, generate().hash)
    first, second = rows(run.path)
    assert first["note"] == ""
    assert second["note"].startswith("no longer valid: another password has been set on the host since (seen ")
    assert [first["password"], second["password"]] == [password.reveal() for password in passwords]
    assert later.corrected == {run.path}
    assert later.path == ""


def test_a_row_says_that_another_password_was_set_and_that_it_is_back() -> None:
    run = handout()
    password = run.password(ONE, SETTINGS)
    run.is_set("one", certain=True)
    run.ends("one")
    other = handout()
    other.sees(ONE, SETTINGS, generate().hash)
    assert rows(run.path)[0]["note"].startswith("no longer valid: another password")
    gone = handout()
    gone.sees(ONE, SETTINGS, "")
    assert rows(run.path)[0]["note"].startswith("no longer valid: the host has no password")
    back = handout()
    back.sees(ONE, SETTINGS, password.hash)
    assert rows(run.path)[0]["note"] == ""
    assert stat.S_IMODE(Path(run.path).stat().st_mode) == 0o600


def test_a_hash_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = handout()
    password = run.password(ONE, SETTINGS)
    run.is_set("one", certain=True)
    run.sees(ONE, SETTINGS, password.hash)
    other = generate().hash
    handout().sees(ONE, SETTINGS, other)
    monkeypatch.setattr(Password, "fits", lambda self, known: pytest.fail("compared again"))
    handout().sees(ONE, SETTINGS, other)
    handout().sees(TWO, SETTINGS, other)  # which has no row
    handout().sees(ONE, Settings.parse({"profile": "second"}), password.hash)  # nor has this one


def test_what_people_add_to_a_sheet_stays() -> None:
    run = handout()
    for box in (ONE, TWO):
        run.password(box, SETTINGS)
        run.is_set(box.label, certain=True)
    whole = [row | {"given to": f"person {at}, desk {at}"} for at, row in enumerate(rows(run.path))]
    with open(run.path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(whole[0]))
        writer.writeheader()
        writer.writerows(whole)
    handout().sees(ONE, SETTINGS, generate().hash)
    assert [row["given to"] for row in rows(run.path)] == ["person 0, desk 0", "person 1, desk 1"]
    assert [bool(row["note"]) for row in rows(run.path)] == [True, False]


def test_a_sheet_that_was_moved_or_replaced_by_a_link_is_left_alone(tmp_path: Path) -> None:
    run = handout()
    run.password(ONE, SETTINGS)
    run.is_set("one", certain=True)
    elsewhere = tmp_path / "elsewhere"
    Path(run.path).rename(elsewhere)
    before = elsewhere.read_text()
    handout().sees(ONE, SETTINGS, generate().hash)
    Path(run.path).symlink_to(elsewhere)
    handout().sees(ONE, SETTINGS, generate().hash)
    assert elsewhere.read_text() == before


def test_a_run_that_was_killed_has_its_password_handed_out_by_the_next() -> None:
    child = os.fork()
    if not child:
        run = handout()
        for box in (ONE, TWO):
            made = run.password(box, SETTINGS)
            Path(f"{box.label}.hash").write_text(made.hash)
        os._exit(0)  # as by SIGKILL: nothing else runs
    os.waitpid(child, 0)
    assert not sheets()
    later = handout()
    later.sees(ONE, SETTINGS, Path("one.hash").read_text())
    later.sees(TWO, SETTINGS, "")  # which never got it
    (row,) = rows(later.path)
    assert (row["host"], row["note"]) == ("one", "")
    assert Password(row["password"]).fits(Path("one.hash").read_text())
    assert not handed.read(state_file(Path("hosts.yaml"), ".passwords")).sent


def test_a_run_at_work_is_left_its_passwords() -> None:
    run = handout()
    password = run.password(ONE, SETTINGS)
    record = state_file(Path("hosts.yaml"), ".passwords")
    with handed.changed(record) as known:
        known.sent[0].pid = os.getppid()
    handout().sees(ONE, SETTINGS, password.hash)
    assert not sheets()
    assert len(handed.read(record).sent) == 1


def test_a_folder_without_room_is_found_before_a_host_gets_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**where: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(UsageError, match=r"hosts-passwords\.csv could not be written: No space left") as raised:
        handout().check()
    assert raised.value.hint == f"df {Path.cwd()}; ls -ld {Path.cwd()}"


def link(path: Path) -> None:
    Path("elsewhere").write_text("host,url,password\n")
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (link, "it is a symbolic link"),
        (Path.mkdir, "it is not a regular file"),
        (os.mkfifo, "it is not a regular file"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "it is not a CSV file"),
        (lambda path: path.write_text('host,url,password\n"one'), "it is not a CSV file"),
        (lambda path: path.write_text("groceries\nbread\n"), "its first line does not name the columns"),
        (lambda path: path.write_text("host,url,password,password\n"), "its first line does not name the columns"),
    ],
)
def test_what_is_no_sheet_is_refused_and_stays(make: Callable[[Path], object], why: str) -> None:
    path = Path("hosts-passwords.csv")
    make(path)
    kept = (path.lstat().st_mode, path.lstat().st_size)
    with pytest.raises(UsageError, match=f"cannot hold the passwords: {why}") as raised:
        handout().check()
    assert (path.lstat().st_mode, path.lstat().st_size) == kept
    subprocess.run(["sh", "-c", raised.value.hint], stdin=subprocess.DEVNULL, check=True)
    assert handout().check() == ""


def test_a_sheet_that_others_could_read_is_made_private_and_that_is_told() -> None:
    path = Path("hosts-passwords.csv")
    path.write_text("host,url,password\none,,abcde-fghij\n")
    path.chmod(0o644)
    assert "could be read by others; now only you can" in handout().check()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert handout().check() == ""
    assert path.read_text() == "host,url,password\none,,abcde-fghij\n"


def generated(run: Handout, box: Box, *, certain: bool = True, settings: Settings = SETTINGS) -> str:
    """A password that a run makes for a host, and that the host gets."""
    made = run.make(box, settings)
    run.is_set(box.label, certain=certain)
    run.ends(box.label)
    return made.reveal()


def test_a_new_password_takes_the_place_of_the_old_one_and_no_other_row_changes() -> None:
    for box in (TWO, ONE):
        generated(handout(), box)
    before = rows("hosts-passwords.csv")
    assert [row["host"] for row in before] == ["two", "one"]  # of a run that knows no order
    with open("hosts-passwords.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [*before[0], "given to"])
        writer.writeheader()
        writer.writerows([before[0] | {"given to": "desk 7"}, before[1] | {"given to": "desk 3"}])
    run = Handout(
        [InventoryHost("one", Place("x"))], Unattended(), Path("hosts.yaml"), order=("zero", "one", "half", "two")
    )
    new, half = generated(run, ONE), generated(run, Box("half"))
    assert [(row["host"], row["password"], row["given to"]) for row in rows(run.path)] == [
        ("one", new, "desk 3"),
        ("half", half, ""),
        ("two", before[0]["password"], "desk 7"),
    ]
    assert new != before[1]["password"]
    assert sheets() == [Path("hosts-passwords.csv")]


def test_until_a_new_password_is_certain_the_old_one_stays() -> None:
    for counts in ("old", "new"):
        old = generated(handout(), ONE)
        new = generated(handout(), ONE, certain=False)
        assert [(row["password"], row["note"]) for row in rows("hosts-passwords.csv")] == [(old, ""), (new, UNCERTAIN)]
        right = {"old": old, "new": new}[counts]
        handout().sees(ONE, SETTINGS, Password(right).hash)
        assert [(row["password"], row["note"]) for row in rows("hosts-passwords.csv")] == [(right, "")]


def test_of_runs_at_once_none_loses_a_row_of_another() -> None:
    children = []
    for number in range(4):
        if not (child := os.fork()):
            for at in range(5):
                generated(handout(), Box(f"h{number}{at}"))
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert len({row["host"] for row in rows("hosts-passwords.csv")}) == 20


def test_another_profile_has_a_row_of_its_own() -> None:
    second = Settings.parse({"profile": "second"})
    first = generated(handout(), ONE)
    other = generated(handout(), ONE, settings=second)
    handout().sees(ONE, second, generate().hash)
    notes = {row["profile"]: (row["password"], row["note"][:9]) for row in rows("hosts-passwords.csv")}
    assert notes == {"nbserver": (first, ""), "second": (other, "no longer")}


def test_a_row_follows_its_host_to_another_url_and_certificate() -> None:
    run, told = handout(), {"fingerprint": "AA:BB"}
    password = generated(run, ONE)
    run.tells(ONE, SETTINGS, Outcome("one", "setup", "changed", url="https://one.example.org:9999/", state=told))
    run.tells(TWO, SETTINGS, Outcome("two", "setup", "changed", url="https://two.example.org:9999/", state=told))
    run.close()
    (row,) = rows(run.path)  # the other host has no password here
    assert (row["fingerprint"], run.updated) == ("AA:BB", set())
    later = handout()
    moved = Outcome("one", "status", "unchanged", url="https://one.example.org:8888/", state={"fingerprint": "CC"})
    for _ in range(2):
        later.tells(ONE, SETTINGS, moved)
        later.close()
    (row,) = rows(run.path)
    assert (row["url"], row["fingerprint"], row["password"]) == ("https://one.example.org:8888/", "CC", password)
    assert later.updated == {run.path}
    assert later.path == ""


def test_sheets_of_earlier_releases_come_along() -> None:
    old = Path("nbfab-passwords-20260101-080000-77.csv").absolute()
    old.write_text(
        "host,url,password,note\none,https://one:1/,abcde-fghij-old,\ntwo,,abcde-fghij-gone,no longer valid\n"
    )
    record = state_file(Path("hosts.yaml"), ".passwords")
    with handed.changed(record) as known:
        known.rows += [Handed(str(old), box.label, f"{box.names[0]} nbserver", "x") for box in (ONE, TWO)]
    generated(handout(), TWO)
    assert [(row["host"], row["password"] == "abcde-fghij-old") for row in rows("hosts-passwords.csv")] == [
        ("one", True),
        ("two", False),
    ]


def test_a_sheet_that_cannot_be_written_in_the_end_is_told_and_the_next_run_writes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = handout()
    run.password(ONE, SETTINGS)

    def full(path: Path, row: Row, *, order: Sequence[str]) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sheet, "add", full)
        run.is_set("one", certain=True)
    assert "No space left on device" in run.ends("one")
    assert len(handed.read(state_file(Path("hosts.yaml"), ".passwords")).sent) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'    =1"),
        ("\r=1", "'\\r=1"),
        ("\uff1d1", "'\uff1d1"),
        ("gpu1", "gpu1"),
        ("x\x1b]0;PWN\x07\nfake,row", "x\\x1b]0;PWN\\x07\\nfake,row"),
    ],
)
def test_no_cell_is_a_formula(text: str, shown: str) -> None:
    assert cell(text) == shown


@given(st.text(st.characters()), st.text(st.characters()))
def test_a_sheet_has_a_line_for_a_row_whatever_the_names_are(host: str, url: str) -> None:
    path = Path("some.csv")
    path.unlink(missing_ok=True)
    sheet.add(path, Row(host, url, "abcde-fghij", profile="nbserver"))
    sheet.add(path, Row("next\n", "", "abcde-fghij"))
    head, first, _ = path.read_text().splitlines()
    assert head == "host,url,password,note,address,profile,fingerprint"
    cells = next(csv.reader([first]))
    assert cells[2:] == ["abcde-fghij", "", "", "nbserver", ""]
    assert not any(text.startswith(tuple("=+-@\t\r")) for text in cells)
    assert sheet.passwords(path, host, "nbserver")[:1] == ["abcde-fghij"]


def test_a_generated_password_is_no_formula() -> None:
    for _ in range(200):
        assert generate().reveal()[0] in string.ascii_lowercase + string.digits

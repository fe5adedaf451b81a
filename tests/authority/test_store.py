"""What is kept of authorities: those that can be read, those that are broken, and what they have issued."""

import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from authorities import authority, signer
from plan_cases import DAY, NOW

from nbfab.authority import issued, store
from nbfab.authority.authority import Authority
from nbfab.plan import pem


def lose(made: Authority) -> None:
    (made.folder / "root.pem").unlink()


def cut(made: Authority) -> None:
    file = made.folder / "root.pem"
    file.write_bytes(file.read_bytes()[:200])


def change(made: Authority) -> None:
    file = made.folder / "root.pem"
    file.write_text(pem.make(("localhost",), 1, NOW, NOW, None, signer(made)).split("KEY-----\n")[-1])


@pytest.mark.parametrize(
    ("harm", "why"), [(lose, "its root is lost"), (cut, "its root is broken"), (change, "its root is broken")]
)
def test_one_that_is_broken_does_not_hide_another(harm: Callable[[Authority], None], why: str, home: Path) -> None:
    broken, good = authority("a.example.org"), authority("b.example.org")
    harm(broken)
    found = store.look()
    assert found.authorities == store.authorities() == (good,)
    ((folder, words),) = found.broken
    assert folder == broken.folder
    assert words.startswith(why)


def test_the_oldest_comes_first_also_of_one_second(home: Path) -> None:
    made = [authority("a.example.org") for _ in range(6)]
    assert list(store.authorities()) == made


def test_without_any_there_are_none(home: Path) -> None:
    assert store.look() == store.Found(())
    assert not home.exists()


def leaf(of: Authority, *names: str) -> str:
    return pem.make((*names, "localhost"), 365, NOW, NOW, None, signer(of))


def record(of: Authority, host: str, profile: str, *names: str, now: float = NOW) -> None:
    made = pem.load(leaf(of, *names))
    assert made
    issued.record(of, host, profile, names, made, now)


def test_what_was_issued_is_a_line_for_each(home: Path) -> None:
    made = authority("lab.example.org", "10.3.0.0/16")
    record(made, "ann@gpu1:2222", "nbserver", "gpu1.lab.example.org")
    record(made, "gpu2", "nbserver", "10.3.0.7")
    file = made.folder / "issued.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert list(first) == list(issued.KEYS)
    assert (first["host"], first["profile"], first["names"]) == ("ann@gpu1:2222", "nbserver", ["gpu1.lab.example.org"])
    assert (first["time"], first["ends"]) == ("2027-01-15T08:00:00Z", "2028-01-15T08:00:00Z")
    assert second["names"] == ["10.3.0.7"]
    assert issued.read(made) == [first, second]


def test_the_names_that_a_host_got_last(home: Path) -> None:
    one, two = authority("lab.example.org"), authority("new.example.org")
    record(one, "gpu1", "nbserver", "gpu1.lab.example.org", "old.lab.example.org")
    record(one, "gpu1", "other", "other.lab.example.org", now=NOW + 3 * DAY)
    record(one, "gpu11", "nbserver", "gpu11.lab.example.org", now=NOW + 3 * DAY)
    assert issued.names((one, two), "gpu1", "nbserver") == ("gpu1.lab.example.org", "old.lab.example.org")
    record(two, "gpu1", "nbserver", "gpu1.new.example.org", now=NOW + DAY)
    assert issued.names((one, two), "gpu1", "nbserver") == ("gpu1.new.example.org",)
    assert issued.names((one, two), "gpu2", "nbserver") == ()


def test_a_line_that_makes_no_sense_is_left_out_and_one_that_is_torn_costs_no_other(home: Path) -> None:
    made = authority("lab.example.org")
    file = made.folder / "issued.jsonl"
    odd = json.dumps(dict.fromkeys(issued.KEYS, 7))
    file.write_text(f'[]\n{odd}\n\n{{"host": "gpu1"')
    record(made, "gpu1", "nbserver", "gpu1.lab.example.org")
    assert [line["host"] for line in issued.read(made)] == ["gpu1"]
    assert issued.names((made,), "gpu1", "nbserver") == ("gpu1.lab.example.org",)


def test_hosts_that_end_at_the_same_time_lose_no_line(home: Path) -> None:
    made = authority("lab.example.org")
    cert = pem.load(leaf(made, "x.lab.example.org"))
    assert cert

    def many(number: int) -> None:
        for _ in range(20):
            issued.record(made, f"gpu{number}", "nbserver", ["x.lab.example.org"], cert, NOW)

    threads = [threading.Thread(target=many, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = issued.read(made)
    assert len(lines) == 160
    assert {line["host"] for line in lines} == {f"gpu{number}" for number in range(8)}

"""Where the owner has logged in from, over restarts."""

from pathlib import Path

import pytest

from nbfab.server.known import MOST, Known


def test_it_outlasts_a_restart_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_text("[]")
    file.chmod(0o644)
    known = Known(str(file))
    known.add("192.0.2.1")
    assert "192.0.2.1" in known
    assert "192.0.2.1" in Known(str(file))
    assert "192.0.2.2" not in Known(str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["known.json"]


def test_it_keeps_the_last_ones(tmp_path: Path) -> None:
    known = Known(str(tmp_path / "known.json"))
    for number in range(MOST + 10):
        known.add(f"10.0.{number // 256}.{number % 256}")
        known.add("192.0.2.1")
    again = Known(str(tmp_path / "known.json"))
    assert "192.0.2.1" in again
    assert "10.0.1.9" in again
    assert "10.0.0.10" not in again
    assert len((tmp_path / "known.json").read_text()) < 8000


@pytest.mark.parametrize(
    "text", ["", "{", "null", '{"192.0.2.1": 1}', '[1, null, ["x"], "' + "1" * 99 + '"]', "[" * 9999]
)
def test_a_file_that_is_not_ours_is_no_reason_to_fail(text: str, tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text(text)
    known = Known(str(tmp_path / "known.json"))
    assert "192.0.2.1" not in known
    known.add("192.0.2.1")
    assert "192.0.2.1" in Known(str(tmp_path / "known.json"))


def test_what_cannot_be_written_still_counts(tmp_path: Path) -> None:
    known = Known(str(tmp_path / "missing" / "known.json"))
    with pytest.raises(OSError, match=r"known\.json"):
        known.add("192.0.2.1")
    assert "192.0.2.1" in known

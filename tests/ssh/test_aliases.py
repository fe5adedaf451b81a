"""Which names of hosts stand in ssh_config."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.ssh.aliases import aliases


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("Host gpu1\n  HostName 10.0.0.1\n", ["gpu1"]),
        ("host gpu1 gpu2\nHOST gpu1\n", ["gpu1", "gpu2"]),
        ('Host = gpu1\nHost="gpu 2" gpu3 # and a comment\n', ["gpu1", "gpu 2", "gpu3"]),
        ("Host * !gpu1 gpu? %h\n# Host gpu4\n", []),
        ("HostName gpu1\nMatch host gpu2\n", []),
        ('Host "gpu1\nHost gpu2\n', ["gpu2"]),
    ],
)
def test_only_names_after_host_count(tmp_path: Path, text: str, found: list[str]) -> None:
    (tmp_path / "config").write_text(text)
    assert aliases(str(tmp_path / "config")) == found


def test_included_files_are_read_and_one_that_includes_itself_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh/d").mkdir(parents=True)
    (tmp_path / ".ssh/config").write_text(f"Include d/* {tmp_path}/more none\nHost last\n")
    (tmp_path / ".ssh/d/a").write_text("Host a\nInclude d/a\n")
    (tmp_path / "more").write_text("Host b\n")
    assert aliases() == ["a", "b", "last"]


def test_a_file_that_is_not_there_names_none(tmp_path: Path) -> None:
    assert aliases(str(tmp_path / "config")) == []


@given(st.text())
def test_no_text_is_too_odd(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("ssh") / "config"
    file.write_text(text, encoding="utf-8", errors="replace")
    assert all(name and not set(name) & set("*?!%") for name in aliases(str(file)))

"""How a browser gets its login."""

import asyncio
import os
from pathlib import Path

import pytest

from nbfab.tunnel import handover, once


@pytest.mark.parametrize(
    ("place", "told", "anyway", "way"),
    [
        ("bin", True, False, "file"),
        ("bin", False, False, "file"),
        ("snap/bin", True, False, "served"),
        ("snap/bin", False, False, ""),
        ("snap/bin", False, True, "anyone"),
        ("gone", True, False, "served"),
        ("gone", False, False, ""),
    ],
)
def test_what_can_be_checked_decides(tmp_path: Path, place: str, told: bool, anyway: bool, way: str) -> None:
    file = tmp_path / place / "it"
    if place != "gone":
        file.parent.mkdir(parents=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    env = {"PATH": str(file.parent)}
    assert handover.way("it", env, anyway=anyway, can_tell=lambda: told) == way


def test_windows_reads_no_file_of_linux(tmp_path: Path) -> None:
    (tmp_path / "wslview").write_text("#!/bin/sh\n")
    (tmp_path / "wslview").chmod(0o755)
    env = {"PATH": str(tmp_path), "WSL_DISTRO_NAME": "Debian"}
    assert handover.way("wslview", env, anyway=False, can_tell=lambda: True) == ""
    assert handover.way("wslview", env, anyway=True, can_tell=lambda: True) == "anyone"


def test_no_file_that_others_could_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on file systems that know no modes."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(once.tempfile, "tempdir", None)
    mkdtemp = once.tempfile.mkdtemp

    def open_to_all(**more: str) -> str:
        os.chmod(folder := mkdtemp(**more), 0o755)
        return folder

    monkeypatch.setattr(once.tempfile, "mkdtemp", open_to_all)
    with pytest.raises(once.NoLogin, match="others could read"):
        asyncio.run(handover.page("file", "https://localhost:1", "the-nonce", print))
    assert not list(tmp_path.iterdir())

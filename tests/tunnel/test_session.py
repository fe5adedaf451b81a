"""Sessions over a ControlMaster that is there already."""

import asyncio
import logging
from pathlib import Path

import pytest

from nbfab.tunnel import session


def test_a_session_that_has_just_ended_is_not_talked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is logged would stand among what the user reads."""
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\ncat\nexec >&-\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    async def several() -> None:
        for _ in range(100):
            assert await session.run("/socket", "said") == "said"

    with caplog.at_level(logging.WARNING):
        asyncio.run(several())
    assert not caplog.records

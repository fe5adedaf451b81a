"""Whether a browser is started, and how."""

import time
from pathlib import Path

import pytest
from sshd import wait_until

from nbfab.tunnel import browser

SHOWN = {"DISPLAY": ":0"}


@pytest.mark.parametrize(
    ("env", "uid", "name", "said"),
    [
        (SHOWN, 1000, "firefox", ""),
        ({"WAYLAND_DISPLAY": "wayland-0"}, 1000, "xdg-open", ""),
        ({"BROWSER": "mine"}, 1000, "mine", ""),
        (SHOWN, 0, "firefox", "as root"),
        ({**SHOWN, "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, 1000, "firefox", "over SSH"),
        ({**SHOWN, "SSH_TTY": "/dev/pts/1"}, 1000, "firefox", "over SSH"),
        ({}, 1000, "firefox", "without a display"),
        ({"WSL_DISTRO_NAME": "Debian", "PATH": "/nowhere"}, 1000, "wslview", "without a display"),
        (SHOWN, 1000, "", "where none is found"),
        (SHOWN, 1000, "w3m", "take the terminal"),
        ({"BROWSER": "lynx"}, 1000, "/usr/bin/lynx", "take the terminal"),
    ],
)
def test_whether_to_start_one(env: dict[str, str], uid: int, name: str, said: str) -> None:
    why = browser.why_not(env, uid, "linux", name=name)
    assert said in why
    assert bool(said) == bool(why)


def test_root_may_ask_for_it() -> None:
    assert browser.why_not(SHOWN, 0, "linux", as_root=True, name="firefox") == ""


def test_that_of_windows(tmp_path: Path) -> None:
    (tmp_path / "wslview").write_text("#!/bin/sh\n")
    (tmp_path / "wslview").chmod(0o755)
    env = {"WSL_DISTRO_NAME": "Debian", "PATH": str(tmp_path)}
    assert browser.why_not(env, 1000, "linux", name="wslview") == ""
    assert browser.wsl(env) == str(tmp_path / "wslview")
    assert browser.wsl({**env, "BROWSER": "mine"}) == ""


def test_it_is_started_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    script, seen, page = tmp_path / "mine", tmp_path / "seen", tmp_path / "page"
    script.write_text(f'#!/bin/sh\necho chatter\necho "$1" >{seen}.new && mv {seen}.new {seen}\nexec sleep 3\n')
    script.chmod(0o755)
    page.mkdir()
    monkeypatch.setenv("BROWSER", str(script))
    monkeypatch.setattr(browser, "KEPT", 1)
    began = time.monotonic()
    browser.start("file:///page", str(page))
    assert time.monotonic() - began < 1
    wait_until(seen.exists, "the browser to be started")
    assert page.exists()
    wait_until(lambda: not page.exists(), "the page to be removed")
    assert seen.read_text() == "file:///page\n"
    assert "chatter" not in "".join(capfd.readouterr())


def test_it_speaks_the_user_s_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which `ssh` must not send along, so that it is kept aside."""
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$LANG" >{tmp_path}/new && mv {tmp_path}/new {tmp_path}/said\n')
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{program} %s")
    monkeypatch.delenv("LANG", raising=False)
    monkeypatch.setenv(browser.LOCALE, '{"LANG": "de_DE.UTF-8"}')
    browser.start("file:///page")
    said = tmp_path / "said"
    wait_until(said.exists, "the browser")
    assert said.read_text() == "de_DE.UTF-8\n"

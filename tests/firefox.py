"""A real Firefox without a window, which reaches this machine and nothing else.

Debian has no geckodriver, so this speaks what that speaks to Firefox: Marionette, JSON messages after their length
(https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html).
"""

import base64
import configparser
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chromium import Within
from sshd import wait_until

SLOWEST = 60  # seconds that a busy machine may take for a page
PROFILE = "test"
SHIFT, ENTER = "\ue008", "\ue007"  # as WebDriver has them
DEAD = 1  # a port at which nothing listens
PREFERENCES: dict[str, str | int | bool] = {
    "marionette.port": 0,  # any that is free
    "intl.accept_languages": "en",
    # Whatever is not on this machine goes to a proxy that there is not, names included.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": DEAD,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": DEAD,
    "network.proxy.failover_direct": False,
    "network.trr.mode": 5,
    "network.dns.disablePrefetch": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    # Those that are sent past a proxy.
    "dom.push.connection.enabled": False,
    "toolkit.telemetry.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "app.normandy.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "security.default_personal_cert": "Select Automatically",  # no window to ask in
    "browser.startup.page": 0,
    "browser.aboutwelcome.enabled": False,
}


class Slip(Exception):
    """What Firefox answers to a command that it cannot carry out."""


class Firefox:
    """A Firefox that runs, with one tab."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), SLOWEST)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()  # its greeting
        self._call("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
        self._call("WebDriver:SetTimeouts", pageLoad=SLOWEST * 1000, script=SLOWEST * 1000)
        self._call("WebDriver:SetWindowRect", width=1100, height=800)

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            byte = self._stream.read(1)
            assert byte, "Firefox has closed the connection"
            size += byte
        return json.loads(self._stream.read(int(size[:-1])))

    def _call(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        text = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, number, error, result = self._read()
        assert number == self._number
        if error:
            raise Slip(f"{error['error']}: {error['message']}")
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def refuses(self, url: str) -> str:
        """Goes to a page; what Firefox says is wrong with its certificate, such as SEC_ERROR_UNKNOWN_ISSUER, or
        nothing if it shows the page.
        """
        try:
            self._call("WebDriver:Navigate", url=url)
        except Slip as slip:
            if not str(slip).startswith("insecure certificate"):
                raise
            # Its own page of the error knows.
            return str(self._run("return document.getFailedCertSecurityInfo().errorCodeString"))
        return ""

    @property
    def url(self) -> str:
        return str(self._call("WebDriver:GetCurrentURL"))

    @property
    def connection(self) -> str:
        """What the sign beside the address says of the connection: `verifiedDomain` if it is secure."""
        with self._chrome():
            return str(self._run("return document.getElementById('identity-box').className"))

    def _run(self, script: str, *arguments: object) -> Any:
        return self._call("WebDriver:ExecuteScript", script=script, args=list(arguments))

    def evaluate(self, function: str, *arguments: object) -> Any:
        """What a function of JavaScript returns in the page, or what its promise becomes."""
        return self._run(f"return ({function})(...arguments)", *arguments)

    def wait_for(self, condition: str) -> None:
        """Returns once an expression of JavaScript is true in the page."""

        def holds() -> bool:
            with suppress(Slip):  # while another page is loaded
                return bool(self._run(f"return Boolean({condition})"))
            return False

        wait_until(holds, f"{condition} at {self.url}", SLOWEST)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Presses a key, which the page gets as from a keyboard."""
        keys = [*([SHIFT] if shift else []), key]
        down = [{"type": "keyDown", "value": one} for one in keys]
        up = [{"type": "keyUp", "value": one} for one in reversed(keys)]
        self._call("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": [*down, *up]}])

    def screenshot(self, file: Path) -> None:
        """The window, with the address and the sign beside it."""
        with self._chrome():
            self._run("document.documentElement.removeAttribute('remotecontrol')")  # it is striped otherwise
            picture = self._call("WebDriver:TakeScreenshot", full=True, hash=False)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(base64.b64decode(picture))

    @contextmanager
    def _chrome(self) -> Iterator[None]:
        """In the browser's own window instead of the page."""
        self._call("Marionette:SetContext", value="chrome")
        try:
            yield
        finally:
            self._call("Marionette:SetContext", value="content")

    def close(self) -> None:
        """Ends it, as from its menu."""
        with suppress(OSError, AssertionError, Slip):
            self._call("Marionette:Quit", flags=["eAttemptQuit"])
        self._socket.close()


def _program() -> str:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    assert program, "the browser tests need Firefox: apt-get install firefox-esr"
    return program


def profile_of(home: Path) -> Path:
    """The folder of someone's profile, which Firefox makes where it looks for profiles: since 147 that is elsewhere."""
    if not _profiles(home):
        home.mkdir(parents=True, exist_ok=True)
        command = [_program(), "--headless", "-CreateProfile", PROFILE]
        subprocess.run(command, env=_environment(home), check=True, capture_output=True, timeout=SLOWEST)
    (found,) = _profiles(home)
    return found


def _profiles(home: Path) -> list[Path]:
    found = []
    for file in (home / ".mozilla/firefox/profiles.ini", home / ".config/mozilla/firefox/profiles.ini"):
        sections = configparser.ConfigParser()
        sections.read(file)
        found += [file.parent / part["Path"] for part in sections.values() if part.get("Name") == PROFILE]
    return found


def _prefer(profile: Path, names: Sequence[str]) -> None:
    """Writes the preferences of a profile, from which only those names are looked up."""
    preferences = PREFERENCES | {"network.proxy.no_proxies_on": ", ".join(names)}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
    (profile / "user.js").write_text("".join(lines))


def _environment(home: Path) -> dict[str, str]:
    # Without the last, releases take no other server of settings than Mozilla's.
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"}


@contextmanager
def firefox(home: Path, names: Sequence[str] = (), within: Within = list) -> Iterator[Firefox]:
    """Firefox of someone whose home folder is `home`, which looks up those names, and those of this machine; `within`
    is how its command is run elsewhere.
    """
    profile = profile_of(home)
    _prefer(profile, names)
    port = profile / "MarionetteActivePort"
    port.unlink(missing_ok=True)
    # What is in its own window can be read and photographed as well.
    command = within([_program(), "--headless", "--marionette", "--remote-allow-system-access", "-P", PROFILE])
    with open(home / "firefox.log", "ab") as log:
        process = subprocess.Popen(command, env=_environment(home), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: (port.exists() and port.read_text()) or process.poll() is not None, "Firefox to run")
        assert process.poll() is None, (home / "firefox.log").read_text()
        browser = Firefox(int(port.read_text()))
        yield browser
        browser.close()
        process.wait(SLOWEST)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()

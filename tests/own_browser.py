"""A browser of someone's own, as `open` starts it: its profile is a folder, and outlives it."""

import os
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chromium import SLOWEST
from machine import Machine
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from sshd import wait_until

RULES = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE *.localhost"


class OwnBrowser:
    """Chromium with a profile in `folder`; `script` starts it.

    Without a window, one that runs takes no other tab from a second: the test opens that.
    """

    def __init__(self, folder: Path, script: str = "bin/browser") -> None:
        self.home, self.profile = folder / "home", folder / "profile"
        self.script = folder / script
        self.urls = folder / "urls"
        self.script.parent.mkdir(parents=True)
        trusted = self.home / ".pki/nssdb"
        trusted.mkdir(parents=True)
        self._certutil = ["certutil", "-d", f"sql:{trusted}"]
        subprocess.run([*self._certutil, "-N", "--empty-password"], check=True)
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        assert program, "the browser tests need Chromium: apt-get install chromium"
        words = [program, "--headless", "--remote-debugging-port=0", f"--user-data-dir={self.profile}"]
        words += [f"--host-resolver-rules={RULES}", "--window-size=1100,800", "--no-first-run"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")  # Chromium's own does not work for root
        log = shlex.quote(str(folder / "log"))
        self.script.write_text(
            f'#!/bin/sh\necho "$1" >>{shlex.quote(str(self.urls))}\n'
            f"[ ! -h {shlex.quote(str(self.profile / 'SingletonLock'))} ] || exit 0\n"
            f"HOME={shlex.quote(str(self.home))}\nexport HOME\nunset TMPDIR\n"
            # The path of Chromium's socket has to be short.
            f'exec {shlex.join(words)} "$1" >>{log} 2>&1\n'
        )
        self.script.chmod(0o755)

    def trust(self, machine: Machine) -> None:
        """Trusts the certificate of a machine, and nothing else."""
        name = str(machine.port)
        with suppress(subprocess.CalledProcessError):
            subprocess.run([*self._certutil, "-D", "-n", name], check=True, capture_output=True)
        pem = str(machine.folder / "nbserver.pem")
        subprocess.run([*self._certutil, "-A", "-n", name, "-t", "P,,", "-i", pem], check=True)

    @property
    def opened(self) -> list[str]:
        """The URLs that it was given."""
        return self.urls.read_text().split() if self.urls.exists() else []

    @contextmanager
    def seen(self) -> Iterator["Seen"]:
        """What it shows, once it runs; it is closed at the end."""
        port = self.profile / "DevToolsActivePort"
        wait_until(lambda: port.exists() and len(port.read_text().splitlines()) == 2, "the browser to run")
        expect.set_options(timeout=SLOWEST)
        with sync_playwright() as playwright:
            seen = Seen(playwright, f"http://127.0.0.1:{port.read_text().split()[0]}")
            try:
                yield seen
            finally:
                with suppress(Exception):
                    seen.browser.new_browser_cdp_session().send("Browser.close")
        lock = self.profile / "SingletonLock"
        wait_until(lambda: not os.path.lexists(lock), "the browser to end")

    @property
    def history(self) -> list[str]:
        """The URLs in its history."""
        with sqlite3.connect(f"file:{self.profile}/Default/History?mode=ro", uri=True) as database:
            return [url for (url,) in database.execute("SELECT url FROM urls")]

    def holds(self, text: str) -> list[str]:
        """The files of its profile in which a text stands, but for its cookies."""
        files = (file for file in self.profile.rglob("*") if file.is_file() and not file.is_symlink())
        return [str(file) for file in files if text.encode() in file.read_bytes()]


class Seen:
    """A browser that runs."""

    def __init__(self, playwright: Playwright, address: str) -> None:
        self._playwright, self._address = playwright, address
        self.browser = self._connect()

    def _connect(self) -> Browser:
        return self._playwright.chromium.connect_over_cdp(self._address)

    @property
    def context(self) -> BrowserContext:
        """Its one profile."""
        return self.browser.contexts[0]

    def tab(self, start: str) -> Page:
        """The tab whose URL begins like that.

        A tab that goes from a file to a site as Playwright attaches to it may never get its new URL: it is asked anew.
        If a network comes or goes on this machine, Chromium gives up what it loads: then it is loaded again.
        """
        errors: list[str] = []

        def tabs() -> list[Page]:
            for page in self.context.pages:
                if page.url.startswith("chrome-error:"):
                    errors.append(page.inner_text("body"))
                    if "ERR_NETWORK_CHANGED" in errors[-1]:
                        page.reload()
            return [page for page in self.context.pages if page.url.startswith(start)]

        for number in range(1, 601):
            if number % 50 == 0:
                self.browser = self._connect()
            if found := tabs():
                found[0].set_default_timeout(SLOWEST)
                return found[0]
            self.context.pages[0].wait_for_timeout(100)  # Playwright learns of others meanwhile
        raise AssertionError(f"no tab shows {start}: {[page.url for page in self.context.pages]} {errors[-1:]}")

"""A real browser without a window, which reaches this machine and nothing else."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

Within = Callable[[Sequence[str]], list[str]]
SLOWEST = 60_000  # milliseconds that a busy machine may take for what it shows


def trust(home: Path, pem: Path) -> None:
    """Has Chromium of someone with that home folder trust a certificate, and nothing else."""
    trusted = home / ".pki/nssdb"
    trusted.mkdir(parents=True)
    certutil = ["certutil", "-d", f"sql:{trusted}"]
    subprocess.run([*certutil, "-N", "--empty-password"], check=True)
    subprocess.run([*certutil, "-A", "-n", "nbserver", "-t", "P,,", "-i", str(pem)], check=True)


@contextmanager
def chromium(home: Path, names: Sequence[str] = (), within: Within | None = None) -> Iterator[Browser]:
    """Chromium of someone whose home folder is `home`, which looks up those names, and those of this machine; `within`
    is how its command is run elsewhere.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "the browser tests need Chromium: apt-get install chromium"
    if within:
        script = home / "chromium.sh"
        script.write_text(f'#!/bin/sh\nexec {shlex.join(within([program]))} "$@"\n')
        script.chmod(0o755)
        program = str(script)
    known = ", ".join(f"EXCLUDE {name}" for name in ("localhost", "127.0.0.1", *names))
    arguments = [f"--host-resolver-rules=MAP * ~NOTFOUND, {known}"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's own does not work for root
    expect.set_options(timeout=SLOWEST)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments, env={"HOME": str(home)})
        yield browser
        browser.close()

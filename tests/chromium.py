"""A real browser without a window, which reaches this machine and nothing else."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

SLOWEST = 60_000  # milliseconds that a busy machine may take for what it shows


@contextmanager
def chromium(home: Path) -> Iterator[Browser]:
    """Chromium of someone whose home folder is `home`."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "the browser tests need Chromium: apt-get install chromium"
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's own does not work for root
    expect.set_options(timeout=SLOWEST)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments, env={"HOME": str(home)})
        yield browser
        browser.close()

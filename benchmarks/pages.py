"""The time to a usable page: until a browser that opens the URL has it, logged in."""

import contextlib
import http.cookiejar
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from cuts import command_of, within
from laptop import BIN, ROOT, Laptop
from tunnels import opened

sys.path.insert(0, str(ROOT))

from nbfab.tunnel import once


def peer(folder: Path) -> Path:
    """An environment with jupyter-forward; its program."""
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, folder], check=True)
    subprocess.run(["uv", "pip", "install", "-q", "--python", folder / "bin/python", "jupyter-forward"], check=True)
    return folder / "bin/jupyter-forward"


def like_conda(laptop: Laptop) -> None:
    """Lays the host out as jupyter-forward wants it: `source activate ENVIRONMENT` in a login shell, then `jupyter`."""
    programs = laptop.there / "miniconda3/bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text(f"PATH={BIN}:$PATH\n")
    (laptop.there / ".bash_profile").write_text(f"PATH={programs}:$PATH\n")
    (laptop.there / ".jupyter").mkdir()
    (laptop.there / ".jupyter/jupyter_server_config.py").write_text("c.ServerApp.allow_root = True\n")


def forward(laptop: Laptop, host: str, program: Path) -> float:
    """Seconds that jupyter-forward takes, which always starts a server."""
    url = laptop.home / "url"
    url.unlink(missing_ok=True)
    browser = laptop.home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{url}.new && mv {url}.new {url}\n')
    browser.chmod(0o755)
    began = time.perf_counter()
    with open(laptop.home / "forward.log", "wb") as log:
        process = subprocess.Popen(
            [program, host, "--conda-env", "notebook"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=laptop.env | {"BROWSER": str(browser)},
            start_new_session=True,
        )
    try:
        while not url.exists():
            if process.poll() is not None or time.perf_counter() - began > 120:
                raise RuntimeError((laptop.home / "forward.log").read_text())
            time.sleep(0.01)
        _page(url.read_text().strip(), http.cookiejar.CookieJar(), None)
        return time.perf_counter() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        _end_server(laptop)


def from_running(laptop: Laptop, host: str) -> float:
    """Seconds that `nbfab open` takes while the server runs."""
    began = time.perf_counter()
    with opened(laptop, host, "--yes") as tunnel:
        # What the near end and the browser do next; as root, no browser is started.
        certificate = (laptop.profile / "nbserver.pem").read_text()
        public = "".join(re.findall(r"(?s)-----BEGIN CERT.*?-----END CERT[^\n]*\n", certificate))
        nonce = once.ask(tunnel.port, public, str(laptop.server["token"]))
        origin = f"https://localhost:{tunnel.port}"
        jar = http.cookiejar.CookieJar()
        form = urllib.parse.urlencode({"nonce": nonce, "next": "/"}).encode()
        _page(f"{origin}/nbfab-login", jar, form, ssl.create_default_context(cadata=public))
        return time.perf_counter() - began


def from_nothing(laptop: Laptop, host: str) -> float:
    """Seconds that `nbfab open` takes where nothing of nbfab's is; whatever there is is removed first."""
    clear(laptop)
    return from_running(laptop, host)


def clear(laptop: Laptop) -> None:
    """Removes what nbfab has on the host."""
    if laptop.profile.exists():
        laptop.runs("h1", "stop", "--force")
        shutil.rmtree(laptop.there / ".local/share/nbfab")


def _page(url: str, jar: http.cookiejar.CookieJar, form: bytes | None, tls: ssl.SSLContext | None = None) -> None:
    """Opens a URL as a browser does, until it has the page."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=tls),
        urllib.request.HTTPCookieProcessor(jar),
    )
    text = opener.open(url, form, timeout=60).read().decode()
    assert "jupyter-config-data" in text, text[:2000]


def _end_server(laptop: Laptop) -> None:
    """Ends the server that jupyter-forward leaves."""
    pids = [pid for pid in within(laptop.hosts.namespaces[0]) if "jupyter-lab --no-browser" in command_of(pid)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 20
    while any(command_of(pid) for pid in pids):
        if time.monotonic() > end:
            raise RuntimeError("jupyter-forward's server does not end")
        time.sleep(0.05)

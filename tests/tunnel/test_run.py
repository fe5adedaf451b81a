"""The near end as a program: a real host, its server, and what the user gets."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from machine import PASSWORD, ROOT, Machine
from notebook_client import Notebook
from opened import Run, plain_spec
from sshd import wait_until

from nbfab.relay.serve import place
from nbfab.tunnel.spec import Spec

CODE = "import sys; sys.path.insert(0, sys.argv[1]); from nbfab_relay.serve import main; main(sys.argv[1])"


@contextmanager
def relay(profile: Path) -> Iterator[str]:
    """The relay on the host; its socket."""
    shutil.copytree(ROOT / "nbfab/relay", profile / "nbfab_relay", ignore=shutil.ignore_patterns("__pycache__"))
    with subprocess.Popen([sys.executable, "-I", "-S", "-B", "-c", CODE, profile]) as process:
        try:
            path = place(str(profile))
            wait_until(lambda: Path(path).exists(), "the relay's socket")
            yield path
        finally:
            process.terminate()


class Opened(Run):
    """A near end that runs, without the program that has looked at the host."""

    def __init__(self, spec: Spec, folder: Path, **env: str) -> None:
        self.seen = folder / "seen"
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" >{self.seen}.new && mv {self.seen}.new {self.seen}\n')
        browser.chmod(0o755)
        more = {"BROWSER": str(browser), "PYTHONPATH": str(ROOT)}
        with open(folder / "out", "wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "nbfab.tunnel"], stdin=subprocess.PIPE, stdout=out, env=os.environ | more | env
            )
        super().__init__(process, folder / "out")
        assert self.process.stdin
        self.process.stdin.write(spec.dump().encode())
        self.process.stdin.close()

    @property
    def url(self) -> str:
        """What the user is to open."""
        wait_until(lambda: "https://" in self.said or self.process.poll() is not None, "the link")
        found: list[str] = re.findall(r"https://[a-z0-9.]+:[0-9]+/", self.said)
        return found[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].strip("/"))


@pytest.fixture
def spec(there: Machine) -> Spec:
    """The link to a host where the server runs, without the relay."""
    there.ok("setup")
    return plain_spec(there)


@contextmanager
def opened(spec: Spec, folder: Path) -> Iterator[Opened]:
    it = Opened(spec, folder)
    try:
        yield it
    finally:
        if it.process.poll() is None:
            assert it.close() == 0


@pytest.mark.parametrize("relayed", [True, False], ids=["relay", "plain"])
def test_the_browser_is_logged_in_without_a_password(spec: Spec, there: Machine, relayed: bool, tmp_path: Path) -> None:
    with (
        relay(there.folder) as socket,
        opened(replace(spec, relayed=relayed, target=socket if relayed else spec.target), tmp_path) as it,
    ):
        assert it.port == spec.ports[0]
        wait_until(it.seen.exists, "the browser to be started")
        page = Path(it.seen.read_text().strip().removeprefix("file://"))
        assert page.stat().st_mode & 0o777 == 0o600
        assert page.parent.stat().st_mode & 0o777 == 0o700
        text = page.read_text()
        (nonce,) = re.findall(r'name="nonce" value="(\S+)"', text)
        assert nonce not in it.said
        assert nonce not in it.seen.read_text()
        assert f'action="{it.url}nbfab-login"' in text
        assert ("may be missing" in it.said) == (not relayed)
        notebook = Notebook(it.port, there.folder, PASSWORD)
        assert notebook.get("/api")["version"]
        assert it.close() == 0
        assert not page.exists()
    assert there.json("status")["state"]["running"]


def test_a_host_that_is_not_reached(spec: Spec, there: Machine, tmp_path: Path) -> None:
    assert there.sshd
    (there.sshd.folder / "authorized_keys").write_text("")
    it = Opened(spec, tmp_path)
    assert it.process.wait(30) == 1
    assert "not connected: " in it.said
    assert "Permission denied" in it.said
    (there.sshd.folder / "authorized_keys").write_text((there.sshd.folder / "id.pub").read_text())


def test_a_cut_is_told_in_two_lines(spec: Spec, there: Machine, tmp_path: Path) -> None:
    assert there.sshd
    with relay(there.folder) as socket, opened(replace(spec, relayed=True, target=socket, json=True), tmp_path) as it:
        assert it.url
        there.sshd.cut()
        wait_until(lambda: len(it.said.splitlines()) == 3, "the link to be there again")
        first, lost, found = map(json.loads, it.said.splitlines())
        assert first["url"] == it.url
        assert (lost["event"], found["event"]) == ("lost", "found")
        assert found["seconds"] < 30

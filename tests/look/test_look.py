"""Look, on this machine."""

import sys
from pathlib import Path

import pytest

from nbfab.host import Here
from nbfab.look.look import look
from nbfab.look.request import Request
from nbfab.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return Settings(profile="GPU2", directory=str(tmp_path), python=sys.executable)


def test_a_profile_with_capital_letters_has_a_folder_of_its_own(settings: Settings, tmp_path: Path) -> None:
    seen = look(Here(), Request(settings))
    assert seen.files.folder == f"{tmp_path}/.local/share/nbfab/GPU2"


def test_the_facts_of_this_machine(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / ".local/share/nbfab/GPU2"
    folder.mkdir(parents=True)
    (folder / "motd").write_text('a "b"\n')
    (folder / "generation").write_text("7\n")
    seen = look(Here(), Request(settings, paths=(".", "motd"), texts=("motd",)))
    assert (seen.files.state, seen.files.directory_state, seen.files.writable) == ("folder", "ok", True)
    assert seen.files.text("motd") == 'a "b"\n'
    assert seen.files.mode(".")[:1] == "d"
    assert seen.files.text("generation") == "7\n"
    (environment,) = seen.environments.found
    assert environment.source == "asked"
    assert environment.packages.keys() >= {"notebook", "jupyter_server", "ipykernel"}
    assert not seen.server.alive
    assert seen.host.names

"""Output that is kept: what the module puts into a server's settings."""

import sys
from pathlib import Path

import pytest
from traitlets.config import Config

from nbfab.server import kept


def configured(folder: Path, **nbfab: bool) -> Config:
    """A configuration, once the module has seen it."""
    c = Config()
    c.Nbfab.update(nbfab)
    kept.set_up(c, str(folder))
    return c


def test_nothing_is_set_unless_it_is_chosen(tmp_path: Path) -> None:
    assert set(configured(tmp_path)) == {"Nbfab"}


def test_a_server_whose_environment_lacks_it_starts_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    c = configured(tmp_path, keep_output=True)
    assert not c.ServerApp
    assert "no output is kept: " in capsys.readouterr().err


def test_what_it_writes_is_in_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in kept.NAMES:
        (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    c = configured(tmp_path, keep_output=True)
    assert all(c.ServerApp.jpserver_extensions[name] for name in kept.NAMES)
    written = (c.BaseFileIdManager.db_path, c.SQLiteYStore.db_path, c.YDocExtension.session_store_path)
    assert all(str(path).startswith(f"{tmp_path}/jupyter/") for path in written)
    assert c.LabServerApp.extra_labextensions_path == [f"{sys.prefix}/kept/labextensions"]

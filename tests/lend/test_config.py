"""The configuration of pip and uv on this machine."""

import os
from pathlib import Path

import pytest

from nbfab.errors import CannotLend
from nbfab.lend import config
from nbfab.lend.index import host_of

A, B = "https://a.example/simple", "https://b.example/simple"


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any configuration; its folder for that."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    return tmp_path / ".config"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_each_tool_has_its_own_index_and_else_that_of_the_other(bare: Path) -> None:
    write(bare / "pip/pip.conf", f"[global]\nindex-url = {A}\n")
    assert config.index_for("uv").url == A
    write(bare / "uv/uv.toml", f'index-url = "{B}"\n')
    assert config.index_for("uv").url == B
    assert config.index_for("pip").url == A


def test_a_user_s_file_counts_more_than_the_machine_s_and_one_that_is_named_more_than_both(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "xdg/pip/pip.conf", f"[global]\nindex-url = {A}\n")
    assert config.index_for("pip").url == A
    write(bare / "pip/pip.conf", f"[global]\nindex-url = {B}\n")
    assert config.index_for("pip").url == B
    named = write(tmp_path / "named.conf", f"[global]\nindex-url = {A}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(named))
    assert config.index_for("pip").url == A


def test_pip_can_be_kept_from_its_files(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(bare / "pip/pip.conf", f"[global]\nindex-url = {A}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert config.index_for("pip").url != A


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_the_default_is_what_pip_or_uv_says_whatever_they_are_configured_for(
    tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = config.index_for(tool).url
    assert host_of(default)
    assert default.endswith("/simple")
    # Each of the programs that can say so says the same.
    for command in config._helps():
        monkeypatch.setattr(config, "_helps", lambda one=command: iter([one]))
        try:
            assert config.index_for(tool).url == default
        except CannotLend as error:
            assert "neither pip nor uv" in str(error)  # noqa: PT017 # where one of them is not installed


def test_where_neither_is_no_index_is_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "_helps", lambda: iter([["/no/such/program"]]))
    with pytest.raises(CannotLend, match="neither pip nor uv is on this machine"):
        config.index_for("pip")


def test_a_file_that_cannot_be_read_is_as_good_as_none(bare: Path) -> None:
    write(bare / "pip/pip.conf", "").write_bytes(b"\xff\xfe")
    (bare / "uv/uv.toml").mkdir(parents=True)
    assert host_of(config.index_for("uv").url)

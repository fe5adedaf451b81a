"""The hash in the file beside the settings."""

import json
import os
from pathlib import Path

import pytest

from nbfab.server.hashed import Hashed


def hashed(path: Path) -> Hashed:
    return Hashed(str(path), "IdentityProvider", "hashed_password")


def text(value: object) -> str:
    return json.dumps({"IdentityProvider": {"hashed_password": value}})


def test_it_is_read_again_when_the_file_is_another(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text("argon2:one"))
    here = hashed(file)
    assert here.read() == "argon2:one"
    (tmp_path / "new").write_text(text("argon2:two"))
    os.utime(tmp_path / "new", ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    (tmp_path / "new").replace(file)
    assert here.read() == "argon2:two"
    file.write_text(text("argon2:three"))
    assert here.read() == "argon2:three"


def test_it_is_not_read_again_for_each_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text("argon2:one"))
    here = hashed(file)
    here.read()
    monkeypatch.setattr("builtins.open", None)
    assert here.read() == "argon2:one"


@pytest.mark.parametrize(
    "broken", ["", "{", "null", "[]", '"argon2:x"', "{}", '{"IdentityProvider": []}', text(5), text(None), "[" * 99999]
)
def test_a_broken_file_has_none_until_it_is_whole(broken: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text("argon2:one"))
    here = hashed(file)
    assert here.read() == "argon2:one"
    file.write_text(broken)
    assert here.read() == ""
    file.write_text(text("argon2:one"))
    assert here.read() == "argon2:one"


def test_a_missing_file_has_none(tmp_path: Path) -> None:
    here = hashed(tmp_path / "settings.json")
    assert here.read() == ""
    (tmp_path / "settings.json").write_text(text("argon2:one"))
    assert here.read() == "argon2:one"
    (tmp_path / "settings.json").unlink()
    assert here.read() == ""

"""What a key file says without being decrypted."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sshd import keygen

from nbfab.ssh.key_file import KeyFile, read


@pytest.mark.parametrize(
    ("kind", "name"), [("ed25519", "ssh-ed25519"), ("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")]
)
def test_kinds_of_key(tmp_path: Path, kind: str, name: str) -> None:
    assert read(str(keygen(tmp_path / "plain", kind))) == KeyFile(False, name)
    assert read(str(keygen(tmp_path / "locked", kind, "open sesame"))) == KeyFile(True, name)


def test_older_formats(tmp_path: Path) -> None:
    path = keygen(tmp_path / "key", "rsa")
    for phrase in ("", "open sesame"):
        subprocess.run(["ssh-keygen", "-q", "-p", "-m", "PEM", "-N", phrase, "-f", path], check=True)
        assert read(str(path)) == KeyFile(phrase != "")


def test_no_key(tmp_path: Path) -> None:
    assert read(str(tmp_path)) == read(str(tmp_path / "missing")) == KeyFile()


@given(st.binary(max_size=300))
def test_anything_is_read(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    for head in (b"", b"-----BEGIN OPENSSH PRIVATE KEY-----\n"):
        path.write_bytes(head + data)
        assert not read(str(path)).in_token

"""known_hosts files are understood as OpenSSH itself understands them."""

import base64
import hmac
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbfab.ssh.known_hosts import find

KEYS = [base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([n]) * 32).decode() for n in range(3)]
NAMES = ["box", "box.example", "[box]:2222", "192.0.2.7", "a-b"]


def hashed(name: str, salt: bytes = b"s" * 20) -> str:
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


PATTERNS = st.one_of(
    st.sampled_from([*NAMES, *(name.upper() for name in NAMES), "*", "b?x", "*.example", "[*]:2222", "a.b", ""]),
    st.text("box.*?[]:27a-!", max_size=8),
)  # fmt: skip
HOSTS = st.one_of(
    st.lists(st.tuples(st.sampled_from(["", "", "!"]), PATTERNS).map("".join), min_size=1, max_size=3).map(",".join),
    st.sampled_from(NAMES).map(hashed),
    st.sampled_from(["|1|", "|1||", "|2|c2FsdA==|eA==", "|1|c2FsdA==|eA==", hashed("box")[:-3], hashed("box") + "|"]),
)
LINES = st.builds(
    "{}{}{}{}ssh-ed25519{}{}{}".format,
    st.sampled_from(["", " ", "\t"]),
    st.sampled_from(["", "", "", "@revoked ", "@cert-authority ", "@other ", "@revoked @revoked ", "# "]),
    HOSTS,
    st.sampled_from([" ", "\t", "  "]),
    st.sampled_from([" ", "\t"]),
    st.sampled_from(KEYS),
    st.sampled_from(["", " comment", "\r", " # more"]),
)


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(NAMES), lines=st.lists(LINES, max_size=6), end=st.sampled_from(["", "\n"]))
@example("box", [f"!box,* ssh-ed25519 {KEYS[0]}", f"*,!box ssh-ed25519 {KEYS[1]}", f"b* ssh-ed25519 {KEYS[2]}"], "")
def test_find_returns_the_lines_that_openssh_finds(name: str, lines: list[str], end: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "known_hosts"
        file.write_text("\n".join(lines) + end)
        done = subprocess.run(["ssh-keygen", "-F", name, "-f", file], capture_output=True, text=True, check=False)
        theirs = [line.split() for line in done.stdout.splitlines() if line.strip() and not line.startswith("#")]
        keys = sorted(
            (words[0] if words[0][0] == "@" else "", words[words.index("ssh-ed25519") + 1]) for words in theirs
        )
        assert sorted((line.marker.decode(), line.key.decode()) for line in find(name, str(file))) == keys


@pytest.mark.parametrize(
    "line",
    [
        "box ssh-ed25519 AAAA",
        f"box ssh-rsa {KEYS[0]}",
        "box ssh-ed25519 no*base64",
        f"box s\xfch {KEYS[0]}",
        f"box\x0cssh-ed25519 {KEYS[0]}",
        f"box,{'x' * 1100} ssh-ed25519 {KEYS[0]}",
        f"{hashed('box', b'short')} ssh-ed25519 {KEYS[0]}",
        "box",
        "box ssh-ed25519",
        "@revoked",
    ],
)
def test_a_malformed_line_is_ignored(line: str, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(f"{line}\nbox ssh-ed25519 {KEYS[1]}\n".encode("latin-1"))
    assert [found.key.decode() for found in find("box", str(file))] == [KEYS[1]]


@pytest.mark.parametrize(
    "line",
    [
        f"box ssh-ed25519 {KEYS[0]}\0junk",
        f"box ssh-ed25519 {KEYS[0][:9]}\x0c{KEYS[0][9:]}",
        f"@revoked #old,box ssh-ed25519 {KEYS[0]}",
        f"@revoked box ssh-ed25519 {KEYS[0]}\0",
    ],
)
def test_odd_bytes_hide_no_entry(line: str, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{line}\n")
    assert [found.key.decode() for found in find("box", str(file))] == [KEYS[0]]


@pytest.mark.parametrize("kind", ["ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"])
def test_an_rsa_key_may_be_named_by_its_signatures(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    key = base64.b64encode(b"\0\0\0\x07ssh-rsa\0\0\0\x03\1\0\1").decode()
    file.write_text(f"@revoked * {kind} {key}\n")
    assert [(found.type, found.key.decode()) for found in find("box", str(file))] == [(b"ssh-rsa", key)]


def test_a_file_is_read_again_once_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    assert list(find("box", str(file))) == []
    for key in KEYS:
        with file.open("a") as stream:
            stream.write(f"box ssh-ed25519 {key}\n")
        assert [found.key.decode() for found in find("box", str(file))][-1] == key


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "known_hosts")
    assert list(find("box", str(tmp_path / "known_hosts"))) == []


def test_a_pattern_of_many_stars_is_fast(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{'a*' * 40}b ssh-ed25519 {KEYS[0]}\n{'*' * 1000} ssh-ed25519 {KEYS[1]}\n")
    began = time.process_time()
    assert [found.key.decode() for found in find("a" * 200, str(file))] == [KEYS[1]]
    assert time.process_time() - began < 20  # with backtracking, it would never end

"""The keyring: which keys sign, which are refused, and how often a passphrase is asked for."""

import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from authorities import authority

from nbfab.authority.authority import Authority
from nbfab.authority.keyring import Keyring
from nbfab.errors import Refused, UsageError
from nbfab.keys import Key

PASSPHRASE = "söme words"


def no_one(question: str) -> None:
    """No one is here to type it."""


def unasked(question: str) -> str:
    raise AssertionError(question)


def expose_key(made: Authority) -> None:
    (made.folder / "key.pem").chmod(0o640)


def expose_folder(made: Authority) -> None:
    made.folder.chmod(0o755)


def expose_all(made: Authority) -> None:
    made.folder.parent.chmod(0o711)


def lose(made: Authority) -> None:
    (made.folder / "key.pem").unlink()


def empty(made: Authority) -> None:
    (made.folder / "key.pem").write_text("")


def exchange(made: Authority) -> None:
    other = authority("other.example.org")
    (other.folder / "key.pem").replace(made.folder / "key.pem")


def another_kind(made: Authority) -> None:
    subprocess.run(
        ["openssl", "genrsa", "-out", made.folder / "key.pem", "2048"], capture_output=True, check=True, umask=0o077
    )


@pytest.mark.parametrize("harm", [expose_key, expose_folder, expose_all])
def test_a_key_that_others_can_read_signs_nothing_until_that_ends(
    harm: Callable[[Authority], None], home: Path
) -> None:
    made = authority("lab.example.org")
    harm(made)
    with pytest.raises(Refused, match=r"others could read or change .*; it is not used") as error:
        Keyring().signer(made, unasked)
    (command,) = error.value.hint.splitlines()
    subprocess.run(["sh", "-c", command], check=True)
    assert Keyring().signer(made, unasked).authority == made


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lose, "cannot be read: .*key.pem: No such file or directory"),
        (empty, "the key of nbfab authority of .* is broken: .*key.pem"),
        (exchange, "key.pem is not the key of nbfab authority of"),
        (another_kind, "key.pem is not the key of nbfab authority of"),
    ],
)
def test_a_key_that_is_lost_or_broken_comes_with_the_command_for_another(
    harm: Callable[[Authority], None], message: str, home: Path
) -> None:
    made = authority("lab.example.org", "10.3.0.0/16")
    harm(made)
    with pytest.raises(Refused, match=message) as error:
        Keyring().signer(made, unasked)
    assert error.value.hint.splitlines()[-1] == "nbfab ca --new --allow=lab.example.org --allow=10.3.0.0/16"


def test_a_passphrase_is_asked_for_once_however_many_threads_want_it(home: Path) -> None:
    made = authority("lab.example.org", passphrase=PASSPHRASE)
    assert "ENCRYPTED" in (made.folder / "key.pem").read_text()
    assert Key.load((made.folder / "key.pem").read_text()) is None
    keyring, asked, found = Keyring(), [], []

    def asks(question: str) -> str:
        asked.append(question)
        return PASSPHRASE

    threads = [threading.Thread(target=lambda: found.append(keyring.signer(made, asks))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [f"Passphrase of {made.name}: "]
    assert len(found) == 8


def test_a_wrong_passphrase_is_asked_for_again_and_then_not_for_each_host(home: Path) -> None:
    made = authority("lab.example.org", passphrase=PASSPHRASE)
    keyring, asked = Keyring(), []

    def wrong(question: str) -> str:
        asked.append(question)
        return "" if len(asked) == 2 else "wrong"

    for _ in range(3):
        with pytest.raises(Refused, match="stays locked: that was not its passphrase") as error:
            keyring.signer(made, wrong)
        assert "ca --new --allow=lab.example.org" in error.value.hint
    assert [question.startswith("That is not it. ") for question in asked] == [False, True, True]


def test_without_anyone_to_type_it_a_file_is_named(home: Path, tmp_path: Path) -> None:
    made = authority("lab.example.org", passphrase=PASSPHRASE)
    with pytest.raises(Refused, match="has a passphrase, and no one is here to type it") as error:
        Keyring().signer(made, no_one)
    assert "--passphrase-file" in error.value.hint
    file = tmp_path / "it"
    file.touch(0o600)
    file.write_text(f"{PASSPHRASE}\n")
    assert Keyring(file).signer(made, unasked).authority == made
    file.write_text("wrong\n")
    with pytest.raises(Refused, match=f"the passphrase in {file} is not that of nbfab authority"):
        Keyring(file).signer(made, unasked)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        (b"it\n", 0o644, "others could read or change .*it, a file of mode 644"),
        (b"", 0o600, "it has to hold one line, the passphrase"),
        (b"\n", 0o600, "it has to hold one line, the passphrase"),
        (b"one\ntwo\n", 0o600, "it has to hold one line, the passphrase"),
        (b"x" * 5000, 0o600, "it has to hold one line, the passphrase"),
        (b"\xff\n", 0o600, "it is not text"),
        (None, 0, "it: No such file or directory"),
    ],
)
def test_a_file_that_holds_no_passphrase(
    text: bytes | None, mode: int, message: str, home: Path, tmp_path: Path
) -> None:
    made = authority("lab.example.org", passphrase=PASSPHRASE)
    file = tmp_path / "it"
    if text is not None:
        file.write_bytes(text)
        file.chmod(mode)
    with pytest.raises((Refused, UsageError), match=message):
        Keyring(file).signer(made, unasked)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_key_of_another_user_is_not_used(home: Path) -> None:
    made = authority("lab.example.org")
    os.chown(made.folder / "key.pem", 65534, -1)
    with pytest.raises(Refused, match=re.escape("key.pem belongs to another user (uid 65534)")):
        Keyring().signer(made, unasked)


def test_a_key_without_a_passphrase_needs_none(home: Path, tmp_path: Path) -> None:
    made = authority("lab.example.org")
    assert Keyring(tmp_path / "none").signer(made, unasked).authority == made

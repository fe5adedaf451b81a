"""Authorities that are made, and what they sign."""

import pickle
import re
import stat
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from authorities import authority, signer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from plan_cases import DAY, NOW

from nbfab.authority import make, store
from nbfab.errors import NbfabError, Refused
from nbfab.keys import Key
from nbfab.plan import pem


def test_a_root_has_what_strict_clients_want_and_its_files_are_its_owner_s(home: Path) -> None:
    made = authority("lab.example.org", "10.3.0.0/16")
    root = made.root
    assert isinstance(root.public_key(), ec.EllipticCurvePublicKey)
    basic = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    usage = root.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign) == (True, True, True)
    assert not usage.value.digital_signature
    assert root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    only = root.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert only.value == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    limits = root.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert [str(of.value) for of in limits.value.permitted_subtrees or ()] == [
        "lab.example.org",
        "10.3.0.0/16",
        "localhost",
        "127.0.0.0/8",
        "::1/128",
    ]
    assert root.not_valid_after_utc - root.not_valid_before_utc == timedelta(days=3651)
    assert re.fullmatch(r"nbfab authority of .+, 2027-01-15 [0-9a-f]{4}", made.name)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.folder.iterdir()} == {
        "key.pem": 0o600,
        "root.pem": 0o600,
    }
    assert stat.S_IMODE(made.folder.stat().st_mode) == stat.S_IMODE(home.stat().st_mode) == 0o700
    assert store.authorities() == (made,)


def test_two_authorities_share_neither_key_nor_subject_and_the_older_comes_first(home: Path) -> None:
    second, first = authority("b.example.org", now=NOW + DAY), authority("a.example.org")
    assert store.authorities() == (first, second)
    assert first.root.subject != second.root.subject
    assert first.root.public_key() != second.root.public_key()


def test_a_long_user_name_leaves_room_for_what_tells_authorities_apart(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Account:
        pw_name = "x" * 100

    monkeypatch.setattr("pwd.getpwuid", lambda uid: Account)
    made = authority()
    assert len(made.name) == 64
    assert re.search(r"x, 2027-01-15 [0-9a-f]{4}$", made.name)


@pytest.mark.parametrize("names", [["gpu1.lab.example.org"], ["10.3.0.7", "*.lab.example.org", "lab.example.org"]])
def test_what_it_signs_passes_every_strict_check(names: Sequence[str], home: Path, tmp_path: Path) -> None:
    made = authority("lab.example.org", "10.3.0.0/16")
    text = pem.make((*names, "localhost", "127.0.0.1", "::1"), 365, NOW, NOW, None, signer(made))
    leaf = pem.load(text)
    key = Key.load(text)
    assert leaf
    assert key
    assert key.public == pem.public_key(leaf)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert usage == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    assert leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert leaf.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert leaf.not_valid_after_utc.timestamp() == NOW + 365 * DAY
    assert made.has_issued(leaf)
    (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    name = ["-verify_ip", names[0]] if names[0][0].isdigit() else ["-verify_hostname", names[0]]
    command = ["openssl", "verify", "-x509_strict", "-attime", str(int(NOW)), *name, "-purpose", "sslserver"]
    done = subprocess.run(
        [*command, "-CAfile", made.folder / "root.pem", tmp_path / "leaf.pem"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["gpu1.example.org", "10.4.0.1", "gpu1", "my_box.lab.example.org"])
def test_a_certificate_that_strict_clients_would_refuse_does_not_go_out(name: str, home: Path) -> None:
    made = authority("lab.example.org", "10.3.0.0/16")
    with pytest.raises(NbfabError, match=f"would be refused for {re.escape(name)}"):
        pem.make((name, "localhost"), 365, NOW, NOW, None, signer(made))


def test_no_certificate_outlives_its_authority(home: Path) -> None:
    made = authority("lab.example.org")
    late = made.ends.timestamp() - 100 * DAY
    leaf = pem.load(pem.make(("localhost",), 365, late, late, None, signer(made)))
    assert leaf
    assert leaf.not_valid_after_utc == made.ends
    assert made.issues(late)
    assert not made.issues(late + 70 * DAY)
    assert (made.days_left(late), made.days_left(late + 101 * DAY)) == (100, -1)


def test_a_key_shows_in_no_repr_and_goes_nowhere(home: Path) -> None:
    known = signer(authority("lab.example.org"))
    assert "private" not in repr(known).lower()
    with pytest.raises(TypeError, match="a key is not for pickle"):
        pickle.dumps(known)


def test_nothing_is_made_where_others_could_read_it(home: Path) -> None:
    home.mkdir(parents=True, mode=0o755)
    with pytest.raises(Refused, match=f"others could read or change {re.escape(str(home))}") as error:
        authority("lab.example.org")
    assert not list(home.iterdir())
    subprocess.run(["sh", "-c", error.value.hint], check=True)
    assert authority("lab.example.org")


def test_one_that_could_not_be_written_whole_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"), make.alone():
        make.make([], NOW)
    assert [path.name for path in home.iterdir()] == [".lock"]
    assert store.look() == store.Found(())

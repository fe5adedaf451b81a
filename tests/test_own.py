"""A certificate of the user's own: what is checked before anything is done with it, and what each error says."""

import pickle
import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from issuers import Issued, three

from nbfab.errors import UsageError
from nbfab.own.given import Given
from nbfab.own.own import Own, own
from nbfab.run.own_certificate import read

NOW = time.time()
LEAF = three("box", "*.example.org")
ROOT, INTERMEDIATE = LEAF.issuer.issuer, LEAF.issuer  # type: ignore[union-attr]
WHOLE = LEAF.chain + ROOT.pem  # type: ignore[union-attr]
OTHER = three("other")


def check(certificates: str | bytes, key: str | bytes | None = None, now: float = NOW) -> Own:
    """As files of those names."""

    def data(text: str | bytes) -> bytes:
        return text if isinstance(text, bytes) else text.encode()

    private = None if key is None else Given("key.pem", data(key))
    return own(Given("full.pem", data(certificates)), private, now)


@pytest.mark.parametrize(
    ("certificates", "key"),
    [
        (LEAF.chain, LEAF.secret()),
        (WHOLE, LEAF.secret()),
        (LEAF.secret() + LEAF.chain, None),
        (WHOLE + LEAF.secret(), None),
        (LEAF.chain, LEAF.secret(form=PrivateFormat.TraditionalOpenSSL)),
        (LEAF.chain.replace("\n", "\r\n"), LEAF.secret().replace("\n", "\r\n")),
        (f"Bag Attributes\n  friendlyName: böx\nsubject=CN = box\n{LEAF.chain}", f"\ufeff\n{LEAF.secret()}"),
        (LEAF.chain, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + LEAF.secret()),
        (OTHER.secret() + LEAF.chain, LEAF.secret()),
    ],
    ids=["chain", "root", "key first", "key last", "sec1", "crlf", "bags", "parameters", "another key in it"],
)
def test_it_becomes_one_pem_with_the_key_first_and_without_the_root(certificates: str, key: str | None) -> None:
    found = check(certificates, key)
    assert found.reveal() == LEAF.secret() + LEAF.chain
    assert found.notes == ()


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA-2048", "RSA-3072"])
def test_kinds_that_browsers_take(kind: str) -> None:
    leaf = three("box", kind=kind)
    assert check(leaf.chain, leaf.secret()).leaf == leaf.certificate


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Ed25519", "Ed25519"),
        ("Ed448", "Ed448"),
        ("P-521", "EC secp521r1"),
        ("P-256k", "EC secp256k1"),
        ("RSA-1024", "RSA with 1024 bits"),
        ("DSA", "DSA"),
    ],
)
def test_kinds_that_browsers_refuse(kind: str, words: str) -> None:
    leaf = three("box", kind=kind)
    with pytest.raises(UsageError, match=f"the key of the certificate in full.pem is {words}, which browsers refuse"):
        check(leaf.chain, leaf.secret())


def odd(**more: Any) -> tuple[str, str]:
    """A chain whose leaf is odd, and the key."""
    leaf = three("box", **more)
    return leaf.chain, leaf.secret()


NAMELESS = INTERMEDIATE.issue("box")  # type: ignore[union-attr]
LATE = Issued.root().issue("Late CA", ca=True, start=-50, days=-2).issue("box", ["box"])


@pytest.mark.parametrize(
    ("certificates", "key", "message"),
    [
        ("", LEAF.secret(), "full.pem holds no certificate (PEM)"),
        (LEAF.secret(), None, "full.pem holds no certificate (PEM)"),
        (LEAF.chain, None, "full.pem holds no private key (PEM)"),
        (LEAF.chain, LEAF.chain, "key.pem holds no private key (PEM)"),
        (LEAF.chain, LEAF.secret() + OTHER.secret(), "key.pem holds 2 private keys, and one is wanted"),
        (LEAF.chain, OTHER.secret(), "the key in key.pem is not that of the certificate in full.pem"),
        (LEAF.chain + LEAF.chain * 20, LEAF.secret(), "full.pem holds 42 certificates, which is no chain"),
        (LEAF.chain + "x" * 60_000, LEAF.secret(), "full.pem is longer than any certificate with its chain"),
        (LEAF.chain, LEAF.secret() + "x" * 60_000, "key.pem is longer than any key"),
        (LEAF.certificate.public_bytes(Encoding.DER), LEAF.secret(), "full.pem is binary, and PEM is wanted"),
        (LEAF.chain[:500] + LEAF.chain[600:], LEAF.secret(), "full.pem: certificate 1 cannot be read"),
        (LEAF.chain, LEAF.secret()[:80] + LEAF.secret()[90:], "the key in key.pem cannot be read"),
        (LEAF.chain, LEAF.secret("secret"), "the key in key.pem has a passphrase"),
        (
            LEAF.chain,
            LEAF.secret("secret", PrivateFormat.TraditionalOpenSSL),
            "the key in key.pem has a passphrase",
        ),
        (
            INTERMEDIATE.pem + LEAF.pem,  # type: ignore[union-attr]
            LEAF.secret(),
            "full.pem is out of order: certificate 2 (CN=box) is the key's, and has to be the first",
        ),
        (
            LEAF.pem + ROOT.pem + INTERMEDIATE.pem,  # type: ignore[union-attr]
            LEAF.secret(),
            "full.pem is out of order: certificate 2 (CN=Lab CA) did not issue the one before it (CN=box), "
            "which names CN=Lab CA 1",
        ),
        (
            LEAF.chain + OTHER.pem,
            LEAF.secret(),
            "full.pem is out of order: certificate 3 (CN=other) did not issue the one before it (CN=Lab CA 1)",
        ),
        (LEAF.pem * 2, LEAF.secret(), "full.pem is out of order: certificate 2 (CN=box) did not issue"),
        (*odd(start=-50, days=-1), "the certificate in full.pem has expired, on "),
        (*odd(start=2), "the certificate in full.pem is not valid before "),
        (LATE.chain, LATE.secret(), "certificate 2 in full.pem has expired, on "),
        (*odd(ca=True), "the certificate in full.pem is an authority's (CA:TRUE)"),
        (*odd(usage=[ExtendedKeyUsageOID.CLIENT_AUTH]), "the certificate in full.pem is not for servers"),
        (NAMELESS.chain, NAMELESS.secret(), "the certificate in full.pem is for no name or address that browsers read"),
    ],
)
def test_what_is_refused_and_what_that_says(certificates: str, key: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        check(certificates, key)
    assert "PRIVATE" not in str(error.value) + error.value.hint
    assert error.value.__cause__ is None


@pytest.mark.parametrize("digest", [hashes.MD5, hashes.SHA1])
def test_a_signature_that_clients_refuse(digest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbfab.own.fitness.digest_of", lambda certificate: digest())  # cryptography signs with neither
    with pytest.raises(UsageError, match=f"CN=box is signed with {digest.name.upper()}, which clients refuse"):
        check(LEAF.chain, LEAF.secret())


@pytest.mark.parametrize("usage", [[], [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]])
def test_uses_that_allow_a_server(usage: Any) -> None:
    check(*odd(usage=usage))


def test_one_that_ends_soon_and_one_without_its_issuer_s_are_noted() -> None:
    leaf = three("box", start=-80, days=9.5)
    first, second = check(leaf.pem, leaf.secret()).notes
    assert first.startswith("full.pem holds no certificate of its issuer, CN=Lab CA 1: unless clients trust that")
    assert second == "CN=box has 10 days left"


def test_the_key_is_shown_by_nothing_else() -> None:
    found = check(LEAF.chain, LEAF.secret())
    assert repr(found) == "Own(CN=box)"
    assert "PRIVATE" not in repr(Given("key.pem", LEAF.secret().encode()))
    with pytest.raises(TypeError, match="a key is not for pickle"):
        pickle.dumps(found)


TEXTS = st.one_of(
    st.binary(max_size=300),
    st.tuples(st.sampled_from([LEAF.chain, WHOLE + LEAF.secret(), LEAF.secret("x")]), st.integers(0, 2500), st.binary())
    .map(lambda cut: cut[0].encode()[: cut[1]] + cut[2] + cut[0].encode()[cut[1] + 1 :]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.none() | TEXTS)
def test_whatever_is_in_a_file_it_is_a_certificate_or_an_error_of_use(certificates: bytes, key: bytes | None) -> None:
    with suppress(UsageError):
        assert check(certificates, key).leaf


def write(folder: Path, name: str, text: str, mode: int = 0o600) -> str:
    file = folder / name
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def test_files_are_read_and_tried(tmp_path: Path) -> None:
    full, key = write(tmp_path, "full.pem", LEAF.chain), write(tmp_path, "key.pem", LEAF.secret())
    assert read(full, key).reveal() == LEAF.secret() + LEAF.chain
    both = write(tmp_path, "all.pem", LEAF.secret() + LEAF.chain)
    assert read(both, "").notes == ()
    for name, words in ((str(tmp_path / "none"), "No such file or directory"), (str(tmp_path), "Is a directory")):
        with pytest.raises(UsageError, match=f"{name} cannot be read: {words}"):
            read(full, name)
    with pytest.raises(UsageError, match="cannot be read: embedded null byte"):
        read("a\0b", "")


def test_a_key_that_others_can_read_here_is_noted_with_the_command_that_ends_it(tmp_path: Path) -> None:
    full, key = write(tmp_path, "full.pem", LEAF.chain, 0o644), write(tmp_path, "the key.pem", LEAF.secret(), 0o640)
    (note,) = read(full, key).notes
    assert note.startswith(f"others can read the key here, in {key} (-rw-r-----)")
    subprocess.run(["sh", "-c", note.splitlines()[-1]], check=True)
    assert read(full, key).notes == ()


def test_the_commands_for_a_key_with_a_passphrase_and_for_a_pfx_file_do_it(tmp_path: Path) -> None:
    full, key = write(tmp_path, "full.pem", LEAF.chain), write(tmp_path, "the key", LEAF.secret("open sesame"))
    with pytest.raises(UsageError, match="has a passphrase") as error:
        read(full, key)
    line = error.value.hint.splitlines()[1].replace(
        "pkey -in", "pkey -passin stdin -in"
    )  # for it reads from a terminal
    subprocess.run(["sh", "-c", line], input="open sesame\n", text=True, check=True)
    assert error.value.hint.splitlines()[2] == f"nbfab '--key={key}.plain'"
    found = read(full, f"{key}.plain")
    assert found.notes == ()
    pfx = str(tmp_path / "box.pfx")
    export = ["openssl", "pkcs12", "-export", "-in", full, "-inkey", f"{key}.plain", "-out", pfx, "-passout", "pass:x"]
    subprocess.run(export, check=True, capture_output=True)
    with pytest.raises(UsageError, match="is binary, and PEM is wanted") as error:
        read(pfx, "")
    line = error.value.hint.splitlines()[1].replace("pkcs12 -in", "pkcs12 -passin stdin -in")
    subprocess.run(["sh", "-c", line], input="x\n", text=True, check=True)
    assert read(f"{pfx}.pem", "").reveal() == found.reveal()


def test_the_commands_for_binary_files_do_it(tmp_path: Path) -> None:
    full, key = (str(tmp_path / name) for name in ("the box.der", "the key.der"))
    Path(full).write_bytes(LEAF.certificate.public_bytes(Encoding.DER))
    pem_key = write(tmp_path, "key.pem", LEAF.secret())
    subprocess.run(["openssl", "pkey", "-in", pem_key, "-outform", "DER", "-out", key], check=True)
    for names, option in (((full, pem_key), "certificate"), ((f"{full}.pem", key), "key")):
        with pytest.raises(UsageError, match=r"binary|no private key") as error:
            read(*names)
        *_, command, last = (line for line in error.value.hint.splitlines() if line != "then name that")
        subprocess.run(["sh", "-c", command], check=True)
        assert last == f"nbfab '--{option}={full if option == 'certificate' else key}.pem'"
    assert read(f"{full}.pem", f"{key}.pem").reveal() == LEAF.secret() + LEAF.pem


def test_files_that_are_exchanged_are_recognised() -> None:
    with pytest.raises(UsageError, match=r"full\.pem holds no certificate") as error:
        check(LEAF.secret(), LEAF.chain)
    assert error.value.hint == "it holds a key: name that by --key, and the certificate by --certificate"

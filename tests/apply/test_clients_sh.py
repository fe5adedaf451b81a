"""The sh that changes who is admitted, one entry at a time, in the shells that hosts have."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from shells import NASTY, each_shell, run

from nbfab.apply.apply import FILES
from nbfab.program import call, functions

ALL = functions(*FILES, "apply/clients") + "exec 3>&1\nexec 2>&1\nfolder=$PWD\n"


def block(body: str) -> str:
    """An entry of that base64, in two lines if it has room for them."""
    return f"-----BEGIN CERTIFICATE-----\n{body[:4]}\n{body[4:] or '='}\n-----END CERTIFICATE-----\n"


def changing(adds: Sequence[str] = (), drops: Sequence[str] = ()) -> str:
    """The program that changes the bundle of the current folder."""
    texts = "".join(map(block, adds))
    gone = " ".join(f"{body[:4]}{body[4:] or '='}" for body in (*drops, *adds))
    return ALL + call("change_clients", file="clients.pem", mode="600", adds=texts, drops=gone) + "exit $?\n"


@each_shell
def test_each_change_touches_its_own_entries_alone(shell: tuple[str, ...], tmp_path: Path) -> None:
    bundle = tmp_path / "clients.pem"
    for adds, drops, left in [
        (["aaaabbbb"], [], ["aaaabbbb"]),
        (["cccc", "dd+/ee=="], [], ["aaaabbbb", "cccc", "dd+/ee=="]),
        (["aaaabbbb"], [], ["cccc", "dd+/ee==", "aaaabbbb"]),  # no one is in there twice
        (["ffff"], ["cccc"], ["dd+/ee==", "aaaabbbb", "ffff"]),
        ([], ["gggg"], ["dd+/ee==", "aaaabbbb", "ffff"]),
        ([], ["aaaabbbb", "ffff"], ["dd+/ee=="]),
    ]:
        assert run(shell, changing(adds, drops), tmp_path) == ""
        assert bundle.read_text() == "".join(map(block, left))
        assert bundle.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["clients.pem"]


@each_shell
@pytest.mark.parametrize("drops", [["aaaa"], ["aaaa", "bbbb"]])
def test_it_never_becomes_empty(shell: tuple[str, ...], drops: list[str], tmp_path: Path) -> None:
    """Or each connection would hang."""
    bundle = tmp_path / "clients.pem"
    bundle.write_text(block("aaaa"))
    said = run(shell, changing(drops=drops), tmp_path, status=1)
    assert said == f"no client would be left in {tmp_path}/clients.pem\n"
    assert bundle.read_text() == block("aaaa")


@each_shell
@pytest.mark.parametrize("value", [text for text in NASTY if text.strip()])
def test_what_someone_has_written_beside_them_stays(shell: tuple[str, ...], value: str, tmp_path: Path) -> None:
    bundle = tmp_path / "clients.pem"
    note = f"# {value}\n".replace("\n\n", "\n")
    bundle.write_text(note + block("aaaa") + note)
    assert run(shell, changing(["bbbb"]), tmp_path) == ""
    assert bundle.read_text() == note + block("aaaa") + note + block("bbbb")


@each_shell
def test_lines_that_end_as_on_windows_are_understood(shell: tuple[str, ...], tmp_path: Path) -> None:
    bundle = tmp_path / "clients.pem"
    bundle.write_bytes((block("aaaa") + block("bbbb")).replace("\n", "\r\n").encode())
    assert run(shell, changing(["cccc"], ["aaaa"]), tmp_path) == ""
    assert bundle.read_text() == block("bbbb") + block("cccc")


@each_shell
@pytest.mark.parametrize(
    "half", ["-----BEGIN CERTIFICATE-----\naaaa\n", block("<aaaa>"), "-----BEGIN CERTIFICATE-----\n"]
)
def test_what_is_no_entry_goes_as_it_would_shut_everyone_out(shell: tuple[str, ...], half: str, tmp_path: Path) -> None:
    bundle = tmp_path / "clients.pem"
    bundle.write_text(half)
    assert run(shell, changing(["bbbb"]), tmp_path) == ""
    assert bundle.read_text() == block("bbbb")


@each_shell
def test_what_follows_an_entry_on_its_last_line_goes(shell: tuple[str, ...], tmp_path: Path) -> None:
    bundle = tmp_path / "clients.pem"
    bundle.write_text(f"{block('aaaa').rstrip()} # ann{chr(10)}{block('cccc').rstrip()}-----BEGIN X-----\n")
    assert run(shell, changing(["bbbb"]), tmp_path) == ""
    assert bundle.read_text() == block("aaaa") + block("cccc") + block("bbbb")
    bundle.write_text(block("aaaa").rstrip() + block("cccc"))  # without a line end between them
    assert run(shell, changing(["bbbb"]), tmp_path) == ""
    assert bundle.read_text() == block("aaaa") + block("cccc") + block("bbbb")


@each_shell
@pytest.mark.parametrize("kind", ["X509 CERTIFICATE", "TRUSTED CERTIFICATE", "PRIVATE KEY"])
def test_what_tls_would_stumble_over_goes(shell: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    bundle = tmp_path / "clients.pem"
    bundle.write_text(f"-----BEGIN {kind}-----\n# ---\n{block('aaaa')}-----END {kind}-----\n")
    assert run(shell, changing(["bbbb"]), tmp_path) == ""
    assert bundle.read_text() == f"# ---\n{block('aaaa')}{block('bbbb')}"


@each_shell
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_only_a_regular_file_is_replaced(shell: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    place = tmp_path / "clients.pem"
    (tmp_path / "other").write_text(block("aaaa"))
    if kind == "link":
        place.symlink_to("other")
    else:
        place.mkdir()
    said = run(shell, changing(["bbbb"]), tmp_path, status=1)
    assert said == f"{place} is not a regular file; nbfab does not write through it\n"
    assert (tmp_path / "other").read_text() == block("aaaa")

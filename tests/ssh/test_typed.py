"""What was typed to log in is the answer to the prompts of `ssh`, whatever made the connection."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from sshd import Sshd

from nbfab import prompts
from nbfab.names import parse_host
from nbfab.ssh.host import There
from nbfab.ssh.options import SshOptions


class Typist:
    """Types always the same."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        return self.answer

    def reads(self, line: str) -> None:
        pass

    def trusts(self, host: str, key: str, command: str) -> bool:
        return False


def there(box: Sshd, typist: Typist | None = None, **more: Any) -> There:
    host = There("box", parse_host("box"), SshOptions(config=str(box.config), **more), typist)
    try:
        assert b"here" in b"".join(host.talk(b"echo here\n", 20))
    finally:
        host.close()
    return host


@pytest.fixture
def locked(box: Sshd) -> Sshd:
    """A host that a key with a passphrase lets in."""
    command = ["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", str(box.identity)]
    subprocess.run(command, check=True, capture_output=True)
    return box


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_passphrase_by_its_prompt(locked: Sshd, transport: str) -> None:
    known = {prompts.for_key(str(locked.identity)): "open sesame"}
    assert there(locked, Typist("open sesame"), transport=transport).typed == known
    given = there(locked, transport=transport, passphrase="open sesame")
    assert given.typed == known
    assert "sesame" not in repr(given._options) + repr(given._typist)


def test_nothing_is_typed_where_nothing_is_asked(box: Sshd) -> None:
    assert there(box, Typist("open sesame")).typed == {}


def test_ssh_gets_no_prompts_where_it_has_none_that_are_safe(
    locked: Sshd, monkeypatch: pytest.MonkeyPatch, sshds: Callable[..., Sshd]
) -> None:
    host = there(locked, Typist("open sesame"))
    assert "BatchMode=no" in host.asking()
    assert "BatchMode=yes" in host.by_itself()
    monkeypatch.setattr("nbfab.ssh.host.version", lambda: (8, 4))  # it does not mark the prompts of servers
    assert host.typed == {}
    assert not host.marks
    assert host.asking()
    monkeypatch.setattr("nbfab.ssh.host.version", lambda: (8, 3))
    assert host.asking() == []
    monkeypatch.undo()
    batch = sshds()
    batch.write_config("BatchMode yes\n")
    assert there(batch).asking() == []

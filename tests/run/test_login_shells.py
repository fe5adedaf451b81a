"""Hosts whose users have other login shells, and whose shells talk."""

from collections.abc import Callable

import pytest
from machine import PASSWORD, Machine
from notebook_client import logs_in

NOISE = "echo 'Welcome! {\"home\": \"/nowhere\"}'; echo 'to stderr' >&2\n"
STARTUP = (".bashrc", ".cshrc", ".zshenv", ".config/fish/config.fish", ".profile")


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash", "/usr/bin/fish", "/usr/bin/tcsh", "/usr/bin/zsh"])
def test_the_way_to_a_notebook_with_each_login_shell(host: Callable[..., Machine], shell: str) -> None:
    machine = host(shell=shell)
    for name in STARTUP:
        (machine.home / name).parent.mkdir(parents=True, exist_ok=True)
        (machine.home / name).write_text(NOISE if "csh" not in name else "echo 'Welcome!'\n")
    machine.ok("setup")
    assert logs_in(machine.port, machine.folder, PASSWORD)
    again = machine.json("setup")
    assert again["verdict"] == "unchanged"
    assert again["state"]["folder"] == str(machine.folder)
    assert "has ended" in machine.ok("stop")


def test_a_user_who_may_not_log_in_is_told_in_the_hosts_own_words(host: Callable[..., Machine]) -> None:
    said = host(shell="/usr/sbin/nologin").fails("setup")
    assert "box: " in said
    assert "This account is currently not available." in said
    assert said.rstrip().endswith(" box /bin/sh -c true")

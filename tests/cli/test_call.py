"""A call of a task: what Fabric's options and an inventory say about how to reach a host."""

import re
from typing import Any

import fabric
import pytest
from invoke import Context

from nbfab.cli.call import HANDING_OUT, Call
from nbfab.cli.options import defaults
from nbfab.cli.tasks import ns
from nbfab.errors import UsageError
from nbfab.inventory.hosts import InventoryHost
from nbfab.inventory.place import Place
from nbfab.names import parse_host
from nbfab.ssh.options import SshOptions


def call(ssh: str | None = None, **overrides: Any) -> Call:
    """A call with those values in Fabric's configuration."""
    config = fabric.Config(overrides=overrides, lazy=True)
    config.set_runtime_ssh_path("/an/ssh_config")
    return Call(Context(config), "status", {"accept_new_host_key": True, "ssh": ssh})


@pytest.mark.parametrize("seconds", [-1, 0, float("nan"), 1e300, "soon"])
def test_a_timeout_that_makes_no_sense_is_named(seconds: object) -> None:
    for given in ({"connect_kwargs": {"timeout": seconds}}, {"timeouts": {"connect": seconds}}):
        with pytest.raises(UsageError, match=re.escape(repr(seconds))) as error:
            call(None, **given).ssh_options()
        assert "-t takes seconds" in error.value.hint


@pytest.mark.parametrize("given", [{"connect_kwargs": {"timeout": 2.5}}, {"timeouts": {"connect": "2.5"}}])
def test_a_timeout_is_in_seconds(given: dict[str, Any]) -> None:
    assert call(None, **given).ssh_options().timeout == 2.5


def test_the_options_of_fabric_say_how_to_reach_a_host() -> None:
    kwargs = {"key_filename": ["/keys/a", "/keys/b"], "password": "secret", "passphrase": "sesame"}
    expected = SshOptions("/an/ssh_config", ("/keys/a", "/keys/b"), "secret", "sesame", None, accept_new=True)
    assert call(connect_kwargs=kwargs).ssh_options() == expected
    assert call(connect_kwargs={"key_filename": "/keys/a"}).ssh_options().keys == ("/keys/a",)


def test_the_inventory_says_how_to_reach_its_hosts() -> None:
    entry = InventoryHost("a", Place("hosts.yaml"), values={"identity": "~/.ssh/lab", "jump": (parse_host("b"),)})
    options = call().ssh_options(entry)
    assert (options.identity, options.jumps, options.keys) == ("~/.ssh/lab", (parse_host("b"),), ())
    assert call().ssh_options().jumps is None


def test_the_transport_can_be_chosen() -> None:
    assert call().ssh_options().transport == ""
    assert call(ssh="openssh").ssh_options().transport == "openssh"
    with pytest.raises(UsageError, match="--ssh telnet"):
        call(ssh="telnet").ssh_options()


def test_a_command_for_people_repeats_the_options() -> None:
    given = {**defaults(("ssh",)), "debugger": True, "port": "8765", "name": ["a", "b"]}
    words = Call(Context(), "setup", given).command()("setup").split()
    assert words[1:] == ["setup", "--port=8765", "--name=a", "--name=b", "--debugger"]


def test_the_handout_is_named_again_for_the_tasks_that_have_one() -> None:
    having = {name for name in ns.task_names if name.startswith("fleet.") and "handout" in ns[name].help}
    assert having == {f"fleet.{task}" for task in HANDING_OUT}
    command = Call(Context(), "setup", {**defaults(("ssh", "handout")), "handout": "to.csv"}).command(prefix="fleet.")
    assert command("setup", "--yes").split()[1:] == ["fleet.setup", "--handout=to.csv", "--yes"]
    assert command("status").split()[1:] == ["fleet.status"]


@pytest.mark.parametrize(
    ("switch", "option"), [("debugger", "debugger"), ("client_certificates", "client-certificates")]
)
def test_a_switch_can_be_turned_off_by_a_flag_too(switch: str, option: str) -> None:
    made = Call(Context(), "setup", {**defaults(("ssh",)), f"no_{switch}": True})
    listed = InventoryHost("a", Place("hosts.yaml"), values={switch: True})
    assert getattr(made.settings(listed), switch) is False
    assert made.command()("setup").split()[1:] == ["setup", f"--no-{option}"]
    both = Call(Context(), "setup", {**defaults(()), switch: True, f"no_{switch}": True})
    with pytest.raises(UsageError, match=f"^--{option} and --no-{option} contradict each other$"):
        both.settings(None)


@pytest.mark.parametrize(("flag", "on"), [(True, True), (False, False)])
def test_a_switch_that_is_not_given_leaves_what_others_say(flag: bool, on: bool) -> None:
    made = Call(Context(), "setup", {**defaults(()), "debugger": flag})
    assert made.settings(None).debugger is on
    listed = InventoryHost("a", Place("hosts.yaml"), values={"debugger": True})
    assert made.settings(listed).debugger is True

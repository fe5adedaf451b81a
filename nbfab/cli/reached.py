"""The command lines that reach the hosts which this machine remembers."""

import shlex
from pathlib import Path

from nbfab.cli.called import called
from nbfab.fleet.known import Known
from nbfab.settings import Settings


def command(server: Known, task: str, *options: str) -> str:
    """The command line of a task on the server's host."""
    usual = Settings().profile
    profile = [f"--profile={server.profile}"] if server.profile not in ("", usual) else []
    if server.is_here:
        return shlex.join([*called(), task, *profile, *options])
    reach = server.reach
    config = ["-S", reach.config] if reach.config else []
    keys = [word for key in reach.keys for word in ("-i", key)]
    transport = [f"--ssh={reach.transport}"] if reach.transport else []
    if server.inventory:
        listed = ["--inventory", server.inventory, "--limit", server.host]
        return with_hosts(*config, *keys, f"fleet.{task}", *listed, *transport, *options)
    return with_hosts(*config, *keys, "-H", server.host, task, *profile, *transport, *options)


def with_hosts(*words: str) -> str:
    """A command line of the program as it was called; where that is Invoke's, which takes no host, of Fabric's."""
    return shlex.join([*(_of_fabric(word) for word in called()), *words])


def _of_fabric(word: str) -> str:
    path = Path(word)
    return str(path.with_name("fab")) if path.name in ("inv", "invoke") else word

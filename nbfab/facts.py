"""Facts: what look saw on the host."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nbfab.errors import HostError


class Environment(NamedTuple):
    """A Python on the host and what it has of the notebook.

    `source` tells how it was found: asked, made, login or here. `packages` maps names to versions.
    """

    source: str
    python: str
    packages: Mapping[str, str]


class Started(NamedTuple):
    """What the last start left: the shell around the server, the server's process, and the digest of its settings.

    `start` is when the process started as `nbfab/remote/process.sh` tells it, `since` seconds since the epoch.
    """

    runner: str
    pid: str
    start: str
    digest: str
    since: int


class Kernel(NamedTuple):
    """A live kernel: its id, the notebook that it belongs to if any, and busy, idle or starting."""

    id: str
    notebook: str
    state: str


class Server(NamedTuple):
    """What the running server says of itself; `reason` is why it does not answer, where `ready` is false."""

    ready: bool
    reason: str = ""
    port: int = 0
    kernels: tuple[Kernel, ...] = ()
    terminals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What look saw. A text is empty, and a record None, where there is no such thing on the host.

    `user` is told where something cannot be written. `modes` maps the files of the profile's folder to their mode as
    ls(1) writes it, and `owners` to the number of their owner. The `*_file` are the texts of the files that nbfab
    writes, `certificate` is the PEM without the key.
    """

    uid: str
    clock: int
    folder: str
    directory: str
    directory_state: str
    nearest: str
    writable: bool
    folder_state: str
    user: str = ""
    tmux: bool = False
    system: str = ""
    names: tuple[str, ...] = ()
    modes: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    certificate: str = ""
    key_public: str = ""
    password_file: str = field(default="", repr=False)
    config_file: str = ""
    login_file: str = ""
    run_file: str = ""
    kernel_file: str = ""
    ipython_file: str = ""
    generation: str = ""
    environments: tuple[Environment, ...] = ()
    remembered: bool = False
    python_fails: str = ""
    uv: str = ""
    python3: str = ""
    venv: str = ""
    session_pids: tuple[str, ...] = ()
    started: Started | None = None
    alive: bool = False
    server: Server | None = None
    port_holder: str = ""
    log: str = ""

    @property
    def data(self) -> str:
        """The folder that holds the profiles, and beside them the environment that nbfab makes."""
        return self.folder.rpartition("/")[0]

    @property
    def ours(self) -> bool:
        """Whether a server runs that is proven to be this profile's.

        Its process has the number and the time of start that were noted, and either is what our tmux session runs, or
        answers with the token that only it wrote into the profile's folder. So a number that was given to another
        process, also after a restart of the machine, is no proof.
        """
        in_session = self.started is not None and self.started.runner in self.session_pids
        return self.alive and (in_session or (self.server is not None and self.server.ready))

    @property
    def live(self) -> tuple[str, ...]:
        """What ending the server would destroy, each as a person would call it."""
        if not self.alive:
            return ()
        if self.server is None or not self.server.ready:
            return ("kernels that it does not tell of, because it does not answer",)
        kernels = [
            f"kernel {kernel.id[:8]}{f' of {kernel.notebook}' if kernel.notebook else ''} ({kernel.state})"
            for kernel in self.server.kernels
        ]
        return (*kernels, *(f"terminal {name}" for name in self.server.terminals))


MOST = 20  # environments that a host can have found
_ADDRESS = re.compile(r"\s+inet6? (?:addr: ?)?([0-9A-Fa-f.:]+)(?=[\s/]|$)")
_NOT_FOR_LONG = re.compile(r"temporary|deprecated|tentative|scope[: ](link|host)|<(link|host)>", re.IGNORECASE)
_LISTED = re.compile(r"(?P<mode>\S{10})\S*\s+\d+\s+(?P<owner>\d+)\s.*?(?P<path>\S+)")


def _listing(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Modes and owners from the lines of `ls -lnd`; of a symbolic link, what it is called and not where it leads."""
    found = [match for line in text.splitlines() if (match := _LISTED.fullmatch(line.partition(" -> ")[0]))]
    return {match["path"]: match["mode"] for match in found}, {match["path"]: match["owner"] for match in found}


def _addresses(text: str) -> list[str]:
    """The addresses that others reach and that last in what ip(8) or ifconfig(8) prints: no temporary IPv6 ones."""
    lines = [line for line in text.splitlines() if not _NOT_FOR_LONG.search(line)]
    return [match[1] for line in lines if (match := _ADDRESS.match(line))]


def _server(said: Mapping[str, Any]) -> Server:
    if not said.get("ready"):
        return Server(False, str(said.get("reason", "")))
    kernels = (Kernel(str(k["id"]), str(k["notebook"]), str(k["state"])) for k in said["kernels"])
    terminals = (str(name) for name in said["terminals"])
    return Server(True, "", int(said["port"]), tuple(kernels), tuple(terminals))


def _started(text: str) -> Started | None:
    match text.split():
        case [runner, pid, start, digest, since] if since.isascii() and since.isdigit() and len(since) < 12:
            return Started(runner, pid, start, digest, int(since))
    return None


def _environment(said: Mapping[str, Any]) -> Environment:
    return Environment(str(said["source"]), str(said["python"]), dict(said["packages"]))


_FLAGS = {"writable", "tmux", "remembered", "alive"}
_TEXTS = {
    *("user", "uid", "folder", "directory", "directory_state", "nearest", "folder_state", "system"),
    *("certificate", "key_public", "password_file", "config_file", "login_file", "run_file", "kernel_file"),
    *("ipython_file", "python_fails", "uv", "python3", "venv", "port_holder", "log"),
}


def parse(records: Iterable[Mapping[str, Any]]) -> Facts:
    """Facts from the records that look printed, one fact each; a record that is not known is left out.

    Raises HostError where a fact is missing or makes no sense.
    """
    values: dict[str, Any] = {"environments": ()}
    try:
        for name, value in ((name, value) for record in records for name, value in record.items()):
            if name in _TEXTS:
                values[name] = str(value)
            elif name == "generation":
                values[name] = value.strip()
            elif name in _FLAGS:
                values[name] = value == "yes"
            elif name == "clock":
                values[name] = int(value)
            elif name in ("names", "addresses"):
                more = value.split() if name == "names" else _addresses(value)
                values["names"] = tuple(dict.fromkeys((*values.get("names", ()), *more)))
            elif name == "session_pids":
                values[name] = tuple(dict.fromkeys(value.split()))
            elif name == "listing":
                values["modes"], values["owners"] = _listing(value)
            elif name == "environment" and len(values["environments"]) < MOST:
                values["environments"] += (_environment(value),)
            elif name == "started":
                values[name] = _started(value)
            elif name == "server":
                values[name] = _server(value)
        return Facts(**values)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        words = "facts are missing" if isinstance(error, TypeError) else str(error)
        raise HostError(f"what the host tells of itself makes no sense: {words}", "run it again") from None

"""Call: one call of a task, as Invoke hands it over, in terms of nbfab's own."""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke import Context

from nbfab.cli.called import HERE, called, without
from nbfab.cli.options import GIVEN, LISTS, NAMING, POSITIONAL, WHOLE
from nbfab.errors import UsageError
from nbfab.fix import again, task
from nbfab.names import HostString, parse_host
from nbfab.records import dataclass
from nbfab.settings import OPTIONS, RESETTABLE, Option, Settings, whole_number

if TYPE_CHECKING:
    from nbfab.authority.keyring import Keyring
    from nbfab.inventory.hosts import InventoryHost
    from nbfab.own.own import Own
    from nbfab.passwords import Password
    from nbfab.ssh.early import Early
    from nbfab.ssh.options import SshOptions
    from nbfab.ssh.routes import Asked, Routes

INVENTORY = Path("hosts.yaml")  # in the current folder
# What Fabric's configuration may say of connections that nbfab would not do, and what to do instead.
_FABRIC_S = {
    "user": "put it into ssh_config: User {}",
    "port": "put it into ssh_config: Port {}",
    "gateway": "put it into ssh_config: ProxyJump {}",
    "ssh_config_path": "name it by -S {}",
    "load_ssh_configs": "name an empty file by -S",
    "authentication": "put the keys into ssh_config, by IdentityFile",
}
_UNDERSTOOD = ("key_filename", "password", "passphrase", "timeout")  # of connect_kwargs
HANDING_OUT = ("password", "rotate", "serve", "setup", "handout")  # the tasks that have --handout
SIGNING = ("certificate", "rotate", "serve", "setup", "ca")  # those that have --passphrase-file
LEAVE = "leave one of them out"
_LONGEST = 1_000_000  # seconds; a system call takes no more than 2**31 milliseconds


@dataclass(frozen=True)
class Call:
    """A call of the task `task`, with the options that were given by flag."""

    c: Context
    task: str
    given: Mapping[str, Any]

    @property
    def json(self) -> bool:
        """Whether the output is one JSON document."""
        return bool(self.given["json"])

    @property
    def quiet(self) -> bool:
        """Whether only news is printed."""
        return bool(self.given["quiet"])

    @property
    def days_left(self) -> int | None:
        """How many days a certificate should be valid for at least. Raises UsageError."""
        given = self.given.get("days_left")
        try:
            return None if given is None else whole_number(1, 3650)(given)
        except ValueError as error:
            raise UsageError(f"days-left must be {error}, not {given!r}") from None

    @property
    def flags(self) -> frozenset[str]:
        """The flags without a value that were given."""
        return frozenset(name for name, value in self.given.items() if value is True)

    @property
    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """The values of the flags beside the options that may be repeated, name files, or have to be given: with these
        a task is called again. Raises UsageError.
        """
        lists = {flag: tuple(self.given[flag]) for flag in LISTS if self.given.get(flag)}
        lists |= {flag: (str(self.given[flag]),) for flag in (*WHOLE, *POSITIONAL) if self.given.get(flag)}
        lists |= {flag: ("",) for flag in NAMING if self.given.get(flag) == ""}  # which names none
        for key in lists.get("reset", ()):
            if key not in RESETTABLE:
                raise UsageError(f"--reset {key}: there is no such option", f"one of {', '.join(RESETTABLE)}")
        return lists

    @property
    def own(self) -> "Own | None":
        """The user's own certificate, if one was given; read anew each time. Raises UsageError."""
        certificate, key = (self.given.get(flag) for flag in GIVEN)
        if certificate is None and key is None:
            return None
        if not certificate:
            raise UsageError("a key alone is no certificate", "name that, too", again("--certificate=FULLCHAIN.pem"))
        for flag in ("new_key", "reissue", "self_signed"):
            if self.given.get(flag):
                raise UsageError(f"--certificate brings one, and --{flag.replace('_', '-')} has nbfab make one", LEAVE)
        from nbfab.run.own_certificate import read

        return read(certificate, key or "")

    @property
    def hosts(self) -> Sequence[HostString]:
        """The hosts that -H names; none for this machine.

        Raises UsageError under `fab` without a host: never on this machine by accident.
        """
        hosts: Sequence[HostString] = getattr(self.c, "nbfab_hosts", ())
        if not hosts and (host := getattr(self.c, "original_host", "")):  # of a connection that Fabric has made
            hosts = [parse_host(host)]
        # Fabric's own configuration tells its programs from Invoke's; nbfab without -H means this machine.
        if not hosts and type(self.c.config).__module__.startswith("fabric."):
            raise UsageError("fab runs on hosts: name one", "name it by -H; on this machine the tasks are those of inv")
        return hosts

    @property
    def early(self) -> "Early | None":
        """What was begun before for a host."""
        return getattr(self.c, "nbfab_early", None)

    def check_dry_run(self) -> None:
        """Raises UsageError for Invoke's --dry, which does not keep nbfab's tasks from anything."""
        if self.c.config.run.dry and self.task not in ("plan", "status", "doctor"):
            raise UsageError("a dry run is a task of its own", task("plan"))

    def settings(self, entry: "InventoryHost | None") -> Settings:
        """What the server on a host should be, by flags, the host's entry in an inventory, and so on."""
        section = self.c.config.get("nbfab") or {}
        plain = {key: section[key] for key in section} if hasattr(section, "keys") else section
        flags = {option.key: self._of_flag(option) for option in OPTIONS}
        return Settings.gather(flags, plain, self._listed(entry) if entry else None)

    def _listed(self, entry: "InventoryHost") -> dict[str, Any]:
        """The options of a host in an inventory; a file that it names is beside the inventory."""
        options = dict(entry.options)
        if named := options.get("requirements"):
            beside = Path(self.given.get("inventory") or INVENTORY).parent
            options["requirements"] = str(beside / Path(str(named)).expanduser())
        return options

    def _of_flag(self, option: Option) -> Any:
        """What the flag of an option says; None if it was not given. Raises UsageError."""
        given = self.given[option.parameter]
        if not option.switch:
            return given
        on, off = bool(given), bool(self.given[option.off])
        if on and off:
            flags = f"--{option.flag} and --{_dashed(option.off)}"
            raise UsageError(f"{flags} contradict each other", "leave one of them out")
        return on if on or off else None

    @property
    def wants_password(self) -> bool:
        """Whether the task has a use for a password."""
        return "password_stdin" in self.given

    def password(self, command: Callable[..., str]) -> "Password | None":
        """The password given for all hosts: on standard input, or in NBFAB_PASSWORD. Raises UsageError.

        `command` gives the command line of a task for these hosts.
        """
        from nbfab.cli.password import given

        if not self.wants_password:
            return None
        return given(self.task, self.given["password_stdin"], "new" in self.flags, command)

    @property
    def keyring(self) -> "Keyring":
        """What unlocks the keys of authorities."""
        from nbfab.authority.keyring import Keyring

        given = self.given.get("passphrase_file")
        return Keyring(Path(given) if given else None)

    def ssh_options(self, entry: "InventoryHost | None" = None) -> "SshOptions":
        """How to reach a host: what Fabric's options say, and the host's entry. Raises UsageError."""
        from nbfab.ssh.options import SshOptions

        self._check_fabric_s()
        transport = self.given["ssh"] or ""
        if transport not in ("", "openssh", "paramiko"):
            raise UsageError(f"--ssh {transport}: there is no such transport", "openssh and paramiko are the two")
        kwargs = self.c.config.get("connect_kwargs") or {}
        timeouts = self.c.config.get("timeouts") or {}
        keys = kwargs.get("key_filename") or ()
        return SshOptions(
            config=str(getattr(self.c.config, "_runtime_ssh_path", None) or (entry.ssh_config if entry else "")),
            keys=(keys,) if isinstance(keys, str) else tuple(map(str, keys)),
            password=kwargs.get("password") or "",
            passphrase=kwargs.get("passphrase") or "",
            timeout=_seconds(timeouts.get("connect") if kwargs.get("timeout") is None else kwargs["timeout"]),
            accept_new=self.given["accept_new_host_key"],
            identity=entry.identity if entry else "",
            jumps=entry.jumps if entry else None,
            transport=transport,
            options=entry.ssh_options if entry else (),
        )

    def asked(self, host: "InventoryHost") -> "Asked":
        """What the route to a host depends on. Raises UsageError."""
        options = self.ssh_options(host)
        return host.typed, options.config, options.options

    def routes(self, hosts: "Iterable[InventoryHost]") -> "Routes":
        """The routes to hosts. Raises UsageError."""
        from nbfab.ssh.routes import Routes

        return Routes(map(self.asked, hosts))

    def _check_fabric_s(self) -> None:
        """Raises UsageError for what Fabric's configuration, such as ~/.fabric.yaml, says of connections by itself.

        To ignore it would reach another machine, or as another user; ssh_config alone decides on those.
        """
        config = self.c.config
        if not hasattr(config, "_runtime_ssh_path"):  # Invoke's
            return
        usual = type(config).global_defaults()
        other = {key: fix for key, fix in _FABRIC_S.items() if config.get(key) not in (None, usual.get(key))}
        if "load_ssh_configs" in (getattr(config, "_project", None) or {}):
            other.pop("load_ssh_configs", None)  # that of a clone keeps Fabric itself from reading ssh_config
        authentication = config.get("authentication") or {}
        keys = (config.get("connect_kwargs") or {}).get("key_filename") or ()
        if not authentication.get("strategy_class") and {*map(str, authentication.get("identities") or ())} <= {
            *map(str, keys)
        }:
            other.pop("authentication", None)  # Fabric puts the keys of -i there, too
        for key, fix in other.items():
            raise UsageError(
                f"Fabric's configuration (~/.fabric.yaml?) has `{key}`, which nbfab does not use",
                fix.format(config.get(key)),
            )
        for key in {*(config.get("connect_kwargs") or ())} - {*_UNDERSTOOD}:
            raise UsageError(
                f"Fabric's configuration has `connect_kwargs: {key}`, which nbfab does not use", "remove it"
            )

    def command(self, before: Sequence[str] = (), after: Sequence[str] = (), prefix: str = "") -> Callable[..., str]:
        """Makes command lines for people to type: a task, by the program as it was called, with the same options.

        `before` stands before the task's name, which gets the `prefix`, and `after` behind it; more options may follow.
        """
        words = [*called()]
        ssh_config = getattr(self.c.config, "_runtime_ssh_path", None)
        if ssh_config:
            words += ["-S", str(ssh_config)]
        options = [
            f"--{option.flag}" if option.switch else f"--{option.flag}={value}"
            for option in OPTIONS
            if self.given[option.parameter]
            for value in (self.given[option.parameter] if option.repeatable else [self.given[option.parameter]])
        ]
        options += [f"--{_dashed(option.off)}" for option in OPTIONS if option.switch and self.given[option.off]]
        if self.given["ssh"]:
            options.append(f"--ssh={self.given['ssh']}")
        passphrase = self.given.get("passphrase_file")
        file = [f"--passphrase-file={passphrase}"] if passphrase else []
        handout = [f"--handout={self.given['handout']}"] if self.given.get("handout") else []

        def command(task: str, *more: str) -> str:
            if task in HERE:
                return shlex.join([*called(), task, *more])
            told = [*after, *options, *(handout if task in HANDING_OUT else ()), *(file if task in SIGNING else ())]
            return shlex.join([*words, *before, prefix + task, *without(told, more), *more])

        return command

    def close(self, label: str, other: str = "") -> str:
        """The command line that closes what this one opens, by the name of an `other` profile than what was typed."""
        profile = other or self.given["profile"]
        words = [*called(), *(("-S", path) if (path := getattr(self.c.config, "_runtime_ssh_path", None)) else ())]
        words += [*(("-H", label) if label else ()), "close", *((f"--profile={profile}",) if profile else ())]
        return shlex.join(map(str, words))


def _dashed(parameter: str) -> str:
    return parameter.replace("_", "-")


def _seconds(given: Any) -> float | None:
    if given is None:
        return None
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = 0
    if not 0 < seconds < _LONGEST:
        raise UsageError(f"{given!r} is not a time to connect in", "-t takes seconds, a number above 0")
    return seconds

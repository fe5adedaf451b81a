"""Facts: what look saw on the host, in groups."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from nbfab.errors import HostError
from nbfab.look.around import AroundFacts
from nbfab.look.at_boot import AtBootFacts
from nbfab.look.choices import ChoiceFacts
from nbfab.look.cluster import ClusterFacts
from nbfab.look.environments import EnvironmentFacts
from nbfab.look.envs import EnvFacts
from nbfab.look.fact import MOST
from nbfab.look.files import FileFacts
from nbfab.look.home import HomeFacts
from nbfab.look.host import HostFacts
from nbfab.look.interpreter import InterpreterFacts
from nbfab.look.kernels import KernelFacts
from nbfab.look.left import LeftFacts
from nbfab.look.limits import LimitFacts
from nbfab.look.listening import ListeningFacts
from nbfab.look.others import OtherFacts
from nbfab.look.port import PortFacts
from nbfab.look.relay import RelayFacts
from nbfab.look.server import ServerFacts
from nbfab.look.shell import ShellFacts
from nbfab.look.stale import StaleFacts
from nbfab.program import Record
from nbfab.records import dataclass


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What look saw. Text is empty, and a record None, if there is no such thing on the host."""

    host: HostFacts
    choices: ChoiceFacts
    files: FileFacts
    environments: EnvironmentFacts
    server: ServerFacts
    port: PortFacts
    envs: EnvFacts = dataclasses.field(default_factory=EnvFacts)
    kernels: KernelFacts = dataclasses.field(default_factory=KernelFacts)
    at_boot: AtBootFacts = dataclasses.field(default_factory=AtBootFacts)
    cluster: ClusterFacts = dataclasses.field(default_factory=ClusterFacts)
    relay: RelayFacts = dataclasses.field(default_factory=RelayFacts)
    left: LeftFacts = dataclasses.field(default_factory=LeftFacts)
    shell: ShellFacts = dataclasses.field(default_factory=ShellFacts)
    home: HomeFacts = dataclasses.field(default_factory=HomeFacts)
    interpreter: InterpreterFacts = dataclasses.field(default_factory=InterpreterFacts)
    listening: ListeningFacts = dataclasses.field(default_factory=ListeningFacts)
    limits: LimitFacts = dataclasses.field(default_factory=LimitFacts)
    stale: StaleFacts = dataclasses.field(default_factory=StaleFacts)
    around: AroundFacts = dataclasses.field(default_factory=AroundFacts)
    others: OtherFacts = dataclasses.field(default_factory=OtherFacts)


_GROUPS: dict[str, Any] = {group.name: group.type for group in dataclasses.fields(Facts)}
FACTS = {f"{group}.{field.name}": field for group, kind in _GROUPS.items() for field in dataclasses.fields(kind)}


def parse(records: Iterable[Record]) -> Facts:
    """Facts from the records that look printed, each `{"group.fact": value}`.

    Raises HostError if a fact is missing, unknown or makes no sense.
    """
    values = _values(records)
    for name, field in FACTS.items():
        group, _, key = name.partition(".")
        if key not in values[group] and field.default is dataclasses.MISSING:
            raise _nonsense(f"{name} is missing")
    return Facts(**{group: kind(**values[group]) for group, kind in _GROUPS.items()})


def parse_cluster(records: Iterable[Record]) -> ClusterFacts:
    """The same of a program that has looked for the members of a cluster alone."""
    return ClusterFacts(**_values(records)["cluster"])


def _values(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {group: {} for group in _GROUPS}
    for name, value in (pair for record in records for pair in record.items()):
        if "." not in name:  # progress, or what a startup file prints
            continue
        if name not in FACTS:
            raise _nonsense(f"{name[:60]!r} is not a fact")
        group, _, key = name.partition(".")
        try:
            parsed = FACTS[name].metadata["parse"](value)
        except ValueError as error:
            raise _nonsense(f"{name}: {error}") from None
        if isinstance(FACTS[name].default, tuple):
            known = values[group].get(key, ())
            if len(known) < MOST:
                values[group][key] = (*known, *(item for item in parsed if item not in known))[:MOST]
        else:
            values[group][key] = parsed
    return values


def _nonsense(why: str) -> HostError:
    return HostError(f"what the host reports makes no sense: {why}", "run it again")

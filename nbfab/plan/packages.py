"""The environment of the profile's kernel: beside that of the server, with the packages that were asked for.

Each is in a folder of its own, and is never changed: another one is made beside it, and the kernel's specification
names the one that counts. So live kernels keep theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab.fix import Note, task
from nbfab.look.envs import normal
from nbfab.plan import allowed
from nbfab.plan.asked import FILE, Asked, Had, asked, had, is_kernels, text
from nbfab.plan.change import Change
from nbfab.plan.environment import Chosen, choose, own_python
from nbfab.plan.files import in_file
from nbfab.plan.kernel import env_named, kernel_file
from nbfab.resolution import Resolution
from nbfab.settings import package_name

if TYPE_CHECKING:
    from nbfab.look.envs import Installed, Record
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

FOLDER = "envs"  # in the profile's
_BROUGHT = ("setuptools", "wheel")  # along by some Pythons, into each new environment
_PIP = "pip"  # which is there for cells, at whatever version
NEEDS = ("ipykernel", "pip")  # of a kernel, and of the %pip in its cells


def now(wanted: Wanted, facts: Facts) -> Record | None:
    """The environment that the kernel has; None if that is the server's, or gone."""
    name = env_named(facts.files.text(kernel_file(wanted.settings.profile)), f"{facts.files.folder}/{FOLDER}")
    return _named(facts, name)


def target(wanted: Wanted, facts: Facts) -> str:
    """The name of the environment that the kernel is to have; empty for that of the server."""
    ask, have = asked(wanted, facts), now(wanted, facts)
    if wanted.env and _named(facts, wanted.env):
        return wanted.env
    if not ask.kernels or _is_the_servers(wanted, facts, ask):
        return ""
    if have and _serves(facts, have, ask) and not (wanted.update and _differs(wanted, facts, have)):
        return have.name
    if not wanted.update:
        for record in facts.envs.found:
            if _serves(facts, record, ask):
                return record.name
    return _new(wanted, facts, ask)


def _is_the_servers(wanted: Wanted, facts: Facts, ask: Asked) -> bool:
    """Whether the packages are in the server's environment, where an earlier release has put them."""
    chosen = choose(wanted, facts)
    within = had(facts).within
    return bool(not ask.lines and within and set(ask.packages) <= set(within) and _is_own(chosen, facts))


def _is_own(chosen: Chosen, facts: Facts) -> bool:
    """Whether the server has the environment that nbfab made, and it is there."""
    return chosen.python == own_python(facts) and chosen.environment is not None


def _serves(facts: Facts, record: Record, ask: Asked) -> bool:
    """Whether an environment was made for that, and has it still; what has a marker may be missing."""
    names = {normal(package_name(line)) for line in ask.kernels if ";" not in line} - {""}
    return record.digest == ask.digest and names <= facts.envs.has(record.name).packages.keys()


def _differs(wanted: Wanted, facts: Facts, have: Record) -> bool:
    """Whether an update would bring anything, as far as that was found out."""
    return wanted.resolution is None or bool(compared(_there(facts, have), wanted.resolution)[1])


def _new(wanted: Wanted, facts: Facts, ask: Asked) -> str:
    """The name of an environment that has yet to be made, after all that is to be in it."""
    lock = wanted.resolution.lock if wanted.resolution else ""
    base = hashlib.sha256(f"{ask.digest} {lock}".encode()).hexdigest()[:12]
    taken = {record.name for record in facts.envs.found}
    return next(name for name in (base, *(f"{base}-{number}" for number in range(2, 1000))) if name not in taken)


def _named(facts: Facts, name: str) -> Record | None:
    return next((record for record in facts.envs.found if record.name == name), None)


def python(wanted: Wanted, facts: Facts) -> str:
    """The interpreter of the profile's kernel."""
    name = target(wanted, facts)
    return f"{facts.files.folder}/{FOLDER}/{name}/bin/python" if name else choose(wanted, facts).python


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """Makes the environment if it is missing, keeps what was asked for, and removes what no process uses any more.

    Raises HostError if it would get a Python that the file is not for.
    """
    ask, have, name = asked(wanted, facts), now(wanted, facts), target(wanted, facts)
    if name and not _named(facts, name):
        allowed.check(wanted, facts, ask)
        yield _build(wanted, facts, ask, have, name)
    is_there = facts.files.entry(FILE) is not None
    if not (is_there or name or ask.lines):
        return
    record = _record(wanted, facts, name)
    detail, diff = _switched(facts, have, _named(facts, name))
    for change in in_file("install", "which packages the notebooks have", FILE, text(record), facts):
        yield replace(change, detail=detail, diff=diff)
    stays = {name, record.env_before, have.name if have else ""}
    for old in facts.envs.found:
        if old.name not in stays and old.name not in facts.envs.used:
            yield Change(
                step="install",
                kind="remove environment",
                what="remove an environment that nothing uses any more",
                detail=f"({FOLDER}/{old.name})",
                args={"env": old.name},
            )


def _switched(facts: Facts, have: Record | None, to: Record | None) -> tuple[str, str]:
    """As `compared`, of one environment that is there and another; nothing where none or the same takes its place."""
    if to is None or to == have:
        return "", ""
    then = facts.envs.has(to.name)
    return compared(_there(facts, have), Resolution(then.packages, then.commits))


def _record(wanted: Wanted, facts: Facts, name: str) -> Had:
    """What is kept, once the kernel has the environment of that name.

    It is written before the kernel's specification. So if that still names the environment from before, a run was cut
    in between, and what was before is still what the record has as such.
    """
    ask, have, record = asked(wanted, facts), now(wanted, facts), had(facts)
    if not _is_own(choose(wanted, facts), facts):
        record = record._replace(within=())  # it is made anew, without them
    there = have.name if have else ""
    was_cut = record.before is not None and record.env_before == there
    if not facts.files.entry(kernel_file(wanted.settings.profile)):
        return Had(ask)  # there was no kernel
    if name == there:
        return Had(ask, within=record.within) if was_cut and name else record._replace(asked=ask)
    if was_cut:
        return record._replace(asked=ask)
    return Had(ask, record.asked, there, record.within)


def _build(wanted: Wanted, facts: Facts, ask: Asked, have: Record | None, name: str) -> Change:
    resolution, carried = wanted.resolution, carries(wanted, facts)
    lines, before, holds = requirements(ask), _there(facts, have), ask.constraints
    if ask.hashed:  # these are for what comes beside the file, which has no hashes
        holds = tuple(line.split(" --hash")[0] for line in holds)
    if resolution:
        carried = resolution.carried
        detail, diff = compared(before, resolution)
    else:
        names = [line for line in (*lines, *carried) if not line.startswith("-")]
        detail, diff = f"({len(names)} requirements: {_some(names)})", ""
    return Change(
        step="install",
        kind="build environment",
        what=f"make an environment with {ask.shown}",
        detail=detail,
        diff=diff,
        args={
            "name": name,
            "digest": ask.digest,
            "base_python": choose(wanted, facts).python,
            "lines": _lines(lines),
            "pre": "yes" if ask.pre else "",
            "needs": " ".join((*NEEDS, *filter(is_kernels, ask.packages))) if ask.hashed else "",
            "carried": " ".join(carried),
            "constraints": _lines(resolution.constraints if resolution else holds),
            "wheels": "",
            "sent_uv": "",
        },
    )


def requirements(ask: Asked) -> tuple[str, ...]:
    """The lines to install; where they have hashes, what has none is installed after them, by itself."""
    if ask.hashed:
        return tuple(line for line in ask.kernels if line not in ask.packages)
    return (*ask.kernels, *NEEDS)


def carries(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """What a new environment takes over from the one there: what someone has installed there by hand."""
    have = now(wanted, facts)
    if have is None or wanted.exact:
        return ()
    before = dict(package.split("==", 1) for package in have.carried if "==" in package)
    packages = facts.envs.has(have.name).packages
    kept = {name: packages[name] for name in before if name in packages}
    return tuple(f"{name}=={version}" for name, version in {**kept, **by_hand(facts, have)}.items())


def by_hand(facts: Facts, have: Record) -> Mapping[str, str]:
    """What someone has installed into an environment, or has replaced there, since it was made."""
    installed = facts.envs.has(have.name)
    return {
        name: version
        for name, version in sorted(installed.packages.items())
        if name in installed.requested and have.built.get(name) != version
    }


def _there(facts: Facts, have: Record | None) -> Installed | None:
    return facts.envs.has(have.name) if have else None


def compared(there: Installed | None, resolution: Resolution) -> tuple[str, str]:
    """How many packages are added, changed and removed, for people; and which, a line each.

    What has no version before it is fetched is taken to be the same, unless another commit of it is.
    """
    had = there.packages if there else {}
    versions = {name: version or had.get(name, "") for name, version in resolution.packages.items()}
    before, after = _labels(had, there.commits if there else {}), _labels(versions, resolution.commits)
    added = [f"+ {name} {after[name]}".rstrip() for name in sorted(after) if name not in before]
    changed = [f"~ {name} {before[name]} -> {after[name]}" for name in sorted(after) if _changes(name, before, after)]
    removed = [f"- {name} {before[name]}" for name in sorted(before) if name not in after and name not in _BROUGHT]
    counts = [(len(added), "added"), (len(changed), "changed"), (len(removed), "removed")]
    words = ", ".join(f"{count} {word}" for count, word in counts if count)
    return f"({len(after)} packages: {words or 'the same as before'})", "\n".join((*added, *changed, *removed))


def _labels(versions: Mapping[str, str], commits: Mapping[str, str]) -> Mapping[str, str]:
    """What people compare of packages: version, and commit."""
    return {name: f"{versions[name]} {commits.get(name, '')[:12]}".strip() for name in versions if name != _PIP}


def _changes(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return name in before and before[name] != after[name]


def standing(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What the environment has that was not asked for here."""
    have = now(wanted, facts)
    if have and (found := by_hand(facts, have)):
        names = _some([f"{name} {version}" for name, version in found.items()])
        yield Note(
            f"installed by hand beside {asked(wanted, facts).shown}: {names}; the next environment gets that, too",
            "unless you do without",
            task("update", "--exact"),
        )


def shown(wanted: Wanted, facts: Facts) -> str:
    """What the kernel's environment is called; empty for the server's."""
    return asked(wanted, facts).shown if target(wanted, facts) else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _lines(lines: tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in lines)

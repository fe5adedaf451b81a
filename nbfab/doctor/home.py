"""The layer `home`: whether the home folder and its file system can be written, and hold what is needed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import Command, there
from nbfab.units import size

if TYPE_CHECKING:
    from nbfab.finding import Finding
    from nbfab.look.home import HomeFacts, Mount, Quota

LEAST = 100_000  # kilobytes: logs, notebooks that are saved, and what a kernel writes
FEWEST = 1000  # inodes
NEAR = 0.95  # of a quota
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs")


def _check(case: Case) -> Iterator[Finding]:
    facts, home = case.facts, case.facts.home
    mount, place = home.mount, shlex.quote(home.place or facts.files.nearest)
    if not (facts.files.writable and home.writable):
        yield _unwritable(case, mount)
    if home.space.size and home.space.free < LEAST:
        largest = there(f"du -xk {shlex.quote(home.folder)} 2>/dev/null | sort -n | tail -n 20")
        words = f"{size(1024 * home.space.free)} are free for {home.place}, of {size(1024 * home.space.size)}"
        yield failed(words, "remove what is not needed; these are the largest folders", largest)
    if home.inodes.size and home.inodes.free < FEWEST:
        most = there(f"du --inodes -x {shlex.quote(home.folder)} 2>/dev/null | sort -n | tail -n 20")
        words = f"{home.inodes.free} more files fit into the file system of {home.place} (inodes)"
        yield failed(words, "remove what is not needed; these folders hold the most files", most)
    yield from _quotas(home)
    if mount and "noexec" in mount.options:
        yield failed(
            f"{mount.folder} is mounted noexec: no environment there can run, and no package load compiled modules",
            "as an administrator",
            there(f"sudo mount -o remount,exec {shlex.quote(mount.folder)}"),
        )
    if mount and (why := _unsafe(mount)):
        yield failed(
            f"{home.place} is on {mount.type} ({mount.device}), mounted {why}: files there can be lost or broken",
            "have its administrator mount it hard and with locks; this shows how it is",
            there(f"findmnt -T {place}"),
        )
    for folder in home.unwritable:
        words = f"{folder}, for temporary files, cannot be written"
        yield failed(words, "as an administrator", there(f"sudo chmod 1777 {shlex.quote(folder)}"))


def _unwritable(case: Case, mount: Mount | None) -> Finding:
    facts = case.facts
    place = facts.home.folder if not facts.home.writable else facts.files.nearest
    if mount and "ro" in mount.options:
        remount = there(f"sudo mount -o remount,rw {shlex.quote(mount.folder)}")
        words = f"{mount.folder} is mounted read-only, as after an error of the disk"
        return failed(f"{place} cannot be written: {words}", "as an administrator", remount)
    return failed(f"{place} cannot be written", there(f"ls -ld {shlex.quote(place)}"), "if it is yours", _own(place))


def _own(place: str) -> Command:
    return there(f"chmod u+rwx {shlex.quote(place)}")


def _quotas(home: HomeFacts) -> Iterator[Finding]:
    for quota in home.quota:
        if quota.over or (quota.limit and quota.used > NEAR * quota.limit):
            yield failed(_over(quota), "remove what is not needed, or ask for more; this shows all", there("quota -s"))


def _over(quota: Quota) -> str:
    return f"the quota on {quota.device} is used up: {quota.used} of {quota.limit} {quota.unit}"


def _unsafe(mount: Mount) -> str:
    """How a network's file system is mounted that a server should not write to; empty for any other."""
    if mount.type not in _NETWORK:
        return ""
    unsafe = [option for option in mount.options if option in ("soft", "nolock") or option.startswith("local_lock=")]
    return ", ".join(option for option in unsafe if option != "local_lock=none")


def _passes(case: Case) -> str:
    home = case.facts.home
    kind = f" on {home.mount.type}" if home.mount else ""
    return f"{size(1024 * home.space.free)} are free{kind}" if home.space.size else "it can be written"


LAYER = Layer("home", _check, _passes)

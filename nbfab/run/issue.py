"""What an authority signs for a host: its key, unlocked where it is needed, and the record of what it has issued."""

import time
from collections.abc import Iterable
from dataclasses import replace

from nbfab.authority import issued, store
from nbfab.errors import Refused
from nbfab.fix import task
from nbfab.look.facts import Facts
from nbfab.plan import certificate, pem
from nbfab.plan.change import Change
from nbfab.run.job import Job
from nbfab.wanted import Wanted


def check(wanted: Wanted, changes: Iterable[Change]) -> None:
    """Raises Refused where a certificate would be made that signs itself, only because the authority is broken.

    That would be a downgrade that no one has asked for.
    """
    makes = any(change.kind == "renew certificate" or change.args.get("file") == certificate.FILE for change in changes)
    if not makes or wanted.own or wanted.settings.self_signed or wanted.authorities:
        return
    for folder, why in store.look().broken:
        raise Refused(f"there is an authority in {folder}, but {why}", "find out more", task("ca"))


def with_signer(job: Job, wanted: Wanted, seen: Facts) -> Wanted:
    """What is wanted, with the key of the authority that signs; its passphrase is asked for once a run.

    Raises Refused.
    """
    signs = certificate.issue(wanted, seen)
    assert signs
    assert signs.authority
    return replace(wanted, signer=job.keyring.signer(signs.authority, job.user.unlocks))


def record(job: Job, wanted: Wanted, change: Change) -> str:
    """Records a certificate before it is sent, since a host may keep one and say that it failed.

    What to tell if that could not be; empty if it was.
    """
    made = pem.load(change.args.get("content", "")) if change.args.get("file") == certificate.FILE else None
    if made is None or wanted.signer is None or not wanted.signer.authority.has_issued(made):
        return ""
    names = [name for name in pem.names_in(made) if name not in certificate.ALWAYS]
    try:
        issued.record(wanted.signer.authority, job.host.label, wanted.settings.profile, names, made, now=time.time())
    except OSError as error:
        return f"what was issued could not be recorded in {wanted.signer.authority.folder}: {error.strerror}"
    return ""

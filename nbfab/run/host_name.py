"""The name of a host below `localhost`, by which browsers keep its cookies apart from those of others."""

import re
from dataclasses import replace

from nbfab.errors import Refused, UsageError
from nbfab.look.facts import Facts
from nbfab.names import is_address, is_name, parse_host
from nbfab.outcome import Outcome
from nbfab.plan import certificate, kinds, pem
from nbfab.run.converge import converge
from nbfab.run.job import Job


def of(job: Job) -> str:
    """That of the job's host, from what it is called here. Raises UsageError."""
    if job.host.local:
        raise UsageError("--host-names is for hosts: this machine is localhost", "leave it out")
    if "direct" in job.flags:
        raise UsageError("--host-names is for a link, and --direct makes none", "leave one of them out")
    name = label(job.host.label)
    if not name:
        raise UsageError(
            f"{job.host.label} gives no name that a certificate can carry", "leave --host-names out, or use an alias"
        )
    return f"{name}.localhost"


def label(typed: str) -> str:
    """What a host that was typed as `[user@]host[:port]` is called in front of `.localhost`; empty if it cannot be."""
    host = parse_host(typed).host.rstrip(".").lower()
    if is_address(host.partition("%")[0]):
        host = f"ip-{re.sub('[.:%]', '-', host)}"
    name = host.replace("_", "-").strip("-")
    return name if is_name(f"{name}.localhost") else ""


def wanting(job: Job, name: str) -> Job:
    """The job, whose certificate is to be for that name, too."""
    if name in certificate.ALWAYS:
        return job
    settings = job.wanted.settings
    settings = settings.with_values({"names": (*settings.names, name)})
    return replace(job, wanted=replace(job.wanted, settings=settings))


def add(job: Job, name: str, seen: Facts) -> Outcome | None:
    """Adds it to the certificate that is there; None if that has it, or there is none. Raises Refused, HostError."""
    have = pem.load(seen.files.text(certificate.FILE))
    if not have or name in (*certificate.ALWAYS, *pem.names_in(have)):
        return None
    if kinds.stays(job.wanted, have):
        raise Refused(
            f"the certificate there, issued by {pem.issuer(have)}, is not for {name}",
            "leave --host-names out, or have one issued for that name",
        )
    return converge(job, (certificate.STEP,))

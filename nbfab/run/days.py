"""Days: whether a certificate is valid for as long as a monitor asks."""

from dataclasses import replace

from nbfab.errors import NbfabError
from nbfab.fix import Fix, called, task
from nbfab.look.facts import Facts
from nbfab.outcome import DUE, Outcome
from nbfab.plan import certificate, foreign, kinds, pem
from nbfab.run.job import Job


def in_time(job: Job, outcome: Outcome, seen: Facts) -> Outcome:
    """The outcome; DUE if the certificate, or one behind it, has fewer days left than were asked for."""
    chain = pem.chain(seen.files.text(certificate.FILE))
    if job.days_left is None or not chain or outcome.status:
        return outcome
    left = [pem.days_left(each, job.wanted.now) for each in chain]
    if min(left) >= job.days_left:
        return outcome
    short = left.index(min(left))
    what = f"{chain[short].subject.rfc4514_string()[:100]}, which stands behind its certificate," if short else ""
    error = f"{what or 'its certificate'} has {left[short]} days left, fewer than {job.days_left}"
    return replace(outcome, error=error, fix=_fix(job, seen), status=DUE)


def _fix(job: Job, seen: Facts) -> Fix:
    """What renews it. One of nbfab's that has many days left is not renewed yet."""
    have = pem.load(seen.files.text(certificate.FILE))
    if have and kinds.stays(job.wanted, have):
        return foreign.another(replace=True)
    try:
        return (task("certificate"),) if list(certificate.plan(job.wanted, seen)) else ()
    except NbfabError as why:  # no authority may sign it
        return called(why.fix, "certificate")

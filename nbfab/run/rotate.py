"""Rotate: a new password, and where that costs no one anything a new certificate; every login ends, and no kernel."""

from collections.abc import Sequence
from dataclasses import replace

from nbfab.errors import NbfabError, Refused, UsageError
from nbfab.fix import Note, task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome, failure
from nbfab.passwords import generate
from nbfab.plan import certificate, module, password, rotation
from nbfab.plan.change import Change
from nbfab.plan.install import choose
from nbfab.plan.step import Step
from nbfab.run.converge import Course, foresee, go_on, make, reported
from nbfab.run.job import Job
from nbfab.run.see import see

ENDED = "every earlier login has ended; kernels and terminals go on"
TOKEN = "the server's token, with which nbfab and open log in, ends only with a restart"  # noqa: S105
CLIENT = "a client's certificate that is lost, too, is admitted until it is removed"
KEYS = "a key for SSH that is lost, too, still leads to the host: take it out of authorized_keys there"


def rotate(job: Job) -> Outcome:
    """Replaces the secrets, and with the flag `now` closes every connection of the server.

    Raises Refused if the host is not set up, UsageError for a password that is the old one, NbfabError.
    """
    job.user.sees("looking")
    job, seen, steps, notes = _rotation(job)
    unsigned = _why_not_signed(job, seen) if job.wanted.key else None
    if unsigned:  # which is no reason to keep the password
        job, steps = replace(job, wanted=replace(job.wanted, key=None)), (password.STEP,)
    if job.wanted.password is None:
        new = job.user.makes_password if "new" in job.flags else job.user.chooses_password
        job = replace(job, wanted=replace(job.wanted, password=new(job.wanted.settings)))
    _check(job, seen)
    outcome = go_on(replace(job, flags=job.flags - {"new"}), seen, steps)
    outcome = replace(outcome, notes=(*outcome.notes, *notes))
    if outcome.status:
        return outcome
    if seen.server.alive:
        outcome = replace(outcome, notes=(*outcome.notes, ENDED, *_token(seen, outcome)))
    if "now" in job.flags:
        outcome = _now(job, outcome)
    return _failed(job, outcome, unsigned, "the certificate and its key stay: ") if unsigned else outcome


def preview(job: Job) -> Outcome:
    """What `rotate` would replace; changes nothing, and asks for no password."""
    job, seen, steps, notes = _rotation(job)
    _check(job, seen)
    wanted = replace(job.wanted, password=job.wanted.password or generate())  # a stand-in
    outcome = foresee(replace(job, wanted=wanted), seen, steps)
    more = reported([_end(job, seen)]) if "now" in job.flags and seen.server.alive else ()
    return replace(outcome, changes=(*outcome.changes, *more), notes=(*outcome.notes, *notes))


def _rotation(job: Job) -> tuple[Job, Facts, Sequence[Step], tuple[str, ...]]:
    """The job with the key that is to be the certificate's, what is seen, the steps that are taken, and notes."""
    job, seen = see(job, (password.STEP, certificate.STEP))
    if not password.known(seen) or not seen.files.entry(certificate.FILE):
        raise Refused("it has not been set up, so there is nothing to rotate", task("setup"))
    key, note = rotation.key(job.wanted, seen)
    steps = (password.STEP, certificate.STEP) if key else (password.STEP,)
    return replace(job, wanted=replace(job.wanted, key=key)), seen, steps, (note,) if note else ()


def _why_not_signed(job: Job, seen: Facts) -> NbfabError | None:
    """Why no authority signs the certificate; None if one does, or it is to sign itself."""
    signs = certificate.issue(job.wanted, seen)
    if signs is None:
        return None
    if signs.authority is None:
        return signs.refusal()
    try:
        job.keyring.signer(signs.authority, job.user.unlocks)
    except NbfabError as error:
        return error
    return None


def _check(job: Job, seen: Facts) -> None:
    """Raises UsageError if the password, where one is given, is the old one."""
    if job.wanted.password and job.wanted.password.fits(password.known(seen)):
        raise UsageError("that is the password it has, and a rotation takes another one", "give another one, or none")


def _token(seen: Facts, outcome: Outcome) -> tuple[str, ...]:
    """What is left of the secrets, unless the server was restarted just now."""
    if any(change.kind == "start server" for change in outcome.changes):
        return ()
    return (Note(TOKEN, task("restart", *(["--force"] if seen.server.live else []))),)


def _lost(job: Job) -> tuple[str, ...]:
    """What a lost laptop may still have that leads in, and that no rotation ends."""
    fix = (task("client.list"), "and, by its name", task("client.remove", "NAME"))
    return (KEYS, *([Note(CLIENT, *fix)] if job.wanted.settings.client_certificates else []))


def _end(job: Job, seen: Facts) -> Change:
    started = seen.server.started
    assert started
    return Change(
        step="server",
        kind="end sessions",
        what="end every session at once, and forget from where logins came",
        args={
            "python": choose(job.wanted, seen).python,
            "pid": started.pid,
            "certificate": certificate.FILE,
            "port": str(job.wanted.settings.port),
        },
    )


def _now(job: Job, outcome: Outcome) -> Outcome:
    """The outcome, once the server has closed every connection. What has been done before stays in it if that fails."""
    course = Course(job.user)
    try:
        job, now = see(job)
        if not now.server.alive:
            return replace(outcome, notes=(*outcome.notes, *_lost(job)))
        guard = now.server.answer.guard if now.server.answer else None
        if guard is None or guard.version < module.ENDS:
            raise Refused(
                "the password is new, but the server, of an earlier nbfab, cannot end its connections at once",
                "once its kernels may end",
                task("setup", "--restart"),
            )
        make(job, job.wanted, [_end(job, now)], now, course)
    except (NbfabError, KeyboardInterrupt) as error:
        return _failed(job, outcome, error)
    changes = (*outcome.changes, *reported(course.begun))
    return replace(outcome, changes=changes, notes=(*outcome.notes, *_lost(job)))


def _failed(job: Job, outcome: Outcome, error: Exception | KeyboardInterrupt, what: str = "") -> Outcome:
    """The outcome with what has failed after all that is in it, and after another failure."""
    failed = failure(job.task, job.host.label, error)
    words = "; ".join(filter(None, (outcome.error, f"{what}{failed.error}")))
    fix = (*outcome.fix, *failed.fix)
    return replace(outcome, verdict=failed.verdict, error=words, fix=fix, jump=failed.jump, status=failed.status)

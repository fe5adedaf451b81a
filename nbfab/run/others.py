"""Others: what is done about this user's Jupyter servers that nbfab did not start; a port that is typed means one."""

from dataclasses import replace

from nbfab.apply.token import fetch_from
from nbfab.errors import HostError, Refused
from nbfab.fix import Note, again, task, there
from nbfab.look.facts import Facts
from nbfab.look.others import Other
from nbfab.names import in_url
from nbfab.outcome import Outcome
from nbfab.plan import others, takes
from nbfab.run.converge import Course, make, reported
from nbfab.run.job import Job
from nbfab.run.see import see
from nbfab.tunnel.spec import Spec


def is_typed(job: Job) -> bool:
    """Whether a port was typed with this run: one in the environment, say, is what the profile should have."""
    return job.wanted.settings.sources.get("port") == "flag"


def look(job: Job) -> tuple[Job, Facts, Other | None]:
    """The job, what is seen, and the server at the port that was typed, unless that is the profile's own."""
    port = job.wanted.settings.port
    job = replace(job, wanted=replace(job.wanted, others=True, at=port))
    job.user.sees("looking")
    job, seen = see(job)
    answer = seen.server.answer
    own = seen.server.ours and answer is not None and answer.ready and answer.port == port
    return job, seen, None if own else others.at(seen, port)


def stop(job: Job) -> Outcome | None:
    """What came of ending the server at the port that was typed; None if that is the profile's own.

    Raises Refused if kernels are live, the flag `force` was not given, and the user does not say yes.
    """
    port = job.wanted.settings.port
    job, seen, other = look(job)
    if other is None:
        return None if _is_own(job, seen, port) else _nothing(job, seen, port)
    live = ", ".join(other.live)
    outcome = Outcome(job.host.label, job.task, "changed", state={"others": [others.document(other)]})
    question = f"{job.host.label}: end the Jupyter server at port {port}, and with it {live}?"
    if live and "force" not in job.flags and not job.user.confirms(question):
        raise Refused(f"the server at port {port} was not ended, because that would end {live}", again("--force"))
    course, change = Course(job.user), others.stop(other)
    now = make(job, job.wanted, [change], seen, course)
    if left := others.at(now, port):
        raise HostError(
            f"process {other.pid} was asked to end, but at port {port} there is {others.described(left)}",
            there(f"ps -fp {left.pid}"),
        )
    return replace(
        outcome,
        changes=reported([change]),
        notes=(*course.words, f"it has ended{f' with {live}' if live else ''}; port {port} is free"),
        state={"others": [others.document(left) for left in now.others.servers or ()]},
    )


def open_(job: Job) -> Outcome | None:
    """The outcome of opening the server at the port that was typed; None if there is none, or it is the profile's own.

    The user gets what the near end needs. Raises HostError.
    """
    job, _, other = look(job)
    if other is None:
        return None
    if other.tls is None:
        raise HostError(
            f"the Jupyter server at port {other.port} does not answer: {other.why}", task("status", "--all")
        )
    notes: list[str] = [f"this is a Jupyter server that nbfab did not start: {others.described(other)}"]
    if other.open:  # which has that description, too
        notes = [Note(others.warning(other), task("stop", f"--port={other.port}"))]
    if other.fingerprint:
        pairs = (other.fingerprint[at : at + 2].upper() for at in range(0, 64, 2))
        notes.append(f"its certificate: SHA-256 {':'.join(pairs)}")
    spec = _spec(job, other)
    if not (spec.token or other.open):
        notes.append("its token is not in a file there, so log in as you do otherwise")
    job.user.opens(spec)
    state = {"others": [others.document(other)]}  # of the profile's own server nothing is known by that
    return Outcome(job.host.label, job.task, "running", notes=tuple(notes), url=spec.url, state=state)


def _is_own(job: Job, seen: Facts, port: int) -> bool:
    """Whether a port is that of the profile, though its server does not run."""
    have = takes.last(seen) or takes.set_up(seen) or {}
    chosen = "port" in job.wanted.kept and job.wanted.settings.port == port
    return takes.port(have) == str(port) or chosen


def _nothing(job: Job, seen: Facts, port: int) -> Outcome:
    """Nothing is ended: certainly not the profile's own server, which is at another port."""
    outcome = Outcome(job.host.label, job.task, "unchanged")
    if seen.others.servers is None:
        why = "which servers are there cannot be found out: that takes /proc/net/tcp and a Python"
        raise HostError(why, "end it by hand", there(f"lsof -nP -iTCP:{port} -sTCP:LISTEN"))
    note: str = f"at port {port} there is no Jupyter server of yours"
    if seen.server.alive:
        note = Note(f"{note}; that of the profile, at another port, runs on", task("status", "--all"))
    return replace(outcome, notes=(note,))


def _spec(job: Job, other: Other) -> Spec:
    scheme = "https" if other.tls else "http"
    place = f"{in_url(other.address)}:{other.port}"
    token = fetch_from(job.host, other.note) if other.token and not other.open else None
    base = other.base.rstrip("/")
    return Spec(
        host=job.host.label,
        profile=f"port-{other.port}",
        command=(),
        target=place,
        relayed=False,
        ports=(other.port,),
        plain=place,
        foreign=scheme,
        base=base,
        token=token.reveal() if token else "",
        login="yes" if "login" in job.flags else "no" if "no_login" in job.flags else "",
        editor="editor" in job.flags,
        url=f"{scheme}://{place}{base}/" if job.host.local else "",
        address=other.address if job.host.local else "",
    )

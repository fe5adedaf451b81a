"""The tasks: the how-to step by step, all of it at once, and what comes after."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from invoke import Collection

from nbfab.on_fleet import on_fleet, page_task
from nbfab.on_host import on_host

if TYPE_CHECKING:
    from nbfab.converge import Job
    from nbfab.outcome import Outcome

# What the bodies call is imported by them: `--list` needs none of it.


@on_host()
def install(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Find an environment that has the notebook, or make one."""
    from nbfab.converge import converge

    return converge(job, ["install"])


@on_host("password_stdin", "restart")
def password(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Set the password: NBFAB_PASSWORD, --password-stdin, typed, or a generated one."""
    from nbfab.converge import converge

    return converge(job, ["password"], renew=True)


@on_host()
def certificate(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Make the certificate, or renew it where its names, key or days no longer fit."""
    from nbfab.converge import converge

    return converge(job, ["certificate"])


@on_host()
def profile(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Make the profile: its folder, inline graphics, and a kernel that uses it."""
    from nbfab.converge import converge

    return converge(job, ["profile"])


@on_host("restart")
def config(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Write the settings: certificate, address, no browser, one port, the directory."""
    from nbfab.converge import converge

    return converge(job, ["config"])


@on_host("password_stdin", "restart", "foreground")
def serve(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Start the notebook server in tmux; steps that are missing are done first."""
    from nbfab import foreground
    from nbfab.converge import converge

    if foreground.wanted_there(job, flags.get("foreground", False)):
        return foreground.serve(job)
    return converge(job)


@on_host("password_stdin", "restart")
def setup(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Do the whole how-to, all steps in order; what is right already stays as it is."""
    from nbfab.converge import converge

    return converge(job)


@on_host("password_stdin")
def plan(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Show what setup would change and why; change nothing."""
    from nbfab.converge import preview

    return preview(job)


@on_host()
def status(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """Tell whether the server runs, its URL, its certificate and its live kernels (exit status 1: it does not run)."""
    from nbfab.converge import status

    return status(job)


@on_host("force")
def stop(job: "Job", flags: Mapping[str, bool]) -> "Outcome":
    """End the server in order; live kernels are ended with --force, or if you say yes."""
    from nbfab.converge import stop

    return stop(job, force=flags.get("force", False))


TASKS = (install, password, certificate, profile, config, serve, setup, plan, status, stop)

fleet = Collection("fleet", *(on_fleet(task) for task in TASKS), page_task())

ns = Collection(*TASKS, fleet)
ns.add_task(fleet["setup"], name="provision")

"""A page of the fleet for people: links, states, fingerprints, commands to copy; one file that loads nothing else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, FunctionLoader

from nbfab.fix import Command, Task
from nbfab.outcome import Outcome
from nbfab.program import source
from nbfab.text import clean_line


def page(outcomes: Sequence[Outcome], made: str, opens: Callable[[str], str], trust: str = "") -> str:
    """The page as HTML: the outcomes of `status`, as they were at the time `made`. It holds no secret.

    `opens` gives the command line that opens a host; `trust` is the address of the page by which a device trusts them.
    """
    cards = [_card(outcome, opens(outcome.host)) for outcome in outcomes]
    running = sum(card["runs"] for card in cards)
    return rendered("page.html", cards=cards, running=running, made=made, trust=trust)


def rendered(template: str, **values: Any) -> str:
    """A page made of one of our templates."""
    files = FunctionLoader(lambda name: source(f"display/{name}"))
    environment = Environment(autoescape=True, trim_blocks=True, finalize=_clean, loader=files)
    return environment.get_template(template).render(**values)


def _card(outcome: Outcome, opens: str) -> Mapping[str, Any]:
    """What the page shows of a host."""
    state, runs = outcome.state, outcome.verdict == "running"
    port = outcome.url.rstrip("/").rpartition(":")[2]
    ssh, attach = state.get("ssh"), state.get("attach")
    return {
        "host": outcome.host,
        "runs": runs,
        "url": outcome.url,
        "state": f"{outcome.verdict}: {outcome.error.splitlines()[0]}" if outcome.error else outcome.verdict,
        "fingerprint": state.get("fingerprint"),
        "days_left": state.get("days_left"),
        "kernels": state.get("kernels"),
        "open": opens if runs else "",
        "tunnel": f"ssh -N -L {port}:127.0.0.1:{port} {ssh}" if runs and ssh else "",
        "attach": f"ssh -t {ssh} {attach}" if ssh and attach else "",
        "fix": [] if runs else [_part(part) for part in outcome.named().fix],
    }


def _part(part: str | Command | Task) -> Mapping[str, str]:
    """A part of a fix: words, or a command to copy and where to type it."""
    if isinstance(part, Command):
        return {"words": f"on {part.on}" if part.on else "", "command": part.line}
    return {"words": str(part)}


def _clean(value: Any) -> Any:
    """Whatever the page shows, made safe: a command to copy stays one line. What a macro has made is safe."""
    return clean_line(value) if type(value) is str else value

"""A page of the fleet for people: links, states, fingerprints, commands to copy; one file that loads nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment

from nbfab.outcome import Outcome
from nbfab.program import source
from nbfab.text import clean_line


def page(outcomes: Sequence[Outcome], made: str) -> str:
    """The page as HTML: the outcomes of `status`, as they were at the time `made`. It holds no secret."""
    environment = Environment(autoescape=True, trim_blocks=True, finalize=_clean)
    template = environment.from_string(source("display/page.html"))
    cards = [_card(outcome) for outcome in outcomes]
    return template.render(cards=cards, running=sum(card["runs"] for card in cards), made=made)


def _card(outcome: Outcome) -> Mapping[str, Any]:
    """What the page shows of a host."""
    state, runs = outcome.state, not outcome.status
    port = outcome.url.rstrip("/").rpartition(":")[2]
    ssh, attach = state.get("ssh"), state.get("attach")
    verdict = "not running" if outcome.verdict == "unchanged" else outcome.verdict
    return {
        "host": outcome.host,
        "runs": runs,
        "url": outcome.url,
        "state": f"{verdict}: {outcome.error.splitlines()[0]}" if outcome.error else verdict,
        "fingerprint": state.get("fingerprint"),
        "days_left": state.get("days_left"),
        "kernels": state.get("kernels"),
        "tunnel": f"ssh -N -L {port}:127.0.0.1:{port} {ssh}" if runs and ssh else "",
        "attach": f"ssh -t {ssh} {attach}" if ssh and attach else "",
        "fix": [] if runs else list(map(str, outcome.named().fix)),
    }


def _clean(value: Any) -> Any:
    """Whatever the page shows, made safe: a command to copy stays one line. What a macro has made is safe."""
    return clean_line(value) if type(value) is str else value

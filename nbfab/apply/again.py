"""Again: programs that `open` can run on a host once nbfab itself has ended."""

from collections.abc import Mapping

from nbfab.plan import certificate
from nbfab.plan.relay import RUNS
from nbfab.program import call, render

_RELAY = ("look/json", "look/process", "look/tmux", "look/logind", "look/look", "look/relay")


def programs(profile: str) -> Mapping[str, str]:
    """By their names: `server` tells what the server is now, `relay` starts the relay if it has ended."""
    tell = [call("tell_token", profile=profile), call("tell_server", profile=profile, certificate=certificate.FILE)]
    revive = [call("add_known_places"), call("revive_relay", profile=profile, relay=RUNS)]
    return {
        "server": render(("look/look", "apply/token", "apply/again"), tell).text,
        "relay": render(
            (*_RELAY, "apply/write", "apply/session", "apply/serve", "apply/relay", "apply/again"), revive
        ).text,
    }

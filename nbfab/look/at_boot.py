"""What starts the server when the host boots, and what could."""

from nbfab.look.fact import fact, message, one_of, text, word, yes
from nbfab.records import dataclass


@dataclass(frozen=True, kw_only=True)
class AtBootFacts:
    """What starts the server when the host boots, and what could; only if that is wanted, or was set up.

    `unit` is the text of the unit, which is `enabled` if the user's own manager starts it, and `line` what the user's
    crontab has for this profile. `lingers` is whether that manager starts at boot: `yes`, `may` if the user can have it
    do that, `no`, or empty without systemd. `cron` is `runs`, `idle` if no daemon reads the crontab, `refused` with
    the host's words as `refusal`, or empty without the command. `killed` is whether logind ends what cron leaves.
    """

    user: str = fact(word, default="")
    unit: str = fact(text, default="")
    enabled: bool = fact(yes, default=False)
    lingers: str = fact(one_of("", "yes", "may", "no"), default="")
    line: str = fact(text, default="")
    cron: str = fact(one_of("", "runs", "idle", "refused"), default="")
    refusal: str = fact(message, default="")
    killed: bool = fact(yes, default=False)

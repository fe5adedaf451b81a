"""Adopt: what an earlier release has chosen for a profile, as its files show."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from nbfab.names import is_address
from nbfab.plan import certificate, config
from nbfab.plan.takes import traits
from nbfab.settings import BY_KEY

if TYPE_CHECKING:
    from nbfab.look.facts import Facts

RELEASE = "0.1.0"  # the last one that kept no choices


def adopt(facts: Facts) -> Facts:
    """The facts, with choices from the profile's other files if there are none that can be read.

    Not from files that a run of this release has left without having recorded them: with those, no server has started.
    """
    from nbfab.look.choices import Choice, Choices
    from nbfab.look.files import GENERATION
    from nbfab.plan import pem

    have, text = facts.choices.made, facts.files.text(config.FILE)
    cert = pem.load(facts.files.text(certificate.FILE))
    unproven = facts.files.text(GENERATION).strip().endswith(".done") and not facts.server.alive
    if not (text or cert) or unproven or (have.version and not have.broken):
        return facts
    found: dict[str, Any] = {}
    app, _, found["python"] = facts.choices.environment.partition(" ")
    found["app"] = app
    for trait, value in traits(text).items():
        if key := config.OPTIONS.get(trait.rpartition(".")[2]):
            found[key] = value
    if cert and (days := pem.days(cert)):
        found["days"] = days
    # Without a directory that is asked for, the look shows the default.
    home = facts.files.directory if not facts.choices.directory else None
    options: dict[str, Choice] = {}
    for key, value in found.items():
        try:
            parsed = BY_KEY[key].parse(value) if value else BY_KEY[key].default
        except ValueError:
            continue
        default = parsed in (BY_KEY[key].default, home)
        options[key] = Choice(BY_KEY[key].default, "default") if default else Choice(parsed, "earlier")
    made = Choices(have.version or RELEASE, options, _names(facts), have.broken)
    return replace(facts, choices=replace(facts.choices, made=made))


def _names(facts: Facts) -> dict[str, str]:
    """The names in the certificate that may have been asked for, which was not recorded.

    The host's own are found anew; an address that is not among them was asked for only if it may be that of a gateway.
    """
    from nbfab.plan import pem

    have = pem.load(facts.files.text(certificate.FILE))
    own = {*facts.host.all_names, *certificate.ALWAYS}
    if have is None or not pem.is_self_signed(have):
        return {}
    asked = [name for name in pem.names_in(have) if name not in own and not _is_private(name)]
    return dict.fromkeys(asked[: certificate.MOST // 2], "earlier")  # with room for those that are asked for now


def _is_private(name: str) -> bool:
    return is_address(name) and not ip_address(name).is_global

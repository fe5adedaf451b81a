"""Adopt: what an earlier release has chosen for a profile, as its files show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbfab.names import is_name
from nbfab.plan import certificate, config
from nbfab.plan.takes import traits
from nbfab.settings import BY_KEY

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from nbfab.look.choices import Choice
    from nbfab.look.facts import Facts

RELEASE = "0.1.0"  # the last one that kept no choices


def adopt(facts: Facts) -> Facts:
    """The facts, with choices from the profile's other files where there is none that can be read.

    Not from files that a run of this release has left without having recorded them: with those, no server has started.
    """
    from nbfab.look.choices import Choices
    from nbfab.look.files import GENERATION
    from nbfab.plan import pem

    have, text = facts.choices.made, facts.files.text(config.FILE)
    cert = pem.load(facts.files.text(certificate.FILE))
    recorded = have.version and not have.broken
    unproven = facts.files.text(GENERATION).strip().endswith(".done") and not facts.server.alive
    if not (text or cert) or (unproven and not recorded):
        return facts
    if recorded:  # a line may be missing
        made = replace(have, options={**_options(facts, cert), **have.options})
    else:
        made = Choices(have.version or RELEASE, _options(facts, cert), _names(facts, cert), have.broken)
    return replace(facts, choices=replace(facts.choices, made=made))


def _options(facts: Facts, cert: Certificate | None) -> dict[str, Choice]:
    from nbfab.look.choices import Choice
    from nbfab.plan import kinds, pem

    found: dict[str, Any] = {}
    if facts.choices.environment:
        found["app"], _, rest = facts.choices.environment.partition(" ")
        found["python"], _, found["packages"] = rest.partition(" --with ")
    for trait, value in traits(facts.files.text(config.FILE)).items():
        if key := config.OPTIONS.get(trait.rpartition(".")[2]):
            found[key] = value
    if cert and kinds.is_nbfab_s(cert) and (days := pem.days(cert)):
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
    return options


def _names(facts: Facts, cert: Certificate | None) -> dict[str, str]:
    """The names in the certificate that may have been asked for, which was not recorded; the host's own are not."""
    from nbfab.plan import kinds, pem

    own = {*facts.host.all_names, *certificate.ALWAYS}
    if cert is None or not kinds.is_nbfab_s(cert):
        return {}
    asked = [name for name in pem.names_in(cert) if is_name(name) and name not in own]
    return dict.fromkeys(asked[: certificate.MOST // 2], "earlier")  # with room for those that are asked for now

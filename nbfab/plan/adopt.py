"""Adopt: what an earlier release has chosen for a profile, as its files show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbfab.names import is_name
from nbfab.plan import certificate, config
from nbfab.plan.takes import traits
from nbfab.settings import BY_KEY

if TYPE_CHECKING:
    from nbfab.look.facts import Facts

RELEASE = "0.1.0"  # the last one that kept no choices


def adopt(facts: Facts) -> Facts:
    """The facts, with choices from the profile's other files if there are none that can be read.

    Which of the certificate's names were asked for was not recorded: all count that the host does not have by itself.
    """
    from nbfab.look.choices import Choice, Choices
    from nbfab.plan import pem

    have, text = facts.choices.made, facts.files.text(config.FILE)
    if not text or (have.version and not have.broken):
        return facts
    found: dict[str, Any] = {}
    app, _, found["python"] = facts.choices.environment.partition(" ")
    found["app"] = app
    for trait, value in traits(text).items():
        if key := config.OPTIONS.get(trait.rpartition(".")[2]):
            found[key] = value
    cert = pem.load(facts.files.text(certificate.FILE))
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
    own = {*facts.host.all_names, *certificate.ALWAYS}
    names = (
        {name: "earlier" for name in sorted(pem.names_in(cert)) if is_name(name) and name not in own} if cert else {}
    )
    made = Choices(have.version or RELEASE, options, names, have.broken)
    return replace(facts, choices=replace(facts.choices, made=made))

"""The login page: the server's own, with the name of the host and of the profile, and without its advice on tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbfab.names import is_address
from nbfab.plan import certificate

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

FILE = "templates/login.html"
# If there is a token, the server's own page explains at length how to log in with it; ours is not for people.
# `own_name` is what the host calls itself now. Our module in the server tells it, so that a host that is renamed is no
# reason to write the page anew.
_PAGE = """\
{# Written by nbfab, and replaced by it. #}
{% extends "templates/login.html" %}
{% set token_available = false %}
{% set nbfab_host = NAME or own_name | default("") or ADDRESS %}
{% set nbfab_address = ADDRESS %}
{% set nbfab_profile = PROFILE %}
{% block title %}{{ nbfab_host | e }} ({{ nbfab_profile | e }}){% endblock %}
{% block site %}
<div id="nbfab" class="container" style="padding: 2em 1em 1em; text-align: center; overflow-wrap: anywhere">
<h1 style="font-size: 1.8em; font-weight: 600; margin: 0 0 .2em">{{ nbfab_host | e }}</h1>
<p>Notebook server{% if nbfab_address %} at {{ nbfab_address | e }}{% endif %}, profile {{ nbfab_profile | e }}</p>
</div>
{{ super() }}
{% endblock %}
"""


def text(wanted: Wanted, facts: Facts) -> str:
    """The page, as a template. It says whose it is, so that no one types a password into another one.

    That is by the first name that was asked for, as the host has it on record. A host that is reached by its address
    alone, and this machine, are called what they call themselves.
    """
    asked = [name for name in certificate.asked(wanted, facts) if not name.startswith("*")]
    name = next((name for name in asked if not is_address(name)), "")
    values = {"NAME": name, "ADDRESS": "" if name else next(iter(asked), ""), "PROFILE": wanted.settings.profile}
    return re.sub(r"NAME|ADDRESS|PROFILE", lambda found: _literal(values[found[0]]), _PAGE)


def _literal(text: str) -> str:
    """Text as a literal of Jinja, in which nothing can end the literal, or the tag that it is in."""
    return '"' + re.sub(r"[^A-Za-z0-9._-]", lambda found: f"\\U{ord(found[0]):08x}", text) + '"'

"""The login page as the server's Jinja makes it: whose it is, and that no name becomes more than text."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment
from plan_cases import KEEP, NEW, WANTED, after, file, holding, seen, wanting

from nbfab.look.choices import Choices
from nbfab.look.facts import Facts
from nbfab.plan import certificate, config, login
from nbfab.plan.steps import STEPS, plan
from nbfab.wanted import Wanted

SERVER_S = (
    "<title>{% block title %}Jupyter{% endblock %}</title>{% block site %}its form, {{ token_available }}{% endblock %}"
)
HOSTILE = (
    "<script>alert(1)</script>",
    '"; drop',
    "'",
    "{{ token }}",
    '" %}{% endblock %}',
    "\\",
    "\n{% raw %}",
    "#}",
    "näme",
    "NAME",
    "ADDRESS",
    "\U0001f40d",
)


def shown(text: str, *, autoescape: bool = True, **values: str) -> str:
    """The page that a template makes, in a server that calls its own page as Jupyter's do."""
    loader = DictLoader({"templates/login.html": SERVER_S, "login.html": text})
    environment = Environment(loader=loader, autoescape=autoescape, extensions=["jinja2.ext.i18n"])
    return environment.get_template("login.html").render(token_available=True, **values)


def recorded(*names: str, facts: Facts = NEW) -> Facts:
    """A host that has those names on record."""
    return seen(facts, choices={"made": Choices(version="0.2.0", names=dict.fromkeys(names, "typed"))})


@pytest.mark.parametrize(
    ("wanted", "facts", "heading", "below"),
    [
        (WANTED, NEW, "box.example.org", "Notebook server, profile nbserver"),
        (wanting(profile="GPU2"), NEW, "box.example.org", "Notebook server, profile GPU2"),
        # Its name on record counts also for those who come by another one.
        (WANTED, recorded("first.example.org"), "first.example.org", "Notebook server, profile nbserver"),
        (replace(WANTED, names=("192.0.2.7", "gpu1")), NEW, "gpu1", "Notebook server, profile nbserver"),
        (replace(WANTED, names=("192.0.2.7",)), NEW, "own&lt;", "Notebook server at 192.0.2.7, profile nbserver"),
        (replace(wanting(names=["*.lab"]), names=("::2",)), NEW, "own&lt;", "Notebook server at ::2, profile nbserver"),
        (replace(WANTED, names=("localhost",)), NEW, "own&lt;", "Notebook server, profile nbserver"),
    ],
)
def test_the_page_says_whose_it_is(wanted: Wanted, facts: Facts, heading: str, below: str) -> None:
    page = shown(login.text(wanted, facts), own_name="own<")
    assert f"<title>{heading} ({wanted.settings.profile})</title>" in page
    assert f'margin: 0 0 .2em">{heading}</h1>\n<p>{below}</p>' in page
    assert "its form, False" in page


def test_a_server_that_does_not_tell_its_own_name_yet_shows_the_page_too() -> None:
    by_address = replace(WANTED, names=("192.0.2.7",))
    assert "<title>192.0.2.7 (nbserver)</title>" in shown(login.text(by_address, NEW))
    assert "<title> (nbserver)</title>" in shown(login.text(replace(WANTED, names=("localhost",)), NEW))


@pytest.mark.parametrize("own", [(), ("renamed",), ("renamed", "198.51.100.9")])
def test_a_host_that_is_renamed_is_no_reason_to_write_it_anew(own: tuple[str, ...]) -> None:
    for wanted in (WANTED, replace(WANTED, names=("localhost",))):
        facts = after(NEW, plan(wanted, NEW, STEPS))
        assert facts.files.text(login.FILE) == login.text(wanted, seen(facts, host={"names": own}))


def test_another_operator_s_name_is_no_reason_either() -> None:
    facts = after(NEW, plan(WANTED, NEW, STEPS))
    for names in (("box",), ("box.lab", "192.0.2.7"), ("localhost",)):
        other = replace(KEEP, names=names)
        assert not [change for change in config.plan(other, facts) if change.args["file"] == login.FILE]


def test_a_new_page_restarts_nothing() -> None:
    facts = holding(after(NEW, plan(WANTED, NEW, STEPS)), file(login.FILE, "the page of an earlier release"))
    (change,) = config.plan(WANTED, facts)
    assert (change.summary, change.needs_restart) == ("rewrite the login page", False)


@pytest.mark.parametrize("autoescape", [True, False])
@settings(max_examples=40)  # each compiles five templates
@given(st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"])))
def test_no_name_is_more_than_text(autoescape: bool, name: str) -> None:
    plain = "plain"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificate, "asked", lambda wanted, facts: {plain: "typed"})
        odd = replace(WANTED, settings=replace(WANTED.settings, profile=name))
        as_profile = shown(login.text(odd, NEW), autoescape=autoescape)
        patch.setattr(certificate, "asked", lambda wanted, facts: {name or "x": "typed"})
        as_name = shown(login.text(WANTED, NEW), autoescape=autoescape)
        patch.setattr(certificate, "asked", lambda wanted, facts: {})
        as_own_name = shown(login.text(WANTED, NEW), autoescape=autoescape, own_name=name)
    expected = shown(
        '{% extends "templates/login.html" %}{% block title %}{{ x | e }}{% endblock %}', autoescape=autoescape, x=name
    ).split("title>")[1][:-2]
    assert f"<title>plain ({expected})</title>" in as_profile
    assert f"<p>Notebook server, profile {expected}</p>" in as_profile
    if name and not name.startswith("*"):
        for page in (as_name, as_own_name):
            assert f"<title>{expected} (nbserver)</title>" in page
            assert f'.2em">{expected}</h1>' in page

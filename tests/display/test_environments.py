"""The table of every environment on a host."""

import json

from documents import check_document
from plan_cases import NEW, WANTED, after, seen

from nbfab.display.document import document
from nbfab.display.environments_fleet import many
from nbfab.display.host import report
from nbfab.look.kernels import Place
from nbfab.outcome import Outcome
from nbfab.plan import profile
from nbfab.plan.every import rows
from nbfab.settings import Settings

GEO = Place("geo", "conda", "geo", "/c/envs/geo", "/c/envs/geo/bin/python", "3.12.4", "7.0")
OLD = Place("", "venv", "old \x1b[31m", "/h/old", "/h/old/bin/python")
SYSTEM = Place("", "system", "python3", "/usr", "/usr/bin/python3", "3.11", "6.17.0", "6.4.12")


def outcome(*places: Place) -> Outcome:
    """The outcome of a look at those."""
    wanted = WANTED.__class__(Settings.parse({"kernels": ["geo"]}))
    facts = seen(NEW, kernels={"found": (GEO,), "every": places})
    facts = after(facts, profile.plan(wanted, facts))
    found = [row.document() for row in rows(wanted, facts)]
    return Outcome("gpu1", "install", "unchanged", state={"environments": found})


def test_what_serves_and_what_is_in_the_menu_comes_first() -> None:
    assert report(outcome(OLD, SYSTEM, GEO._replace(given=""))).splitlines() == [
        "gpu1: 4 environments",
        "NAME          KIND    PYTHON  IPYKERNEL  NOTEBOOK  USED    FOLDER",
        "env           folder  -       6.29       7.2       serves  /env",
        "geo           conda   3.12.4  7.0        -         kernel  /c/envs/geo",
        "old \\x1b[31m  venv    -       -          -                 /h/old",
        "python3       system  3.11    6.17.0     6.4.12            /usr",
    ]


def test_a_fleet_s_tables_are_below_the_names_of_its_hosts() -> None:
    failed = Outcome("gpu2", "install", "not reached", error="no route to host", status=1)
    lines = many([outcome(), failed]).splitlines()
    assert lines[0] == "gpu1: 2 environments"
    assert any(line.startswith("gpu2") and "no route to host" in line for line in lines)


def test_the_document_fits_its_schema() -> None:
    text = document("install", [outcome(OLD)], 0)
    check_document(json.loads(text))
    (host,) = json.loads(text)["hosts"]
    assert host["state"]["environments"][1] == {
        "name": "geo",
        "kind": "conda",
        "folder": "/c/envs/geo",
        "python": "/c/envs/geo/bin/python",
        "version": "3.12.4",
        "ipykernel": "7.0",
        "notebook": None,
        "serves": False,
        "kernel": "nbfab.geo",
    }

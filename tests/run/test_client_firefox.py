"""A server that admits only clients with a certificate, and Firefox, which has one or not."""

import subprocess

import pytest
from client_certificates import given
from firefox import Slip, firefox, profile_of
from machine import PASSWORD
from notebook_page import firefox_runs
from person import HOST, Person

REFUSED = r"about:neterror\?e=nssFailure2"


def test_firefox_with_the_file_runs_a_cell_until_it_is_removed(person: Person) -> None:
    database = f"sql:{profile_of(person.mine)}"
    person.ok("ca", "--allow", "lab.test")
    person.ok("trust", "--yes")
    person.ok("setup", "--client-certificates")
    ann = given(person.ok("client.add", "ann"))
    person.ok("client.add", "bob")
    with firefox(person.mine, [HOST], person.system.within) as fox, pytest.raises(Slip, match=REFUSED):
        fox.refuses(person.url)
    subprocess.run(["pk12util", "-d", database, "-i", str(ann.path), "-W", ann.password], check=True)
    with firefox(person.mine, [HOST], person.system.within) as fox:
        firefox_runs(fox, person.url, PASSWORD)
        person.ok("client.remove", "ann")
        with pytest.raises(Slip, match=REFUSED):
            fox.refuses(f"{person.url}/tree?again")

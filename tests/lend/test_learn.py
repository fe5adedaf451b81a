"""What an index leads to, by its own pages."""

import json

import pytest

from nbfab.lend.learn import _hosts, links_of

PLACE = "https://index.example/simple/notebook/"


@pytest.mark.parametrize(
    ("kind", "page", "hosts"),
    [
        ("text/html", '<a href="https://files.example/a.whl#sha256=0">a</a>', ["files.example"]),
        ("text/html", '<a href="../../packages/a.whl">a</a><a>no link</a>', ["index.example"]),
        (
            "text/html",
            '<a href="https://f.example/a?x=1">a</a><A HREF="//g.example/b">b</A>',
            ["f.example", "g.example"],
        ),
        ("text/html", '<a href="http://f.example/a"></a><a href="https://f.example:8443/a"></a>', []),
        ("text/html", '<a href="https://u:p@f.example/a"></a><a href="ftp://f.example/a"></a>', []),
        ("text/html", '<a href="https://[/a"></a><link href="https://f.example/a">', []),
        (
            "application/vnd.pypi.simple.v1+json",
            json.dumps({"files": [{"url": "https://files.example/a.whl"}, {"url": 1}, 2, {}]}),
            ["files.example"],
        ),
        ("application/json", json.dumps({"files": [{"url": "/packages/a.whl"}]}), ["index.example"]),
        ("application/json", json.dumps({"files": {"url": "https://files.example/a.whl"}}), []),
        ("application/json", json.dumps(["https://files.example/a.whl"]), []),
        ("application/json", "{", []),
    ],
)
def test_the_hosts_that_a_page_links_to(kind: str, page: str, hosts: list[str]) -> None:
    assert list(_hosts(PLACE, links_of(kind, page.encode()))) == hosts

"""The bundle holds what a report of a bug needs, no secrets, and names only if they may be in it."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from plan_cases import WANTED, seen
from recorded_faults import HEALTHY, NEAR, RECORDED, Recorded

from nbfab.doctor.bundle import text
from nbfab.doctor.names import Names, anonymous
from nbfab.doctor.scrub import scrub
from nbfab.look.home import Mount

SECRETS = (
    "argon2:$argon2id$v=19$m=10240,t=10,p=8$c29tZXNhbHQ$RdescudvJCsgt3ub+b7dWRWJTmaaJObG",
    "https://box:9999/tree?token=0123456789abcdef0123456789abcdef",
    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49\n-----END PRIVATE KEY-----",
    "Authorization: token s3cr3t-but-short",
    "Authorization: Bearer abc.def",
    'password = "canary horse"',
    "NBFAB_PASSWORD=canary",
    "api_key: canary",
    "Set-Cookie: username-box=2|1:0|10:17|canary",
    "glpat_0123456789abcdefghijklmnopqrstuv",
)
CANARIES = ("c29tZXNhbHQ", "0123456789abcdef", "MIGHAgEAMBMG", "s3cr3t", "abc.def", "canary", "horse")


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_removed(secret: str) -> None:
    shown = scrub(f"before {secret} after")
    assert shown.startswith("before ")
    assert not [canary for canary in CANARIES if canary in shown], shown


@given(token=st.text("0123456789abcdefABCDEF_-", min_size=32, max_size=64), around=st.sampled_from(" \n'\"(=:?&/"))
def test_no_long_token_is_left(token: str, around: str) -> None:
    assert token not in scrub(f"x{around}{token}{around}x")


CARRIERS = (
    "https://box:9999/?token={}",
    "GET /lab?x=1&token={}&y=2 200",
    "wss://box/api?access_token%3D{}",
    "https://ann:{}@box.example.org/x",
    "https://ann:p@ss{}@box.example.org/x",
    "worker --password {} --quiet",
    "worker --hf-token '{}'",
    "OPENAI_KEY={}",
    "eyJhbGciOiJI.eyJzdWIi.{}",
    "Authorization: token {}",
    "curl -H 'Authorization: Bearer {}' https://box",
    "got Bearer {}aaaaaa",
    "Cookie: a=b; session={}; c=d",
    '{{"password": "{}"}}',
    '{{"password": "quoted \\" {}"}}',
    "{{'passphrase': 'two words {}'}}",
    "password: three words {}",
    'password = "never closed {}',
    "PGPASSWORD={}",
    "AWS_SECRET_ACCESS_KEY={}",
    "export HF_TOKEN='{}'",
    "NBFAB_PASS={}",
    "_xsrf=2|{}|1",
    "client_secret={}&grant=x",
    "argon2:$argon2id$v=19$m=10240,t=10,p=8${}",
    "ann:$6$salt${}aaaaaaaa",
    "sha1:0123456789ab:{}",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    "[I 2026-01-31 08:15:00.123 ServerApp] -----BEGIN PRIVATE KEY-----\n[I 2026-01-31 08:15] {}",
    "glpat-{}aaaaaaaa",
    "AKIA{}aaaaaaaa",
    "key {}0123456789/abcdefghi/JKLMNOPQRS+tuv==",
)
AROUND = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="-"), max_size=30)


@given(
    secret=st.text("abcdefgh0123456789ABCDEFGH", min_size=8, max_size=24).map("zQ7".__add__),
    carrier=st.sampled_from(CARRIERS),
    before=AROUND,
    after=AROUND,
)
def test_no_secret_is_left_of_whatever_shape(secret: str, carrier: str, before: str, after: str) -> None:
    assert secret not in scrub(f"{before} {carrier.format(secret)} {after}")


@pytest.mark.parametrize(
    "harmless",
    [
        "/home/ann/.local/share/nbfab/nbserver/server.log is 4 MB",
        "/opt/Python3/lib/python3.11/site-packages/ipykernel/__main__.py",
        "the password's hash was written; 3 tokens",
        "the server has ended: signal 9; it is started again",
        "jupyter_core 5.9.1, ipykernel 7.4.0",
    ],
)
def test_what_is_no_secret_stays(harmless: str) -> None:
    assert scrub(harmless) == harmless


NAME = st.from_regex(r"[a-z][a-z0-9]{3,12}", fullmatch=True).map("q7".__add__)
PLACES = (
    "{0} answers",
    "ssh: connect to {0} port 22",
    "from {0}.lab.example.org:9999 and node9.lab.example.org",
    "{0}.lab.example.org.",
    "as {1}, whose home is /nfs/{1} and /home/{1}/x",
    "mail {1}@{0}.example.com or {1}+x@mail.example.com",
    "kernel abc of private/{2}.ipynb (busy)",
    "GET /notebooks/private/{2}.ipynb?x=1",
    "192.0.2.77, [2001:db8::77]:9999 and ::ffff:192.0.2.77",
    "/nfs/{1}/projects/{2}/data.csv",
    "HTTPS://{0}.LAB.EXAMPLE.ORG/",
)


@given(host=NAME, user=NAME, project=NAME, places=st.lists(st.sampled_from(PLACES), min_size=1, max_size=5))
def test_no_name_is_left_wherever_it_is(host: str, user: str, project: str, places: list[str]) -> None:
    assume(len({host, user, project}) == 3)
    shown = anonymous(
        "\n".join(place.format(host, user, project) for place in places),
        Names(
            (host, f"{host}.lab.example.org"),
            (user,),
            ("192.0.2.77",),
            (
                (f"/nfs/{user}", "HOME"),
                (f"/nfs/{user}/projects/{project}", "DIRECTORY"),
                (f"private/{project}.ipynb", "NOTEBOOK"),
            ),
        ),
    )
    left = (host, user, project, "example", "192.0.2.77", "2001:db8", "node9")
    assert not [name for name in left if name in shown.lower()], shown


@pytest.mark.parametrize(
    "usual", ["127.0.0.1:9999", "0.0.0.0 ::", "at 08:15:00", "as root", "version 3.11.7", "[::1]:1"]
)
def test_what_is_no_one_s_stays(usual: str) -> None:
    assert anonymous(usual, Names(("localhost", "127.0.0.1"), ("root", ""), ("::1", ""))) == usual


def bundle(*, named: bool = False) -> str:
    """That of a host that says more than it should."""
    lines = ("https://box.example.org:9999/?token=" + "5ec4e7" * 8, "ann@laptop logs in from 192.0.2.9", *SECRETS)
    log = "\n".join(lines)
    facts = seen(
        HEALTHY,
        server={"alive": False, "answer": None, "session_pids": (), "log": log},
        home={"folder": "/home/ann", "mount": Mount("files.example.org:/home", "/home", "nfs", ("soft",))},
        limits={"killed": "ann"},
        interpreter={"variables": ("PYTHONPATH",)},
    )
    near = replace(NEAR, noise=("my api is canary",), port="refused")
    wanted = replace(WANTED, given=replace(WANTED.settings, directory="/canary", sources={"directory": "environment"}))
    return text(("box.example.org", "box"), wanted, near, facts, named=named)


def test_a_bundle_has_what_was_found_and_no_secret() -> None:
    output = bundle()
    assert "login shell: failed: its startup files print 1 line" in output
    assert "limits: failed" in output
    assert "version" in output
    assert "settings: failed: PYTHONPATH is set" in output
    assert not [canary for canary in (*CANARIES, "5ec4e7", "BEGIN") if canary in output], output


def test_a_bundle_names_hosts_and_users_only_if_it_may() -> None:
    names = ("box.example.org", "/home/ann", "ann@laptop", "192.0.2.7", "192.0.2.9", " ann ", "files.example.org")
    assert [name for name in names if name in bundle()] == []
    assert "box.example.org" in bundle(named=True)


@pytest.mark.parametrize("fault", RECORDED, ids=lambda fault: fault.name)
def test_a_bundle_tells_of_each_fault(fault: Recorded) -> None:
    near, facts = fault.case
    output = text(("box.example.org",), WANTED, near, facts, named=False)
    for layer in fault.layers:
        assert f"{layer}: failed: " in output

"""The bundle holds what a report of a bug needs, no secrets, and names only if they may be in it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import WANTED, seen
from recorded_faults import HEALTHY, NEAR, RECORDED, Recorded

from nbfab.doctor.bundle import scrub, text
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

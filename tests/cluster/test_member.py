"""What a member runs, and what a host keeps of its cluster."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shells import NASTY

from nbfab.cluster.member import AT, MEMORY, TEMPORARY, Chosen, Member, Size, chosen, is_place
from nbfab.cluster.ports import FIRST, LAST

CHOSEN = Chosen("gpu1", "192.0.2.1:10000", 10064, "192.0.2.2", Size(2, 4, "3GiB"))
MEMBER = Member("gpu2", ("worker",), CHOSEN, "AUTHORITY", "CERTIFICATE", "SECRET")
texts = st.text(st.characters(exclude_categories=["Cs"]))


def options(words: Any) -> dict[str, str]:
    """The options among the words of a program, which come in pairs."""
    words = list(words)
    words = words if words[0].startswith("--") else words[1:-1]
    return dict(zip(words[::2], words[1::2], strict=True))


def changed(**values: Any) -> str:
    """What a host keeps, with some of it replaced."""
    kept = json.loads(CHOSEN.text())
    size = {name: values.pop(name) for name in ("workers", "threads", "memory") if name in values}
    return json.dumps({**kept, "size": {**kept["size"], **size}, **values})


@given(
    texts.filter(bool),
    st.from_regex(AT, fullmatch=True).filter(is_place),
    st.integers(FIRST, LAST - 1),
    st.ip_addresses().map(str),
    st.integers(1, 31),
    st.integers(0, 1024),
    st.from_regex(MEMORY, fullmatch=True) | st.just(""),
)
def test_what_a_host_keeps_is_read_again(
    scheduler: str, at: str, first: int, address: str, workers: int, threads: int, memory: str
) -> None:
    kept = Chosen(scheduler, at, first, address, Size(workers, threads, memory))
    assert chosen(kept.text()) == kept


@given(st.text())
def test_whatever_the_file_of_a_host_has_is_no_fault(text: str) -> None:
    assert chosen(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "7",
        "[]",
        "{}",
        CHOSEN.text()[:-9],
        "[" * 100_000,
        changed(first="x"),
        changed(first=None),
        changed(first=[]),
        changed(size=[]),
        changed(size={"workers": 1}),
        changed(threads=float("nan")),
        changed(workers="two"),
        changed(first=float("inf")),
    ],
)
def test_a_file_that_makes_no_sense_counts_as_none(text: str) -> None:
    assert chosen(text) is None


@pytest.mark.parametrize(
    "text",
    [
        changed(workers=10**9),
        changed(workers=0),
        changed(workers=-3),
        changed(threads=-1),
        changed(memory="much\0"),
        changed(first=-64),
        changed(first=65500),
        changed(at="nowhere"),
        changed(at="192.0.2.1:x"),
    ],
)
def test_what_no_run_could_have_chosen_counts_as_none(text: str) -> None:
    assert chosen(text) is None


def test_the_key_is_not_shown() -> None:
    assert "SECRET" not in repr(MEMBER)
    assert "SECRET" not in MEMBER.config("/folder") + " ".join((*MEMBER.words("worker"), *MEMBER.words("scheduler")))


def test_the_scheduler_listens_for_other_hosts_with_tls_and_shows_its_dashboard_to_this_one_alone() -> None:
    scheduler = replace(MEMBER, roles=("scheduler", "worker"))
    assert scheduler.words("scheduler") == (
        *("--host", "tls://192.0.2.2", "--port", "10064", "--dashboard-address", "127.0.0.1:10127"),
    )


def test_an_address_of_ipv6_is_in_brackets_before_a_port() -> None:
    member = replace(MEMBER, chosen=replace(CHOSEN, address="2001:db8::7"))
    assert options(member.words("scheduler"))["--host"] == "tls://[2001:db8::7]"
    assert options(member.words("worker"))["--host"] == "[2001:db8::7]"


def test_a_worker_is_named_as_its_host_and_goes_to_the_scheduler() -> None:
    words = MEMBER.words("worker")
    assert words[0] == "tls://192.0.2.1:10000"
    assert options(words) == {
        "--host": "192.0.2.2",
        "--name": "gpu2",
        "--nworkers": "2",
        "--worker-port": "10065:10066",
        "--nanny-port": "10096:10097",
        "--dashboard-address": "127.0.0.1:0",
        "--local-directory": TEMPORARY,
        "--death-timeout": "60",
        "--nthreads": "4",
        "--memory-limit": "3GiB",
    }


def test_without_a_size_it_is_one_worker_that_dask_sizes_itself() -> None:
    found = options(replace(MEMBER, chosen=replace(CHOSEN, size=Size())).words("worker"))
    assert not {"--nthreads", "--memory-limit"} & found.keys()
    assert (found["--nworkers"], found["--worker-port"], found["--nanny-port"]) == ("1", "10065", "10096")


def test_a_worker_without_a_limit_of_memory_is_one_that_was_asked_for() -> None:
    size = Size(memory="0")
    assert options(replace(MEMBER, chosen=replace(CHOSEN, size=size)).words("worker"))["--memory-limit"] == "0"


@pytest.mark.parametrize("folder", ["/home/ann/.local/share/nbfab/nbserver", *(f"/home/{text}" for text in NASTY)])
def test_client_finds_the_scheduler_and_no_connection_goes_without_tls(folder: str) -> None:
    config = json.loads(MEMBER.config(folder))
    assert config["scheduler-address"] == "tls://192.0.2.1:10000"
    comm = config["distributed"]["comm"]
    assert (comm["default-scheme"], comm["require-encryption"]) == ("tls", True)
    assert comm["tls"]["ca-file"] == f"{folder}/cluster/ca.pem"
    assert {comm["tls"][role]["cert"] for role in ("scheduler", "worker", "client")} == {f"{folder}/cluster/node.pem"}


def test_the_link_to_the_dashboard_is_there_if_something_shows_it() -> None:
    assert "dashboard" not in json.loads(MEMBER.config("/folder"))["distributed"]
    shown = replace(MEMBER, dashboard="/proxy/10127/status").config("/folder")
    assert json.loads(shown)["distributed"]["dashboard"] == {"link": "/proxy/10127/status"}


@pytest.mark.parametrize("memory", ["auto", "0", "0.5", ".25", "4GiB", "4 GB", "1.5GiB", "8000000000"])
def test_a_size_of_memory_as_dask_takes_it(memory: str) -> None:
    assert MEMORY.fullmatch(memory)


@pytest.mark.parametrize("memory", ["", "-1", "much", "4 Gigs", "4GiB\n", "$(id)", "--nanny", "1e9", "4GiB 4GiB"])
def test_what_dask_would_not_take_is_no_size_of_memory(memory: str) -> None:
    assert not MEMORY.fullmatch(memory)

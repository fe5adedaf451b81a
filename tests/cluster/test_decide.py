"""Which host does what in a cluster, and which hosts cannot be in one."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.cluster.decide import AGREE, Asked, Candidate, Place, Scheduler, differences, places
from nbfab.cluster.member import Chosen, Size
from nbfab.cluster.ports import EACH, FIRST, LAST, choose
from nbfab.errors import HostError, UsageError

NAMES = ("gpu1", "gpu2", "gpu3")
VERSIONS = {"python": "3.11.2", "dask": "2025.1.0", "distributed": "2025.1.0", "numpy": "2.1.0", "bokeh": "3.6.0"}
FRESH = choose(1000, ()).first
ONE = Size()


def host(name: str, **changes: Any) -> Candidate:
    """A host that could be a member, and has not been one."""
    return replace(Candidate(name, 1000, f"192.0.2.{name[-1]}", VERSIONS), **changes)


def hosts(*without: str, **changes: Any) -> list[Candidate]:
    """Those of the inventory that were reached, all but those."""
    return [host(name, **changes) for name in NAMES if name not in without]


def had(name: str, scheduler: str = "gpu1", first: int = FRESH, size: Size = ONE, **changes: Any) -> Candidate:
    """A host that has been in a cluster."""
    made = host(name, **changes)
    return replace(made, before=Chosen(scheduler, f"192.0.2.{scheduler[-1]}:{FRESH}", first, made.address, size))


def decided(found: list[Candidate], **asked: Any) -> Mapping[str, Place]:
    return places(Asked(**asked), found, NAMES)


def schedulers(found: Mapping[str, Place]) -> list[str]:
    return [name for name, place in found.items() if "scheduler" in place.roles]


def test_every_host_has_workers_also_that_of_the_scheduler() -> None:
    found = decided(hosts())
    assert {name: place.roles for name, place in found.items()} == {
        "gpu1": ("scheduler", "worker"),
        "gpu2": ("worker",),
        "gpu3": ("worker",),
    }
    addresses = {name: place.chosen.address for name, place in found.items()}
    assert addresses == {"gpu1": "192.0.2.1", "gpu2": "192.0.2.2", "gpu3": "192.0.2.3"}
    assert found["gpu2"].chosen == Chosen("gpu1", f"192.0.2.1:{FRESH}", FRESH, "192.0.2.2", Size())


def test_the_scheduler_is_where_a_notebook_runs() -> None:
    assert schedulers(decided([host("gpu1", serves=False), host("gpu2"), host("gpu3")])) == ["gpu2"]
    assert schedulers(decided(hosts(serves=False))) == ["gpu1"], "or at the first host, if none runs"


def test_the_scheduler_is_where_a_run_asks_for_it() -> None:
    found = decided([had("gpu1"), had("gpu2"), had("gpu3", serves=False)], scheduler="gpu3")
    assert schedulers(found) == ["gpu3"]
    assert {(place.chosen.scheduler, place.chosen.at) for place in found.values()} == {("gpu3", f"192.0.2.3:{FRESH}")}


def test_an_address_of_ipv6_is_in_brackets() -> None:
    (place,) = decided([host("gpu1", address="2001:db8::1")]).values()
    assert place.chosen.at == f"[2001:db8::1]:{FRESH}"


def test_a_run_without_flags_changes_nothing() -> None:
    found = [had("gpu1", "gpu2", FIRST, Size(2)), had("gpu2", "gpu2", FRESH, Size(3, 4, "5GiB")), had("gpu3", "gpu2")]
    assert {name: place.chosen for name, place in decided(found).items()} == {each.name: each.before for each in found}
    assert schedulers(decided(found)) == ["gpu2"]


@given(
    st.sampled_from(NAMES),
    st.integers(1, 31),
    st.integers(0, 1024),
    st.sampled_from(["", "auto", "4GiB"]),
    st.frozensets(st.integers(FIRST, LAST - 1), max_size=9),
)
def test_what_was_decided_once_stays(
    scheduler: str, workers: int, threads: int, memory: str, taken: frozenset[int]
) -> None:
    first = decided(hosts(taken=taken), scheduler=scheduler, workers=workers, threads=threads, memory=memory)
    again = [
        host(name, before=first[name].chosen, running=True, taken=taken | {first[name].chosen.first}) for name in NAMES
    ]
    assert decided(again) == first


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, Size(2, 4, "3GiB")),
        ({"workers": 5}, Size(5, 4, "3GiB")),
        ({"threads": 0}, Size(2, 0, "3GiB")),
        ({"memory": ""}, Size(2, 4, "")),
        ({"workers": 1, "threads": 8, "memory": "auto"}, Size(1, 8, "auto")),
    ],
)
def test_a_flag_changes_what_it_names_and_no_other_size(asked: dict[str, Any], size: Size) -> None:
    found = decided([had("gpu1", size=Size(2, 4, "3GiB")), host("gpu2")], **asked)
    assert found["gpu1"].chosen.size == size
    assert found["gpu2"].chosen.size == Asked(**asked).size(Size()), "a new host has not had another one"


@pytest.mark.parametrize("workers", [0, -1, 32, 10**9])
def test_more_workers_than_a_host_has_ports_for_are_refused(workers: int) -> None:
    with pytest.raises(UsageError, match=f"workers must be a whole number from 1 to 31, not {workers}$"):
        decided(hosts(), workers=workers)


def test_a_port_that_something_else_uses_moves_the_host_and_all_go_to_where_its_scheduler_is() -> None:
    found = decided([host("gpu1", taken=frozenset({FRESH + 5})), host("gpu2")])
    assert found["gpu1"].chosen.first == FRESH + EACH
    assert found["gpu2"].chosen.first == FRESH
    assert {place.chosen.at for place in found.values()} == {f"192.0.2.1:{FRESH + EACH}"}


@pytest.mark.parametrize("offset", [0, 1, EACH - 1])
def test_a_host_whose_members_are_down_moves_if_something_else_has_taken_a_port_since(offset: int) -> None:
    kept = had("gpu1", first=FIRST, taken=frozenset({FIRST + offset}))
    assert decided([kept])["gpu1"].chosen.first == FRESH
    assert decided([replace(kept, taken=frozenset({FIRST + EACH}))])["gpu1"].chosen.first == FIRST


def test_a_host_whose_members_run_keeps_its_ports_as_it_is_they_that_listen_there() -> None:
    kept = had("gpu1", first=FIRST, taken=frozenset({FIRST, FIRST + 1}), running=True)
    assert decided([kept])["gpu1"].chosen.first == FIRST


def test_users_of_one_host_have_ports_of_their_own() -> None:
    assert decided([host("gpu1", uid=1001)])["gpu1"].chosen.first == FRESH + EACH


def test_a_host_without_free_ports_is_named() -> None:
    with pytest.raises(HostError, match="gpu2: no 64 ports in a row are free"):
        decided([host("gpu1"), host("gpu2", taken=frozenset(range(FIRST, LAST, EACH)))])


@pytest.mark.parametrize(("typed", "meant"), [("gpu4", "gpu"), ("GPU1", "gpu1"), ("gpu-2", "gpu2")])
def test_a_scheduler_that_the_inventory_lacks_is_refused_with_the_nearest_name(typed: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"--scheduler {typed}: the inventory has no such host") as caught:
        decided(hosts(), scheduler=typed)
    assert caught.value.hint.startswith(f"nbfab --scheduler={meant}")


def test_a_scheduler_like_no_name_of_the_inventory_is_refused_in_a_short_message() -> None:
    with pytest.raises(UsageError, match=r"^--scheduler x{80}: the inventory has no such host$") as caught:
        decided(hosts(), scheduler="x" * 9000)
    assert caught.value.hint == "name a host of the inventory"


def test_a_new_scheduler_has_to_be_among_the_hosts_that_were_reached() -> None:
    with pytest.raises(
        HostError, match=r"^gpu3, which is to be the scheduler's host, is not among the hosts that were"
    ):
        decided(hosts("gpu3"), scheduler="gpu3")


def test_a_scheduler_that_is_left_out_stays_where_it_was() -> None:
    found = decided([had("gpu2"), host("gpu3")])
    assert {name: place.roles for name, place in found.items()} == {"gpu2": ("worker",), "gpu3": ("worker",)}
    assert {(place.chosen.scheduler, place.chosen.at) for place in found.values()} == {("gpu1", f"192.0.2.1:{FRESH}")}


def test_new_hosts_alone_join_the_scheduler_that_this_machine_remembers() -> None:
    last = Scheduler("gpu1", "192.0.2.1:10064")
    found = places(Asked(), hosts("gpu1"), NAMES, last)
    assert schedulers(found) == []
    assert {(place.chosen.scheduler, place.chosen.at) for place in found.values()} == {(last.name, last.at)}
    assert schedulers(places(Asked(), hosts(), NAMES, last)) == ["gpu1"]
    assert schedulers(places(Asked(), hosts("gpu1"), NAMES[1:], last)) == ["gpu2"], "that host is gone"


def test_what_hosts_have_kept_counts_more_than_what_this_machine_remembers() -> None:
    last = Scheduler("gpu1", "192.0.2.1:10064")
    assert schedulers(places(Asked(), [host("gpu1"), had("gpu2", "gpu2")], NAMES, last)) == ["gpu2"]


def test_two_profiles_of_a_host_have_ports_of_their_own() -> None:
    found = decided([host("gpu1"), host("gpu2", address="192.0.2.1"), host("gpu3", address="192.0.2.1")])
    assert [place.chosen.first for place in found.values()] == [FRESH, FRESH + EACH, FRESH + 2 * EACH]


def test_a_new_profile_of_a_host_does_not_take_the_ports_of_one_that_is_down() -> None:
    found = decided([host("gpu1"), had("gpu2", "gpu2", address="192.0.2.1")])
    assert found["gpu2"].chosen.first == FRESH


def test_most_hosts_are_right_about_a_scheduler_that_has_moved_while_one_was_away() -> None:
    assert schedulers(decided([had("gpu1", "gpu1"), had("gpu2", "gpu3"), had("gpu3", "gpu3")])) == ["gpu3"]
    assert schedulers(decided([had("gpu1", "gpu2"), had("gpu2", "gpu2"), had("gpu3", "gpu1")])) == ["gpu2"]


def test_the_scheduler_moves_if_its_host_is_no_longer_in_the_inventory() -> None:
    found = decided([had("gpu1", "gpu9"), had("gpu2", "gpu9")])
    assert schedulers(found) == ["gpu1"]


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        ({"python": "3.12.1"}, "gpu2 has python 3.12 (there 3.11)"),
        ({"numpy": "1.26.4"}, "gpu2 has numpy 1.26.4 (there 2.1.0)"),
        ({"numpy": "2.1.0.post1"}, "gpu2 has numpy 2.1.0.post1 (there 2.1.0)"),
        ({"distributed": "2024.1.0"}, "gpu2 has distributed 2024.1.0 (there 2025.1.0)"),
        ({"numpy": ""}, "gpu2 has no numpy (there 2.1.0)"),
        ({"lz4": "4.3.3"}, "gpu2 has lz4 4.3.3 (there none)"),
    ],
)
@pytest.mark.parametrize("file", ["", "lab.txt"])
def test_hosts_that_differ_are_refused_with_the_task_that_aligns_them(
    versions: dict[str, str], words: str, file: str
) -> None:
    other = {name: version for name, version in (VERSIONS | versions).items() if version}
    with pytest.raises(HostError) as caught:
        decided([host("gpu1"), host("gpu2", versions=other, requirements=file), host("gpu3")])
    assert str(caught.value) == (
        f"members of a cluster need the same versions, and those of gpu1 differ from others: {words}"
    )
    *_, fix = caught.value.hint.splitlines()
    assert fix == f"nbfab setup --requirements={file or 'requirements.txt'}"


@pytest.mark.parametrize("versions", [{"python": "3.11.9"}, {"bokeh": "2.0"}, {"pytz": "1"}])
def test_hosts_may_differ_in_what_members_do_not_tell_each_other(versions: dict[str, str]) -> None:
    assert len(decided([host("gpu1"), host("gpu2", versions=VERSIONS | versions)])) == 2


def test_the_versions_of_the_scheduler_count_and_all_that_differs_is_told() -> None:
    old = VERSIONS | {"python": "3.9.2", "numpy": "1.26.4"}
    with pytest.raises(HostError, match=r"those of gpu3 differ from others: gpu1 has .*; gpu2 has python 3.11 "):
        decided([host("gpu1"), host("gpu2"), host("gpu3", versions=old)], scheduler="gpu3")


@pytest.mark.parametrize("file", ["", "lab.txt"])
def test_a_host_without_distributed_is_refused_with_the_task_that_adds_it(file: str) -> None:
    bare = {"python": "3.11.2", "numpy": "2.1.0"}
    with pytest.raises(HostError, match=r"^the notebooks lack distributed: gpu2, gpu3$") as caught:
        decided([host("gpu1"), *(host(name, versions=bare, requirements=file) for name in NAMES[1:])])
    *_, fix = caught.value.hint.splitlines()
    assert fix == (f"nbfab setup --requirements={file}" if file else "nbfab setup --with=distributed")


@given(st.dictionaries(st.sampled_from(AGREE), st.text(max_size=9)))
def test_a_host_does_not_differ_from_itself(versions: dict[str, str]) -> None:
    assert differences(versions, versions) == []


def test_a_new_host_needs_the_versions_of_a_scheduler_that_is_left_out() -> None:
    last = Scheduler("gpu1", "192.0.2.1:10064", {**VERSIONS, "numpy": "1.0"})
    with pytest.raises(HostError, match=re.escape("gpu3 has numpy 2.1.0 (there 1.0)")):
        places(Asked(), [host("gpu3")], NAMES, last)
    assert places(Asked(), [host("gpu3")], NAMES, last._replace(versions=VERSIONS))["gpu3"].chosen.at == last.at

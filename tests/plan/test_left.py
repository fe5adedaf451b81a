"""Which of the files on a host are nbfab's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import listed

from nbfab.look.left import Entry
from nbfab.plan import left
from nbfab.plan.left import Sorted, places, sort


@pytest.mark.parametrize(
    "path",
    [
        *(
            "generation",
            "generation.new.4711",
            "lock/holder",
            "server.log",
            "server.log.1",
            "server.log.2",
            "ended.new.4711",
            "boot",
            "stopping",
            "tmux",
            "answer.new.a8_x0k1z",
            "failed.new.4711",
            "reply.new.4711",
        ),
        *("runtime/jpserver-17.json", "runtime/nbserver-17-open.html", "runtime/kernel-0b1c-4d.json"),
        *(
            "jupyter/migrated",
            "jupyter/nbsignatures.db-journal",
            "jupyter/lab/workspaces/default-37a8.jupyterlab-workspace",
        ),
        "jupyter/lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings",
        *("ipython/profile_default/history.sqlite", "ipython/profile_nbserver/startup/README"),
    ],
)
def test_what_nbfab_and_its_programs_write_is_theirs(path: str) -> None:
    assert sort(listed(path), left.FILES, left.TREES).files == (path,)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "my.ipynb",
            "server.log.3",
            "server.log.old",
            "Generation",
            "generation.new.x",
            "my.new.17",
            "reply.new.x",
            "tmux/tmux",
        ),
        *("runtime/my.json", "runtime/kernel-1/x.json", "x/runtime/kernel-1.json", "jupyter/custom/custom.css"),
        *("ipython/profile_default/startup/my.py", "ipython/profile_notes.txt", "ipython/startup/README"),
        "jupyter/lab/user-settings/x.jupyterlab-settings",
    ],
)
def test_what_a_user_puts_there_stays(path: str) -> None:
    assert sort(listed(path), left.FILES, left.TREES, left.FOLDERS) == Sorted(others=(path,))


@pytest.mark.parametrize(
    ("found", "sorted_"),
    [
        (["a/", "a/b/", "a/b/one"], Sorted(files=("a/b/one",), folders=("a/b", "a"))),
        (["a/", "a/b/", "a/b/one", "a/mine"], Sorted(files=("a/b/one",), folders=("a/b",), others=("a/mine",))),
        (["a/", "a/mine/", "a/mine/deep/", "a/mine/deep/file"], Sorted(others=("a/mine",))),
        (["a/b/one/"], Sorted(others=("a/b/one",))),  # a folder in the place of a file
        (["a@"], Sorted(files=("a",))),  # a link in the place of a folder, which is planted
        (["a/b/one@", "tree@"], Sorted(files=("a/b/one", "tree"))),
        (["mine@", "a/link@"], Sorted(others=("mine", "a/link"))),
        (["a"], Sorted(others=("a",))),
        (["tree/", "empty/"], Sorted(trees=("tree",), folders=("empty",))),
    ],
)
def test_a_folder_goes_if_nothing_stays_in_it(found: list[str], sorted_: Sorted) -> None:
    assert sort(listed(*found), ["a/b/one"], ["tree"], ["empty"]) == sorted_


names = st.lists(st.text("ab.*?[]-", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


@given(st.lists(names), st.lists(names))
def test_each_entry_goes_or_stays(found: list[str], files: list[str]) -> None:
    all_of = sort([Entry("f", path) for path in found], files)
    assert {*all_of.files, *all_of.others} <= {*found}
    for path in found:
        covered = any(path.startswith(f"{other}/") for other in all_of.others)
        assert covered or (path in all_of.files) != (path in all_of.others)


def test_the_places_to_look_in() -> None:
    found = places([".", "nbserver.pem", "templates", "templates/login.html", "share/jupyter/kernels/x/kernel.json"])
    assert found == (
        "cluster",
        "envs",
        "ipython",
        "jupyter",
        "lock",
        "nbfab_relay",
        "nbfab_server",
        "runtime",
        "share",
        "templates",
    )


def test_all_that_is_listed_can_be_an_argument() -> None:
    """Lists go to the host as words."""
    for path in (*left.TREES, *left.SOCKETS, *left.TRACES, *places(())):
        assert not set(path) & set(" \n'\"$"), path

"""What was asked for: which of it is the server's, which the kernel's, and what its record says."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import KEEP, NEW, file, holding, seen, wanting

from nbfab.errors import Refused
from nbfab.look.choices import Choice, Choices
from nbfab.plan.asked import FILE, Asked, Had, asked, had, text
from nbfab.requirements.requirements import Requirements

LINES = ("--extra-index-url https://index.example/simple", "pandas<3 ; python_version>='3.9'", "jupyterlab==4.2")
HASHED = "jupyterlab-pygments==0.3 --hash=sha256:00"
THESIS = Asked("thesis.txt", LINES, (), ("six",))


@pytest.mark.parametrize(
    ("ask", "kernels", "servers"),
    [
        (Asked(), (), ()),
        (Asked(packages=("six",)), ("six", "matplotlib"), ()),
        (Asked(packages=("jupytext",)), (), ("jupytext",)),
        (Asked(packages=("jupyterlab-git>=0.50", "six")), ("six", "matplotlib"), ("jupyterlab-git>=0.50",)),
        # Widgets have a part in both.
        (Asked(packages=("ipywidgets",)), ("ipywidgets", "matplotlib"), ("ipywidgets",)),
        # A file changes no version of the server itself; that is for who types it.
        (THESIS, (LINES[0], LINES[1], "six"), ()),
        (Asked("a", ("jupyter_server>2 ; python_version < '4'", "x"), (), ("notebook<8",)), ("x",), ("notebook<8",)),
        # Nor do those of its extensions count there: they may fit no server that there is.
        (Asked("a", ("jupyterlab-git==0.34 ; python_version < '4'", "x")), ("x",), ("jupyterlab-git",)),
        (
            Asked("a", ("jupyter-ai[all]>=2", "ipywidgets~=8.0")),
            ("ipywidgets~=8.0",),
            ("jupyter-ai[all]", "ipywidgets"),
        ),
        (Asked("a", ("jupytext @ https://x.example/a.whl ; a",)), (), ("jupytext@https://x.example/a.whl",)),
        (Asked("a", ("jupyter-lsp==1", "notebook-shim", "jupyterlab-pygments==0.3", "jupyter")), (), ()),
        # Of a file with hashes nothing can be left out: what is needed has to have one.
        (Asked("a", (HASHED,), (), ("six",)), (HASHED, "six"), ()),
        (Asked("a", ("notebooks",)), ("notebooks",), ()),
    ],
)
def test_what_is_the_server_s_and_what_the_kernel_s(
    ask: Asked, kernels: tuple[str, ...], servers: tuple[str, ...]
) -> None:
    assert (ask.kernels, ask.servers) == (kernels, servers)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (THESIS, THESIS._replace(source="other.txt"), True),
        (THESIS, THESIS._replace(lines=(*LINES, "six")), False),
        (THESIS, THESIS._replace(constraints=("six<2",)), False),
        (THESIS, THESIS._replace(packages=()), False),
        (THESIS, THESIS._replace(packages=("six", "notebook==7.5")), True),
        (THESIS, THESIS._replace(lines=(*LINES, "jupytext==1")), True),
        (THESIS, THESIS._replace(lines=(*LINES, "--pre")), False),
        (Asked(packages=("a", "b")), Asked(packages=("b", "a")), True),
    ],
)
def test_an_environment_serves_what_asks_for_the_same(one: Asked, other: Asked, same: bool) -> None:
    assert (one.digest == other.digest) == same
    assert Asked("a.txt", ("x",), (), ("six", "jupytext")).shown == "a.txt and six"


lines = st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20), max_size=4).map(tuple)
words = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=9)
asks = st.builds(Asked, words, lines, lines, lines, words)


@given(st.builds(Had, asks, st.none() | asks, st.sampled_from(["", "0123456789ab"]), lines))
def test_a_record_is_read_as_it_was_written(record: Had) -> None:
    if record.before is None:
        record = record._replace(env_before="")
    assert had(holding(NEW, file(FILE, text(record)))) == record


@given(
    st.text()
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["asked", "before", "lines"]), inner),
    ).map(json.dumps)
)
def test_what_a_host_makes_of_the_record_is_an_empty_one_at_worst(text: str) -> None:
    assert isinstance(had(holding(NEW, file(FILE, text))), Had)


def test_a_profile_of_an_earlier_release_has_no_record_but_choices() -> None:
    made = Choices("0.2.0", {"packages": Choice(("pandas",), "flag")})
    facts = seen(NEW, choices={"made": made})
    assert had(facts) == Had(Asked(packages=("pandas",)), within=("pandas",))
    assert had(holding(facts, file(FILE, "what is this"))) == had(NEW) == Had()


def test_a_file_that_is_here_counts_and_then_what_the_profile_has() -> None:
    facts = holding(NEW, file(FILE, text(Had(THESIS, Asked("old.txt", ("numpy",))))))

    def wants(**settings: Any) -> Asked:
        return asked(wanting(**settings), facts)

    assert wants() == Asked()
    assert wants(requirements=THESIS.mark) == THESIS._replace(packages=())
    assert wants(requirements=THESIS.mark, packages="attrs").packages == ("attrs",)
    assert wants(requirements=Asked("old.txt", ("numpy",)).mark).lines == ("numpy",)
    here = replace(wanting(requirements="x.txt:0"), requirements=Requirements("x.txt", ("scipy",)))
    assert asked(here, facts) == Asked("x.txt", ("scipy",))


def test_a_record_that_is_gone_is_missed() -> None:
    with pytest.raises(Refused, match=r"^the profile is to have the packages of thesis.txt, but .* is gone$") as error:
        asked(wanting(requirements=THESIS.mark), NEW)
    assert "setup --reset=requirements" in error.value.hint
    assert asked(KEEP, NEW) == Asked()

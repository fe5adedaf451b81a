"""pyproject.toml: the dependencies that it declares, and what only other files have."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.errors import UsageError
from nbfab.requirements.pyproject import parse


def test_the_declared_dependencies_and_the_versions_of_python() -> None:
    found = parse(
        '[project]\nname = "x"\nversion = "0"\nrequires-python = ">= 3.11"\n'
        'dependencies = ["NumPy>=2", "six; python_version < \'3.12\'", "x @ git+https://example.org/x.git"]\n'
        'optional-dependencies.more = ["attrs"]\n[dependency-groups]\ndev = ["pytest"]\n'
        '[[tool.uv.index]]\nurl = "https://a.example/simple"\ndefault = true\n'
        '[[tool.uv.index]]\nurl = "https://b.example/simple"\n'
        '[[tool.uv.index]]\nurl = "https://c.example/simple"\nexplicit = true\n',
        "pyproject.toml",
    )
    assert found.lines == (
        "--index-url https://a.example/simple",
        "--extra-index-url https://b.example/simple",
        "numpy>=2",
        'six; python_version < "3.12"',
        "x @ git+https://example.org/x.git",
    )
    assert (found.source, found.python) == ("pyproject.toml", ">=3.11")
    assert parse('[project]\ndependencies = ["six"]', "x").python == ""


LOCK = "uv.lock has what follows from it\nuv lock\nnbfab --requirements=uv.lock"
COMPILE = "this has that done\nuv pip compile pyproject.toml -o requirements.txt\nnbfab --requirements=requirements.txt"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[project", "it is no TOML: ", "correct it there"),
        ("x = " + "[" * 5000, "it is no TOML", ""),
        ("x = 1" + "0" * 5000, "it is no TOML", ""),
        ("", "it has no [project], and so no dependencies", "name a file that has some"),
        ("project = 1", "it has no [project]", ""),
        ("[project]", "it names no packages", ""),
        ("[project]\ndependencies = []", "it names no packages", ""),
        ('[project]\ndynamic = ["version", "dependencies"]', "only once it is built (dynamic)", COMPILE),
        ("[project]\ndynamic = 3", "it names no packages", ""),
        ('[project]\ndependencies = "six"', "[project] dependencies is no list of texts", ""),
        ("[project]\ndependencies = [1]", "[project] dependencies is no list of texts", ""),
        ('[project]\ndependencies = ["six=1"]', '"six=1" is no requirement', ""),
        ('[project]\ndependencies = ["x @ file:///x"]', "x is a file or folder of this machine", ""),
        ('[project]\ndependencies = ["x @ https://a:b@example.org/x"]', "x has a password or a token in its URL", ""),
        ('[project]\ndependencies = ["-r x"]', "one of its dependencies is an option", ""),
        ('[project]\ndependencies = ["six\\nidna"]', "a character that cannot be seen", ""),
        ('[project]\ndependencies = ["six"]\nrequires-python = "three"', "requires-python is not such as", ""),
        ('[project]\ndependencies = ["six"]\nrequires-python = 3', "requires-python is not such as", ""),
        ('[project]\ndependencies = ["a_b"]\n[tool.uv.sources]\n"A.b" = {path = "b"}',
         "[tool.uv.sources] says where a-b comes from, which only uv reads", LOCK),
        ('[project]\ndependencies = ["six"]\n[tool.uv]\noverride-dependencies = ["six<2"]',
         "[tool.uv] has override-dependencies, which only uv reads", LOCK),
        ('[project]\ndependencies = ["six"]\n[[tool.uv.index]]\nurl = "https://a:b@example.org/"',
         "it has a password or a token in its URL", ""),
        ('[tool.poetry]\nname = "x"', "it is Poetry's own, without [project]",
         "Poetry writes one, if it has its plugin for that\npoetry self add poetry-plugin-export\n"
         "poetry export -f requirements.txt -o requirements.txt\nnbfab --requirements=requirements.txt"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, "pyproject.toml")
    assert str(error.value).startswith("pyproject.toml: ")
    assert message in str(error.value)
    assert error.value.hint == hint or (error.value.hint and not hint)
    assert "a:b@" not in str(error.value) + error.value.hint


def test_a_source_of_a_package_that_is_no_dependency_does_not_matter() -> None:
    text = '[project]\ndependencies = ["six"]\n[tool.uv.sources]\nidna = {path = "idna"}'
    assert parse(text, "pyproject.toml").names == ("six",)


def test_the_project_of_this_repository() -> None:
    found = parse((Path(__file__).parents[2] / "pyproject.toml").read_text(), "pyproject.toml")
    assert {"fabric", "packaging", "ruamel-yaml"} <= set(found.names)
    assert found.python == ">=3.11"


VALUES = st.recursive(
    st.sampled_from(["1", '"six"', '"dependencies"', "true", "1979-05-27", '"https://x.example"', '"[["']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda each: f"[{', '.join(each)}]"),
        st.lists(inner, max_size=1).map(lambda each: "{" + ", ".join(f"url = {value}" for value in each) + "}"),
    ),
    max_leaves=3,
)
PROJECT = ("dependencies", "dynamic", "requires-python")
TOOL = ("uv", "uv.index", "uv.sources", "uv.sources.six", "uv.override-dependencies", "poetry")
KEYS = st.sampled_from(["project", *(f"project.{key}" for key in PROJECT), "tool", *(f"tool.{key}" for key in TOOL)])


@given(st.lists(st.tuples(KEYS, VALUES).map(" = ".join), max_size=5, unique=True).map("\n".join) | st.text())
def test_any_table_is_requirements_or_an_error_of_use(text: str) -> None:
    try:
        found = parse(text, "pyproject.toml").names
    except UsageError:
        found = ()
    assert set(found) <= {"six", "dependencies"}

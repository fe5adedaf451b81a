"""The rules of the house: who may import whom, and who may do what."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from machine import ROOT

PACKAGE = ROOT / "nbfab"
# From the bottom up: a module imports only from lines above its own, or from its own package.
FLOORS = (
    ("records",),
    ("names", "text", "fix", "finding", "errors", "settings", "changed", "relay", "prompts", "whole", "units"),
    ("passwords", "keys", "own", "outcome", "requirements", "resolution", "signals", "tunnel", "lend"),
    ("authority",),
    ("trust", "wheels", "cluster"),
    ("user", "wanted", "program"),
    ("host",),
    ("look",),
    ("plan",),
    ("doctor",),
    ("apply",),
    ("ssh", "inventory"),
    ("run",),
    ("fleet",),
    ("display",),
    ("cli",),
    ("__main__",),
)
RUNS = {"subprocess", "socket", "select", "signal", "http", "ssl", "asyncio", "tempfile", "shutil"}
# All that `ssh` and `inventory` know of nbfab.
SERVANTS = {"records", "names", "text", "fix", "settings", "errors", "prompts"}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, by its name; what runs on the host is not one."""
    files = (
        file
        for file in PACKAGE.rglob("*.py")
        if not file.name.endswith("_probe.py") and file.parent.name not in ("server", "relay")
    )
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(file.read_text())
        for file in files
    }


def imports(tree: ast.Module) -> Iterator[str]:
    """What a module imports, wherever it does so, as far down as the name of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in modules() else str(node.module)


def reached(module: str) -> set[str]:
    """The modules of nbfab that a module imports, and those that they import."""
    found: set[str] = set()
    todo = [module]
    while todo:
        more = {of for of in imports(modules()[todo.pop()]) if of in modules()} - found
        found |= more
        todo += more
    return found


def place(module: str) -> str:
    """The package or base module that a module of nbfab is in."""
    return module.split(".")[1] if "." in module else ""


def floor(name: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if name in names)


@pytest.mark.parametrize("module", sorted(modules()))
def test_nothing_is_imported_from_above(module: str) -> None:
    for imported in imports(modules()[module]):
        if imported.startswith("nbfab.") and place(imported) != place(module):
            above = f"{module} imports {imported}"
            assert place(imported) != "cli" or module == "nbfab.__main__", above
            assert floor(place(imported)) <= floor(place(module)), above


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: {of for of in imports(tree) if of in modules()} for name, tree in modules().items()}
    while leaves := [name for name, needed in graph.items() if not needed & graph.keys()]:
        for leaf in leaves:
            del graph[leaf]
    assert not graph, f"in circles, or above one: {', '.join(sorted(graph))}"


@pytest.mark.parametrize("module", sorted(name for name in modules() if place(name) in ("ssh", "inventory")))
def test_ssh_and_inventory_know_nothing_of_notebooks(module: str) -> None:
    known = {place(of) for of in imports(modules()[module]) if of.startswith("nbfab.")}
    assert known <= SERVANTS | {place(module)}


@pytest.mark.parametrize("module", sorted(name for name in modules() if place(name) in ("plan", "doctor")))
def test_a_plan_runs_nothing(module: str) -> None:
    for known in {module} | reached(module):
        assert not {of.split(".")[0] for of in imports(modules()[known])} & RUNS, known
    assert not {name for name in _calls(modules()[module]) if name in ("open", "exec", "eval", "print")}


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("invoke", {"cli"}),
        ("fabric", {"cli", "ssh"}),  # Fabric's Connection, and its program
        ("paramiko", {"ssh"}),
        ("rich", {"display"}),
        ("jinja2", {"display"}),
        ("segno", {"display"}),
        ("ruamel", {"inventory"}),
        ("getpass", {"display"}),
    ],
)
def test_a_library_has_its_place(library: str, places: set[str]) -> None:
    users = {place(name) for name, tree in modules().items() if library in {of.split(".")[0] for of in imports(tree)}}
    assert users == places


def test_classes_are_made_quickly() -> None:
    """By `nbfab.records`, which type checkers take for `dataclasses`."""
    for name in modules().keys() - {"nbfab.records"}:
        text = ast.unparse(modules()[name])
        assert not re.search(r"from dataclasses import .*\bdataclass\b|dataclasses\.dataclass", text), name


def test_fabric_s_program_and_its_connection_are_apart() -> None:
    for name, tree in modules().items():
        if place(name) == "ssh":
            assert not {of for of in imports(tree) if of.startswith(("fabric.main", "fabric.executor"))}
        if place(name) == "cli":
            assert "fabric.Connection" not in ast.unparse(tree)


def test_there_is_one_way_to_a_person() -> None:
    """Which cleans what it shows: `nbfab.display.output`, and in the process of `open`, `nbfab.tunnel.telling`."""
    # A generator says which files are not current; on Windows, `output` cannot be imported.
    others = {"nbfab.cli.reference", "nbfab.cli.windows", "nbfab.display.output", "nbfab.tunnel.telling"}
    for name in modules().keys() - others:
        tree = modules()[name]
        assert not set(_calls(tree)) & {"print", "input"}, name
        assert "getpass" not in set(imports(tree)), name
        # The server's own output in the foreground, the end of a pipe, whether someone is there, rich's console.
        known = {"sys.stdin", "stdout=sys.stderr", "sys.stdout.flush()", "sys.stdout.fileno()", "if sys.stdout:"}
        known |= {"sys.stderr.flush()", "sys.stdout.isatty()", "sys.stderr.isatty()", "Lasting(sys.stderr)"}
        known |= {"sys.stdout.buffer.write(answer)"}  # of a program that ssh runs
        text = ast.unparse(tree)
        for use in known:
            text = text.replace(use, "")
        assert "sys.std" not in text, name
        if place(name) == "display":
            assert ".write" not in text, name


def test_what_ends_a_program_is_shown_like_all_else() -> None:
    """Invoke prints the message of an Exit as it is."""
    for name, tree in modules().items():
        exits = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Exit"]
        for node in exits:
            assert not node.args, name
            assert [word.arg for word in node.keywords] == ["code"], name


def test_what_rich_and_jinja_show_is_clean() -> None:
    live, page = modules()["nbfab.display.live"], modules()["nbfab.display.page"]
    made = [ast.unparse(node) for node in ast.walk(live) if isinstance(node, ast.Call)]
    assert [call for call in made if call.startswith("Text(")] == [
        "Text(clean_line(text), no_wrap=True, overflow='ellipsis', style=style)"
    ]
    for node in ast.walk(live):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("add_row"):
            assert {ast.unparse(of.func) for of in node.args if isinstance(of, ast.Call)} <= {"_text", "Bar"}
            assert all(isinstance(of, ast.Call) for of in node.args)
    assert "Environment(autoescape=True, trim_blocks=True, finalize=_clean, loader=files)" in ast.unparse(page)


@pytest.mark.parametrize("package", sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py")))
def test_a_package_says_what_lives_there(package: str) -> None:
    text = ast.get_docstring(ast.parse((PACKAGE / package / "__init__.py").read_text())) or ""
    assert len(text.splitlines()) >= 3, "what lives there, and what must not"


def test_the_tests_mirror_the_tree() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.glob("test_*.py"))}
    assert folders <= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def _calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id

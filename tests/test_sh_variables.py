"""No state passes between functions of sh unseen: each declares in the comment above it what it uses and sets."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache

import pytest
from machine import ROOT
from sh_functions import Function, constants, functions, needs, parse, within

from nbfab.apply import apply
from nbfab.program import source

MODULES = [ast.parse(path.read_text()) for path in sorted((ROOT / "nbfab").rglob("*.py"))]
EVERY = sorted(functions().values(), key=lambda function: (function.file, function.name))

each_function = pytest.mark.parametrize("function", EVERY, ids=lambda function: f"{function.file}:{function.name}")


@cache
def named() -> dict[str, frozenset[str]]:
    """The named arguments that `call` gives to each function, all of them together if it does so twice."""
    found: dict[str, frozenset[str]] = {}
    for node in (node for tree in MODULES for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "call":
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else ""
            found[str(name)] = found.get(str(name), frozenset()) | {word.arg for word in node.keywords if word.arg}
    return found


@cache
def arguments() -> frozenset[str]:
    """Every name that a named argument has anywhere, and what a program sets before its calls."""
    given = frozenset().union(*(probes(kind) for kind in apply._PROBES))
    return frozenset().union(*named().values(), *(keys for _, keys in changes())) | given | set_by_programs()


def probes(kind: str) -> frozenset[str]:
    """The programs that are arguments of a change of that kind."""
    return frozenset(path.rpartition("/")[2] for of, paths in apply._PROBES.items() if of == kind for path in paths)


def changes() -> Iterator[tuple[str, frozenset[str]]]:
    """The kind of each change that the package makes, and the names of its arguments."""
    functions = {name: keys for tree in MODULES for name, keys in _returned(tree)}
    for tree in MODULES:
        variables = dict(_assigned(tree, functions))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Change":
                words = {word.arg: word.value for word in node.keywords}
                kind, args = words["kind"], words.get("args")
                assert isinstance(kind, ast.Constant)
                if args:
                    yield str(kind.value), _keys(args) if isinstance(args, ast.Dict) else variables[ast.unparse(args)]


def _returned(tree: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    """The functions of a module that end by returning a dictionary, and the keys of that."""
    for node in ast.walk(tree):
        last = node.body[-1] if isinstance(node, ast.FunctionDef) else None
        if isinstance(node, ast.FunctionDef) and isinstance(last, ast.Return) and isinstance(last.value, ast.Dict):
            yield node.name, _keys(last.value)


def _assigned(tree: ast.Module, functions: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, frozenset[str]]]:
    """The variables of a module that are a dictionary, or what one of the `functions` returns, and the keys."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            if isinstance(node.value, ast.Dict):
                yield ast.unparse(node.targets[0]), _keys(node.value)
            elif isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in functions:
                yield ast.unparse(node.targets[0]), functions[ast.unparse(node.value.func)]


def _keys(table: ast.Dict) -> frozenset[str]:
    return frozenset(str(key.value) for key in table.keys if isinstance(key, ast.Constant))


def set_by_programs() -> frozenset[str]:
    """The variables that `render` sets."""
    return frozenset(re.findall(r'"([a-z_]+)=', source("program.py")))


@each_function
def test_what_a_function_reads_it_has_assigned_or_declares(function: Function) -> None:
    known = function.uses | constants()
    undeclared = {
        read.name
        for read in function.reads
        if read.name[0].islower()
        and read.name not in known
        and not any(assigned.name == read.name and assigned.at <= read.at for assigned in function.assigns)
    }
    assert not undeclared, f"declare it above {function.name}: Uses {', '.join(sorted(undeclared))}."


@each_function
def test_what_a_function_declares_is_so(function: Function) -> None:
    assert function.uses <= {read.name for read in function.reads}, "it uses less"
    inside = [functions()[name] for name in within(function.name)]
    assert function.sets <= {assigned.name for one in inside for assigned in one.assigns}, "it sets less"


@each_function
def test_what_a_function_uses_another_sets_or_a_call_names(function: Function) -> None:
    every = frozenset().union(*(other.sets for other in EVERY)) | arguments()
    assert function.uses <= every, f"{', '.join(sorted(function.uses - every))} comes from nowhere"


@each_function
def test_a_function_that_assigns_what_another_uses_declares_it(function: Function) -> None:
    hidden = {
        assigned.name: other.name
        for assigned in function.assigns
        for other in EVERY
        if other != function
        and assigned.name in other.uses - function.sets
        and any({function.name, other.name} <= within(one.name) for one in EVERY)  # so both may run in one program
    }
    assert not hidden, f"declare it above {function.name}: Sets {', '.join(sorted(hidden))}. ({hidden})"


@each_function
def test_no_function_overwrites_a_variable_of_its_caller(function: Function) -> None:
    own = {assigned.name for assigned in function.assigns} & {read.name for read in function.reads}
    for other in (functions()[name] for name in within(function.name) - {function.name}):
        lost = own & {assigned.name for assigned in other.assigns} - (other.sets & (function.uses | function.sets))
        assert not lost, f"{function.name} calls {other.name}, which overwrites {', '.join(sorted(lost))}"


@each_function
def test_no_function_takes_more_than_three_arguments_by_position(function: Function) -> None:
    assert not {read.name for read in function.reads if read.name.isdigit() and int(read.name) > 3}


def test_whatever_a_call_needs_it_has() -> None:
    for name in ("look", "prepare", "run_server"):
        # `call(":", ...)` only assigns, earlier in the same program.
        assert needs(name) <= named()[name] | named()[":"] | set_by_programs(), name
    ready = functions()["prepare"].sets | functions()["find_base"].sets | set_by_programs()
    kinds = dict(changes())
    assert kinds.keys() == apply.FUNCTIONS.keys()
    for kind, function in apply.FUNCTIONS.items():
        lent = frozenset({"lent", "lent_index", "lent_more"} if kind in apply.INSTALLS else ())
        assert lent <= named()[":"]
        assert needs(function) <= kinds[kind] | probes(kind) | ready | lent, kind
        assert kinds[kind] <= needs(function), f"{kind}: arguments that nothing uses"


def test_no_argument_has_the_name_of_a_function() -> None:
    assert not arguments() & functions().keys()


@pytest.mark.parametrize(
    ("code", "reads", "assigns"),
    [
        ('a="$b" c=$(d "$e")', {"b", "e"}, {"a", "c"}),
        ("awk '{ print $f }' # $g", set(), set()),
        ("awk -v h=\"$i\" 'j=$k'", {"i"}, set()),
        ('echo "l=$m ${n:+ (o $p)} it\'s $q"', {"m", "n", "p", "q"}, set()),
        ("while read -r r _ s; do t=$((t + ${#u})); done <<v", {"t", "u"}, {"r", "s", "t"}),
        ("for w in $x; do :; done", {"x"}, {"w"}),
        ("case $y in 'z') a=1 ;; *) b='$c' ;; esac", {"y"}, {"a", "b"}),
    ],
)
def test_the_reader_of_sh_sees_what_a_shell_does(code: str, reads: set[str], assigns: set[str]) -> None:
    (function,) = parse("x.sh", f"f() {{\n\t{code}\n}}\n")
    assert {read.name for read in function.reads} == reads
    assert {assigned.name for assigned in function.assigns} == assigns


def test_an_assignment_counts_after_its_value() -> None:
    (function,) = parse("x.sh", '# Adds to it. Uses a, b. Sets a.\nf() { # text\n\ta="$a$b$(c)" d=$a\n}\n')
    assert function.uses == {"a", "b"}
    assert function.sets == {"a"}
    first = next(use for use in function.assigns if use.name == "a")
    assert [read.at < first.at for read in function.reads if read.name == "a"] == [True, False]

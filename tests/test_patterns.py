"""Patterns and parsers meet text from hosts, so they take time in proportion to its length: one that does not holds
the interpreter's lock, and a whole fleet waits for it without hearing Control-C.
"""

import ast
import contextlib
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from plan_cases import NEW, WANTED, file, holding
from test_structure import modules, place

from nbfab.doctor.scrub import scrub
from nbfab.look import choices
from nbfab.look.facts import FACTS
from nbfab.names import is_name, parse_host
from nbfab.plan import config, password, pem, takes
from nbfab.plan.adopt import adopt
from nbfab.plan.steps import STEPS, plan
from nbfab.settings import is_hash
from nbfab.text import clean

LONG = 100_000  # characters
BOUND = 1.0  # seconds of processor time; what is not linear takes minutes
PIECES = (
    *"a0 \t.:-_/\\\"'([{<@%$#=,\n\u00e9\u0663\udcff",
    "a.",
    "a-",
    " a",
    "1.",
    "::",
    "()",
    "[]",
    '{"a":',
    '""',
    "\\\\",
    "-rw------- 1 0 a",
    "\tinet 192.0.2.7 ",
    " inet6 ::",
    "scope ",
    "c.A.a = (",
    "'a' ",
    "nbfab 0.1",
    "port flag ",
    "argon2:$argon2id$v=19$m=1,t=1,p=1$a",
    "-----BEGIN CERTIFICATE-----\n",
)
USES = {"match", "fullmatch", "search", "findall", "finditer", "split", "sub", "subn"}
ENDS = ("", "!", '"')


def attacks(*openings: str) -> Iterator[str]:
    """Long texts: each piece again and again, after an opening that a pattern may want, before an end that fails it."""
    for piece in PIECES:
        for end in ENDS:
            for opening in ("", piece, *openings):
                yield opening + piece * (LONG // len(piece)) + end


def slowest(work: Callable[[str], object], texts: Iterator[str]) -> tuple[float, str]:
    """The longest time that `work` takes on one of the texts, and that text's beginning."""
    worst = (0.0, "")
    for text in texts:
        began = time.thread_time()
        work(text)
        worst = max(worst, (time.thread_time() - began, text[:40]))
    return worst


def patterns() -> Iterator[tuple[str, str, str]]:
    """The patterns of the package: module, use, pattern. Not of `inventory`, which reads this machine's files only."""
    for module, tree in modules().items():
        if place(module) == "inventory":
            continue
        names = {
            id(node.value): ast.unparse(node.targets[0]) for node in ast.walk(tree) if isinstance(node, ast.Assign)
        }
        used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args):
                continue
            name, way = names.get(id(node)), ast.unparse(node.func).removeprefix("re.")
            if way in USES or name:
                written = ast.unparse(node.args[0])
                if "re.escape(" in written:  # around a text that has to stand there
                    continue
                found = eval(written, dict(vars(import_module(module))))
                ways = (
                    {use.attr for use in used if ast.unparse(use.value) == name} & USES if way == "compile" else {way}
                )
                yield from ((module, each, found) for each in ways if isinstance(found, str))


@pytest.mark.parametrize(("module", "way", "pattern"), sorted(set(patterns())))
def test_a_pattern_is_linear(module: str, way: str, pattern: str) -> None:
    compiled = re.compile(pattern)
    literals = [text for text in re.findall(r"[A-Za-z ]{2,}", pattern) if text.strip()]
    use = partial(getattr(compiled, way), "") if way.startswith("sub") else getattr(compiled, way)
    assert slowest(use, attacks(*literals)) < (BOUND,), module


def quietly(parse: Callable[[Any], object]) -> Callable[[str], None]:
    """The parser, for which a text may make no sense."""

    def work(text: str) -> None:
        with contextlib.suppress(ValueError):
            parse(text)

    return work


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_fact_is_parsed_in_linear_time(name: str) -> None:
    parse = FACTS[name].metadata["parse"]
    for shape in (
        lambda text: text,
        lambda text: {"path": "/x", "mode": "-", "owner": "0", "text": text},
        lambda text: {"source": "made", "python": "/x", "packages": {"notebook": text}},
        lambda text: {"ready": False, "reason": text},
    ):
        assert slowest(quietly(lambda text: parse(shape(text))), attacks()) < (BOUND,)  # noqa: B023


@pytest.mark.parametrize(
    "parse",
    [
        choices.parse,
        clean,
        is_hash,
        is_name,
        parse_host,
        password.hash_in,
        pem.load,
        scrub,
        takes.traits,
        lambda text: adopt(holding(NEW, file(config.FILE, text))),
        lambda text: plan(WANTED, holding(NEW, file(config.FILE, text), file(takes.RUN, text)), STEPS),
    ],
    ids=lambda parse: parse.__name__,
)
def test_what_a_file_on_the_host_holds_is_parsed_in_linear_time(parse: Callable[[str], object]) -> None:
    assert slowest(quietly(parse), attacks()) < (2 * BOUND,)

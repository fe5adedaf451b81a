"""The text of the module and of the relay, which run on hosts of others: their Python, and nothing of nbfab's."""

import ast
from pathlib import Path

import pytest
from machine import ROOT

FILES = sorted(file for name in ("server", "relay") for file in (ROOT / "nbfab" / name).glob("*.py"))
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")


@each_file
def test_it_is_python_3_8(file: Path) -> None:
    ast.parse(file.read_text(), feature_version=(3, 8))
    assert "from __future__ import annotations" in file.read_text()


@each_file
def test_it_needs_nothing_of_nbfab(file: Path) -> None:
    """In the profile's folder it is a package of its own."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name.startswith("nbfab")]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or (node.level == 0 and not str(node.module).startswith("nbfab"))


@each_file
def test_it_can_be_read_at_a_sitting(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 150

"""What is said of a file that is no YAML: the line, a caret, and how to write it."""

import time
from itertools import product
from pathlib import Path

import pytest

from nbfab.errors import UsageError
from nbfab.inventory.hosts import Inventory
from nbfab.inventory.load import build
from nbfab.inventory.yaml12 import parse


def inventory(text: str) -> Inventory:
    return build(parse(text, "hosts.yaml"), Path("hosts.yaml"))


@pytest.mark.parametrize(
    ("text", "place", "message", "shown", "hint"),
    [
        ("hosts:\n\tgpu1:\n", "2:1", "a tab where YAML requires spaces", "\tgpu1:", "put spaces there"),
        ("hosts:\n  gpu1:\n  \tport: 3\n", "3:3", "a tab where YAML requires spaces", "  \tport: 3", "put spaces"),
        ("hosts:\n  gpu1:\n    app: lab\n   port: 9\n", "4:4", "this line is indented by 3 spaces, which fits none",
         "   port: 9", "indent it by 2 spaces, as line 2, or by 4 spaces, as line 3"),
        ("defaults:\n  port: 9\n hosts:\n  a:\n", "3:2", "this line is indented by 1 space, which fits none above it",
         " hosts:", "indent it by 0 spaces, as line 1, or by 2 spaces, as line 2"),
        ("hosts:\n  gpu1:\n    app: lab\n      port: 9\n", "4:7", "this line is indented further than the one above",
         "      port: 9", "indent it by 4 spaces, as line 3"),
        ("hosts:\n  gpu1:\n  address: a\n", "3:3", "address stands where the name of a host should be",
         "  address: a", "indent it further than the host that it belongs to"),
        ("hosts:\n  - gpu1\n  gpu2:\n", "3:3", "lines with a dash and lines without one", "  gpu2:", "begin each of"),
        ("hosts\n  gpu1:\n", "1:6", "no colon after the name", "hosts", "put a colon there"),
        ("hosts:\n  gpu1\n  gpu2:\n", "2:7", "no colon after the name", "  gpu1", "put a colon there"),
        ("hosts:\n  gpu1\n    port: 9\n", "2:7", "no colon after the name", "  gpu1", "put a colon there"),
        ("hosts:\n  a:\n    port 9\n    app: lab\n", "3:9", "no colon after the name", "    port 9", "put a colon"),
        ("hosts:\n  a:\n    port:9\n    app: lab\n", "3:10", "no space after the colon", "    port:9", "put a space"),
        ("hosts:\n  a:\n    port:9\n", "3:5", "expected a mapping of options", "    port:9", "put a space after"),
        ("hosts:\n  a:\n    port=9\n    app: lab\n", "3:9", "= in place of a colon", "    port=9", "write a colon"),
        ("hosts:\n-gpu1\n-gpu2\n", "3:2", "no space after the dash", "-gpu2", "put a space after each dash"),
        ("hosts:\n  -gpu1\n", "2:3", "expected a mapping of hosts", "  -gpu1", "put a space after each dash"),
        ("hosts:\n  a: port: 9\n", "2:10", "two names in one line", "  a: ...", "put the second one on the next line"),
        ("hosts:\n  a:\n    ip: *\n", "3:9", "text that begins with * needs quotes", "    ip: *", 'put "" around it'),
        ("hosts: [a\n", "1:8", "a [ that is not closed", "hosts: ...", "put ] where it ends"),
        ('hosts:\n  "a:\n', "2:3", 'a " that is not closed', '  "a:', 'put " where it ends'),
        ("hosts: [a, b]]\n", "1:14", "", "hosts: ...", ""),
    ],
)  # fmt: skip
def test_the_line_and_a_caret(text: str, place: str, message: str, shown: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        inventory(text)
    first, line, caret = str(error.value).split("\n")
    number, column = map(int, place.split(":"))
    assert first.startswith(f"hosts.yaml:{place}: {message}")
    assert line == f"{number:>5} | {shown}"
    assert caret.expandtabs(4) == "      | " + " " * min(len(shown[: column - 1].expandtabs(4)), len(shown)) + "^"
    assert error.value.hint.startswith(hint)


_FILE = "hosts:\n  gpu1:\n    {}: hunter2\n    port: 9\n  gpu2:\n"


_ADDED = ("", " ", "\n", "\t", ":", "- ", "'", "{", "  \n  ", "=", "!", "@", "&", "\n      ")


@pytest.mark.parametrize("key", ["password", "password_hash", "user"])
def test_no_value_that_may_be_secret_is_shown(key: str) -> None:
    """Wherever in the file something is added or missing."""
    text = _FILE.format(key)
    secret = text.index("hunter2")
    for at, added, removed in product(range(len(text)), _ADDED, range(3)):
        if secret < at + removed and at < secret + 7:
            continue
        broken = text[:at] + added + text[at + removed :]
        if f"{key}hunter2" in broken:  # which is a name
            continue
        try:
            inventory(broken)
        except UsageError as error:
            assert "hunter2" not in str(error) + error.hint, broken  # noqa: PT017 # or it is not broken


@pytest.mark.parametrize(
    "line",
    [" " * 500_000 + ":", "a" * 500_000, "a:" * 250_000, "a =" + " " * 500_000, "- " * 5_000 + "x:\n y"],
    ids=len,
)
def test_a_hostile_line_takes_no_time(line: str) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError) as error:
        inventory(f"hosts:\n    a: b\n{line}\n   @x: [\n")
    assert time.monotonic() - began < 5
    assert len(str(error.value)) < 500

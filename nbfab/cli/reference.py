"""Writes the files that follow from the code: python -m nbfab.cli.reference [--check]

They are docs/reference.md, every task with its options, hosts.schema.json and output.schema.json.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from invoke import Task

from nbfab.cli.options import CHOOSING, EVERYWHERE, FLAGS
from nbfab.cli.statuses import MANY, STATUSES
from nbfab.cli.tasks import CLIENTS, TASKS, ca, close, fleet, init, listing, trust
from nbfab.display.schema import schema as output
from nbfab.inventory.schema import schema
from nbfab.settings import OPTIONS

ROOT = Path(__file__).parents[2]
JSON = (
    "With `--json`, a task prints one document on standard output, however it ends; "
    "[output.schema.json](../output.schema.json) is its JSON Schema.",
    "Every key is always there: null, or an empty list, where there is nothing.",
    "`--quiet` leaves the document as it is, and lets nothing else through.",
)


def files() -> Mapping[str, str]:
    """The texts of the files, by their paths."""
    return {
        "docs/reference.md": "\n".join(_reference()) + "\n",
        "hosts.schema.json": json.dumps(schema(), indent=2) + "\n",
        "output.schema.json": json.dumps(output(), indent=2) + "\n",
    }


def _reference() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "<!-- Made by `python -m nbfab.cli.reference` from the code; changes belong there. -->"
    yield ""
    yield "## Options of every task"
    yield ""
    yield "| option | key in a file | in the environment | what it is |"
    yield "|---|---|---|---|"
    for option in OPTIONS:
        about = option.help.replace("*", r"\*")  # or what is between two of them would be in italics
        off = f", {_flags([option.off])}" if option.switch else ""
        yield f"| `--{option.flag}`{off} | `{option.key}` | `{option.variable}` | {about} |"
    yield ""
    yield from _tasks("Tasks", "", TASKS, EVERYWHERE)
    yield from _tasks("Tasks on a fleet", "fleet.", tuple(fleet.tasks.values()), (*CHOOSING, *EVERYWHERE))
    about = "Tasks on client certificates"
    yield from _tasks(about, "client.", tuple(one for one, _ in CLIENTS), EVERYWHERE)
    yield f"On a fleet they are {', '.join(f'`fleet.client.{one.name}`' for one, _ in CLIENTS)}."
    yield ""
    yield f"`ca` takes {_flags(ca.help)}. {ca.__doc__}"
    yield ""
    yield f"`close` takes {_flags(close.help)}. {close.__doc__}"
    yield ""
    yield f"`init` takes {_flags(init.help)}. {init.__doc__}"
    yield ""
    yield f"`list` takes {_flags(listing.help)}. {listing.__doc__}"
    yield ""
    yield f"`trust` takes {_flags(trust.help)}. {trust.__doc__}"
    yield ""
    yield "## Flags"
    yield ""
    yield "| flag | what it does |"
    yield "|---|---|"
    yield from (f"| {_flags([flag])} | {text} |" for flag, text in FLAGS.items())
    yield ""
    yield "## Exit statuses"
    yield ""
    yield "| status | what it says |"
    yield "|---|---|"
    yield from (f"| {status} | {text} |" for status, text in STATUSES.items())
    yield ""
    yield MANY
    yield ""
    yield "## JSON"
    yield ""
    yield from JSON


def _tasks(title: str, prefix: str, tasks: Sequence[Task[Any]], shared: Sequence[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield f"All of them take {_flags(shared)}."
    yield ""
    yield "| task | what it does | more flags |"
    yield "|---|---|---|"
    known = {*shared, *(name for option in OPTIONS for name in (option.flag, option.off))}
    for task in tasks:
        yield f"| `{prefix}{task.name}` | {task.__doc__} | {_flags(flag for flag in task.help if flag not in known)} |"
    yield ""


def _flags(names: Iterable[str]) -> str:
    return ", ".join(f"`--{name.replace('_', '-')}`" for name in names)


def main(words: list[str]) -> int:
    """Writes the files; with --check, only says which are not current. Returns the exit status."""
    stale = [path for path, text in files().items() if _read(ROOT / path) != text]
    for path in stale:
        if words == ["--check"]:
            print(f"{path} is not current: python -m nbfab.cli.reference")
        else:
            (ROOT / path).write_text(files()[path], encoding="utf-8")
    return int(bool(stale) and words == ["--check"])


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

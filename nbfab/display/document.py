"""The JSON document of `--json`: one for each run, however it ends."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbfab import fix
from nbfab.errors import NbfabError
from nbfab.outcome import Outcome

VERSION = 2
LISTS = ("open", "servers", "trust", "authorities")
FILES = ("passwords", "page", "slips", "inventory", "export", "bundle")


def document(
    task: str,
    outcomes: Iterable[Outcome],
    status: int,
    *,
    error: NbfabError | None = None,
    lists: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    **files: str,
) -> str:
    """The document of `display/schema.py`: always the same keys, each host as `Outcome.document`.

    `status` is the exit status, `error` what kept the run from beginning; `files` are the paths of files that were
    written, by what they hold; `lists` are what tasks of this machine list, by the keys in LISTS.
    """
    whole = {
        "version": VERSION,
        "task": task or None,
        "status": status,
        "error": str(error) if error else None,
        "hint": (error.hint or None) if error else None,
        "fix": fix.document(error.fix) if error else [],
        "hosts": [outcome.document() for outcome in outcomes],
    }
    paths = {name: path or None for name, path in files.items()}
    return json.dumps(whole | dict.fromkeys((*LISTS, *FILES)) | dict(lists or {}) | paths, indent=2)

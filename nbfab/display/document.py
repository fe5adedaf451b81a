"""The JSON document of `--json`: one for each run, however it ends."""

import json
from collections.abc import Iterable

from nbfab import fix
from nbfab.errors import NbfabError
from nbfab.outcome import Outcome

VERSION = 1


def document(task: str, outcomes: Iterable[Outcome], *, error: NbfabError | None = None, **files: str) -> str:
    """`{"version": 1, "task": ..., "hosts": [...]}`, each host as `Outcome.document`.

    An `error` that kept the run from beginning adds `error`, `hint`, `fix` and `status`; `files` are the paths of files
    that were written, by what they hold.
    """
    whole = {"version": VERSION, "task": task, "hosts": [outcome.document() for outcome in outcomes]}
    if error:
        whole |= {"error": str(error), "hint": error.hint, "fix": fix.document(error.fix), "status": error.status}
    return json.dumps(whole | {name: path for name, path in files.items() if path}, indent=2)

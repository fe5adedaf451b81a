"""The JSON Schema of what `--json` prints; `python -m nbfab.cli.reference` writes it to output.schema.json."""

from collections.abc import Mapping
from typing import Any, get_args

from nbfab.changed import Kind
from nbfab.cluster.member import ROLES
from nbfab.display.document import FILES, VERSION
from nbfab.finding import State
from nbfab.fleet.known import Seen
from nbfab.look.kernels import KINDS
from nbfab.outcome import STATE, Verdict
from nbfab.plan.bundle import Role
from nbfab.settings import RESETTABLE, SOURCES
from nbfab.trust.do import Ending
from nbfab.tunnel.control import LINKS

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_TEXT_OR_NULL: Mapping[str, Any] = {"type": ["string", "null"], "minLength": 1}
_TEXTS: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
_TEXTS_OR_NULL: Mapping[str, Any] = {**_TEXTS, "type": ["array", "null"]}
_NUMBER: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_KIND: Mapping[str, Any] = {"enum": ["exit", "signal", "memory", "host", "idle"]}
_TIME: Mapping[str, Any] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}


def schema() -> dict[str, Any]:
    """A JSON Schema, draft 2020-12. Every key is always there: null, or an empty list, where there is nothing."""
    document = {
        "version": {"description": "Of this format: raised if a key changes its meaning or goes.", "const": VERSION},
        "task": _said("Without `fleet.`; null if the wrong use named none.", _TEXT_OR_NULL),
        "status": _said("The exit status.", _NUMBER),
        "error": _said("What kept the run from beginning; there are no hosts then.", _TEXT_OR_NULL),
        "hint": _said("How to fix that, as text.", _TEXT_OR_NULL),
        "fix": _FIX,
        "hosts": {"type": "array", "items": {"$ref": "#/$defs/host"}},
        "open": _said("Of `open --list`: what is open here.", {"type": ["array", "null"], "items": _object(_OPEN)}),
        "servers": _said(
            "Of `list`: the servers that this machine remembers.",
            {"type": ["array", "null"], "items": _object(_SERVER)},
        ),
        "trust": _said(
            "Of `trust`: each place, and each program that was tried.",
            {"type": ["array", "null"], "items": _object(_TRUST)},
        ),
        "authorities": _said(
            "Of `ca`: the user's authorities.", {"type": ["array", "null"], "items": _object(_AUTHORITY)}
        ),
        **{name: _said(f"The path of the file that was written: {name}.", _TEXT_OR_NULL) for name in FILES},
        "page": _said("The path of the page that was written; of `fleet.open` the URL of its page.", _TEXT_OR_NULL),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nbfab --json",
        **_object(document),
        "$defs": {"host": _object(_HOST), "change": _object(_CHANGE), "part": _PART, "state": _object(_state())},
    }


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _or_null(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {**_object(properties), "type": ["object", "null"]}


def _said(what: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": what, **schema}


_FIX: Mapping[str, Any] = {
    "description": "How to fix that, in this order.",
    "type": "array",
    "items": {"$ref": "#/$defs/part"},
}
_PART: Mapping[str, Any] = {
    "description": "Words, or a command line, which can be typed as it stands.",
    "oneOf": [
        _object({"words": _TEXT}),
        _object({"command": _TEXT, "on": _said("The host to type it on; empty for this machine.", {"type": "string"})}),
    ],
}
_FINDING: Mapping[str, Any] = {
    "layer": _TEXT,
    "state": _said("Unknown what could not be looked at.", {"enum": list(get_args(State))}),
    "words": _TEXT_OR_NULL,
    "fix": _FIX,
}
_HOST: Mapping[str, Any] = {
    "host": _said("As it was named: by -H, or in the inventory.", _TEXT),
    "task": _TEXT,
    "verdict": {
        "description": "How it ended. `status`: running or not running, unless the host was not reached, say.",
        "enum": list(get_args(Verdict)),
    },
    "changes": {
        "description": "What was changed; for `plan`, what would be.",
        "type": "array",
        "items": {"$ref": "#/$defs/change"},
    },
    "withheld": _said("Changes that were not made, because kernels are live.", _TEXTS),
    "pending": _said("What the running server takes up at its next restart.", _TEXTS),
    "notes": _TEXTS,
    "findings": _said(
        "Of `doctor`: each layer, from the name to the limits.", {"type": "array", "items": _object(_FINDING)}
    ),
    "error": _said("Why the status is not 0.", _TEXT_OR_NULL),
    "hint": _said("How to fix that, as text: a line for each part of `fix`.", _TEXT_OR_NULL),
    "fix": _FIX,
    "jump": _said("The jump host that failed.", _TEXT_OR_NULL),
    "status": _said("The exit status for this host.", _NUMBER),
    "url": _said("Of the notebooks, whether or not the server runs.", _TEXT_OR_NULL),
    "state": {"$ref": "#/$defs/state"},
    "password": _said(
        "One that was generated, shown this one time; those of several hosts are in a file.", _TEXT_OR_NULL
    ),
}
_OPEN: Mapping[str, Any] = {
    "host": _said("As it was named.", _TEXT),
    "profile": _TEXT,
    "url": _said("Here.", _TEXT),
    "link": _said("Unknown if it does not answer.", {"enum": [*LINKS, "unknown"]}),
    "changed": _said("Since when the link has been so.", _TIME),
    "since": _said("When it was opened.", _TIME),
    "pid": _NUMBER,
}
_ENVIRONMENT: Mapping[str, Any] = {
    "name": _TEXT,
    "kind": {"enum": list(KINDS)},
    "folder": _TEXT,
    "python": _said("The path of its interpreter.", _TEXT),
    "version": _said("Of Python; null if no file tells.", _TEXT_OR_NULL),
    "ipykernel": _said("Its version; null if it is not there.", _TEXT_OR_NULL),
    "notebook": _said("Its version; null if it is not there.", _TEXT_OR_NULL),
    "serves": _said("Whether the profile's server runs in it.", {"type": "boolean"}),
    "kernel": _said("The name of the kernel that it is in the menu; null if it is not there.", _TEXT_OR_NULL),
}
_SERVER: Mapping[str, Any] = {
    "host": _said("As it was named.", _TEXT),
    "profile": _TEXT,
    "inventory": _said("The path of the one that has the host.", _TEXT_OR_NULL),
    "port": {"type": ["integer", "null"]},
    "url": _said("Of the notebooks, whether or not the server runs.", _TEXT_OR_NULL),
    "seen": _said("How it was when it was seen last.", {"enum": list(get_args(Seen))}),
    "time": _said("When that was.", _TIME),
    "expected": _said(
        "How it should be: running if it has been, and `stop` has not ended it.", {"enum": ["running", "not running"]}
    ),
    "open": _said("The URL here, while `open` has it open.", _TEXT_OR_NULL),
    "command": _said("The command line that looks at it.", _TEXT),
    "error": _said("Of `--check`: why it does not run, or was not reached.", _TEXT_OR_NULL),
    "fix": _FIX,
}
_TRUST: Mapping[str, Any] = {
    "what": _said("Whose store it is, or the program.", _TEXT),
    "path": _said("Where that is.", _TEXT),
    "ending": {"enum": list(get_args(Ending))},
    "why": _said("Why not well, or what there is to know.", _TEXT_OR_NULL),
    "fix": _FIX,
}
_ISSUED: Mapping[str, Any] = {
    "time": _TIME,
    "host": _said("As it was named.", _TEXT),
    "profile": _TEXT,
    "names": _TEXTS,
    "serial": _said("In hexadecimal.", _TEXT),
    "fingerprint": _TEXT,
    "ends": _TIME,
}
_AUTHORITY: Mapping[str, Any] = {
    "name": _said("Of its subject; null if its root is lost.", _TEXT_OR_NULL),
    "folder": _TEXT,
    "made": _said("Whether this run has made it.", {"type": "boolean"}),
    "fingerprint": _said("SHA-256 of its root.", _TEXT_OR_NULL),
    "permits": _said("The domains, with all names below them, and the networks that it may sign for.", _TEXTS),
    "days_left": _said("Until it ends; negative once it has.", {"type": ["integer", "null"]}),
    "issued": {"type": "array", "items": _object(_ISSUED)},
    "error": _said("Why it cannot sign.", _TEXT_OR_NULL),
}
_NUMBER_OR_NULL: Mapping[str, Any] = {**_NUMBER, "type": ["integer", "null"]}
_TIME_OR_NULL: Mapping[str, Any] = {**_TIME, "type": ["string", "null"]}
_KERNEL: Mapping[str, Any] = {
    "id": _TEXT,
    "notebook": _TEXT_OR_NULL,
    "state": _said("Busy, idle, starting or dead, in the words of the server.", {"type": "string"}),
    "active": _said("When it last was; of an idle one, since when it is idle.", _TIME_OR_NULL),
    "started": _TIME_OR_NULL,
    "memory": _said("In bytes, resident.", _NUMBER_OR_NULL),
    "cpu": _said("In percent of one core.", _NUMBER_OR_NULL),
}
_IDLE: Mapping[str, Any] = {
    "after": _said("Seconds after which an idle server ends; 0 for never.", _NUMBER),
    "kernels_after": _said("The same of idle kernels.", _NUMBER),
    "left": _said("Seconds that the server has left; null while a kernel or a terminal is live.", _NUMBER_OR_NULL),
}
_CHANGE: Mapping[str, Any] = {
    "step": _TEXT,
    "kind": {"enum": list(get_args(Kind))},
    "summary": _said("All of it in a line.", _TEXT),
    "reason": _TEXT_OR_NULL,
    "diff": _said("Between the text of a file and the one that is wanted.", _TEXT_OR_NULL),
}


def _cluster() -> Mapping[str, Any]:
    return {
        "scheduler": _said("The name of its host.", _TEXT),
        "at": _said("Where it listens, as Dask has it.", _TEXT),
        "members": _said(
            "What runs on the host.",
            {
                "type": "array",
                "items": _object({"role": {"enum": list(ROLES)}, "since": {**_TIME, "type": ["string", "null"]}}),
            },
        ),
        "ports": _said(
            "The first and the last that other hosts connect to.", _object({"first": _NUMBER, "last": _NUMBER})
        ),
        "workers": _said(
            "Those that the scheduler has, on its own host; `memory` is a limit in bytes.",
            {
                "type": "array",
                "items": _object({"at": _TEXT, "threads": _NUMBER, "memory": {"type": ["integer", "null"]}}),
            },
        ),
        "closed": _said(
            "Ports of other hosts that the host does not reach.",
            {"type": "array", "items": _object({"host": _TEXT, "port": _NUMBER, "why": _TEXT})},
        ),
        "dashboard": _said("Its URL, behind the login of the notebook, on the scheduler's host.", _TEXT_OR_NULL),
    }


def _state() -> Mapping[str, Any]:
    failed = {"failures": _NUMBER, "refused": _NUMBER, "since": _TIME, "addresses": _NUMBER}
    client = _object(
        {
            "name": _TEXT,
            "role": _said("A browser, say; nbfab of an operator; nbfab on the host.", {"enum": list(get_args(Role))}),
            "fingerprint": _said("SHA-256.", _TEXT),
            "days_left": _said("Negative once it has expired.", {"type": "integer"}),
            "added_by": _said("Null if that is not known.", _TEXT_OR_NULL),
        }
    )
    choice = _object({"value": {"type": ["string", "integer", "boolean", "array"]}, "source": {"enum": list(SOURCES)}})
    known: Mapping[str, Any] = {
        "running": _said("Whether a server runs that is proven to be the profile's.", {"type": ["boolean", "null"]}),
        "folder": _said("The profile's folder.", _TEXT_OR_NULL),
        "ssh": _said("The words for ssh that reach the host.", _TEXT_OR_NULL),
        "since": _said("When the server was started.", {**_TIME, "type": ["string", "null"]}),
        "restarts": _said(
            "Since a task started it: how often that was done again, after crashes and restarts of the host.",
            {"type": ["integer", "null"]},
        ),
        "last_end": _said(
            "What ended the server last, and what followed; null if nothing has since a task started it.",
            _or_null({"since": _TIME, "why": _TEXT, "follows": {"enum": ["again", "down", "given-up"]}, "kind": _KIND}),
        ),
        "at_boot": _said(
            "What starts the server when the host boots, or why nothing does; null if that is not asked for.",
            _or_null({"by": {"enum": ["systemd", "cron", None]}, "words": _TEXT}),
        ),
        "attach": _said("The command that shows its tmux session, on the host.", _TEXT_OR_NULL),
        "environment": _said("Whose environment the server has.", _TEXT_OR_NULL),
        "kernels": _said("What is live, and would end with the server.", _TEXTS_OR_NULL),
        "failed_logins": _said("Since the server was started.", _or_null(failed)),
        "tcp_kernels": _said("Kernels that other users of the host can read.", _TEXTS_OR_NULL),
        "live_kernels": _said(
            "Of `kernels`: each live one, and what it takes with what it has started.",
            {"type": ["array", "null"], "items": _object(_KERNEL)},
        ),
        "terminals": _said("Of `kernels`: the names of those that are open.", _TEXTS_OR_NULL),
        "idle": _said("When the server and its kernels end by themselves; null if they do not.", _or_null(_IDLE)),
        "clients": _said(
            "Whose certificates the server admits; null if it asks for none.",
            {"type": ["array", "null"], "items": client},
        ),
        "p12": _said("The path of the file that was made here for a client.", _TEXT_OR_NULL),
        "settings": _said("What counts, and where it was chosen.", _or_null(dict.fromkeys(RESETTABLE, choice))),
        "fingerprint": _said("SHA-256 of the certificate.", _TEXT_OR_NULL),
        "days_left": _said("Of the certificate; negative once it has expired.", {"type": ["integer", "null"]}),
        "authority": _said(
            "The user's authority that has issued the certificate.",
            _or_null({"name": _TEXT, "fingerprint": _TEXT, "days_left": {"type": "integer"}}),
        ),
        "pin": _said("SHA-256 of its public key, which a renewal keeps.", _TEXT_OR_NULL),
        "names": _said("Names and addresses that the certificate is for.", _TEXTS_OR_NULL),
        "elsewhere": _said("URLs for other machines.", _TEXTS_OR_NULL),
        "log": _said(
            "Lines of the server's log; with --follow, each such object is a line of its own, with its `host`.",
            {"type": ["array", "null"], "items": _object({"time": _TEXT_OR_NULL, "text": _TEXT})},
        ),
        **_around(),
        "cluster": _said(
            "Of `cluster.*`: what the host is in its cluster; null if it is in none.", _or_null(_cluster())
        ),
        "environments": _said(
            "Of `install --list`: every environment on the host.",
            {"type": ["array", "null"], "items": _object(_ENVIRONMENT)},
        ),
    }
    return {key: known[key] for key in STATE}


def _around() -> Mapping[str, Any]:
    """What is around the server, of `status`."""
    room = {"total": _said("In bytes.", _NUMBER), "free": _NUMBER}
    maybe = {"type": ["integer", "null"], "minimum": 0}
    gpu = {"number": _NUMBER, "name": _TEXT, "total": maybe, "free": maybe, "busy": _said("In percent.", maybe)}
    profile = {"name": _TEXT, "port": _NUMBER, "running": {"type": "boolean"}}
    other = {
        "port": _NUMBER,
        "pid": _NUMBER,
        "since": _TIME,
        "app": _said("The program, such as jupyter-lab.", _TEXT_OR_NULL),
        "version": _TEXT_OR_NULL,
        "folder": _TEXT_OR_NULL,
        "addresses": _said("At which it listens.", _TEXTS),
        "tls": _said("Null if it does not answer.", {"type": ["boolean", "null"]}),
        "open": _said("Whether it asks for no password or token; null if unknown.", {"type": ["boolean", "null"]}),
        "kernels": _said("How many are live; null if it does not say.", maybe),
        "words": _said("All of it in a line.", _TEXT),
    }

    def several(of: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": ["array", "null"], "items": _object(of)}

    limited = _said("Whether that is the limit of a group of processes.", {"type": "boolean"})
    return {
        "memory": _said("Of the host; null if unknown.", _or_null({**room, "limited": limited})),
        "disks": _said("Where the profile and the notebooks are.", several({"folder": _TEXT, **room})),
        "gpus": _said("As nvidia-smi lists them; null if there is none.", several(gpu)),
        "profiles": _said("The user's other profiles there.", several(profile)),
        "others": _said("Of `status --all`: the user's Jupyter servers that nbfab did not start.", several(other)),
    }

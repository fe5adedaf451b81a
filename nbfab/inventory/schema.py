"""The JSON Schema of an inventory, from its keys; `python -m nbfab.cli.reference` writes it to hosts.schema.json."""

from typing import Any

from nbfab.inventory.keys import KEYS


def schema() -> dict[str, Any]:
    """A JSON Schema, draft 2020-12, with which editors complete and check `hosts.yaml`."""
    shared = {key.name: {"description": key.help, **key.schema} for key in KEYS.values() if not key.host}
    own = {key.name: {"description": key.help, **key.schema} for key in KEYS.values() if key.host}
    host = {"type": ["object", "null"], "additionalProperties": False, "properties": {**shared, **own}}
    hosts = {
        "description": "Hosts by name, each with keys of its own or none; ranges like gpu[01:30].",
        "oneOf": [
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/host"}},
            {"type": "array", "items": {"type": "string"}},
        ],
    }
    groups = {
        "description": "Groups by name: keys for all hosts in them.",
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/group"},
    }
    members = {"hosts": {"$ref": "#/$defs/hosts"}, "groups": {"$ref": "#/$defs/groups"}}
    group = {"type": ["object", "null"], "additionalProperties": False, "properties": {**shared, **members}}
    defaults = {
        "description": "Keys for all hosts.",
        "type": "object",
        "additionalProperties": False,
        "properties": shared,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nbfab inventory",
        "type": "object",
        "additionalProperties": False,
        "properties": {"defaults": defaults, **members},
        "$defs": {"host": host, "hosts": hosts, "group": group, "groups": groups},
    }

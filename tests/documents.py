"""Documents of `--json`, as the schema in the repository has them."""

import json
from pathlib import Path
from typing import Any

import jsonschema

_SCHEMA = json.loads((Path(__file__).parents[1] / "output.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(_SCHEMA)
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)


def check_document(document: Any) -> None:
    """Fails unless the document is one."""
    _VALIDATOR.validate(document)

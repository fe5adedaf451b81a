"""The specification of the profile's kernel: where it is, and which environment it names."""

from __future__ import annotations

import json

from nbfab.names import kernel_name


def kernel_file(profile: str) -> str:
    """The kernel's specification, in the profile's folder."""
    return f"share/jupyter/kernels/{kernel_name(profile)}/kernel.json"


def env_named(text: str, folder: str) -> str:
    """The name of the environment in that folder which a specification names; empty for any other."""
    try:
        python = str(json.loads(text)["argv"][0])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    name, _, rest = python.removeprefix(f"{folder}/").partition("/")
    return name if python.startswith(f"{folder}/") and rest == "bin/python" else ""

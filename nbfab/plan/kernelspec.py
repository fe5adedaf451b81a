"""Kernelspec: what Jupyter starts a kernel of Python by, so that it is like the profile's own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def kernelspec(
    python: str,
    profile: str,
    display_name: str,
    *,
    debugger: bool,
    env: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = (),
) -> dict[str, Any]:
    """The specification of a kernel that an interpreter runs, with the settings of the profile's IPython profile.

    `env` are variables for it, as Jupyter reads them, and `wrapper` the words of a program that runs the interpreter.
    """
    frozen = ("-X", "frozen_modules=off") if debugger else ()  # or it may miss breakpoints
    arguments = ("-B", "-m", "ipykernel_launcher", "-f", "{connection_file}", f"--profile={profile}")
    return {
        "argv": [*wrapper, python, *frozen, *arguments],
        "display_name": display_name,
        **({"env": dict(env)} if env else {}),
        "language": "python",
        "metadata": {"debugger": debugger},
    }


def text(spec: Mapping[str, Any]) -> str:
    """A specification as a file has it."""
    return json.dumps(spec, indent=2) + "\n"


def env_of(folder: str) -> dict[str, str]:
    """The variables with which `!pip` and `!python` are those of the environment in a folder.

    Without them they are the server's, whose programs come first there. Jupyter expands the rest of PATH.
    """
    return {"PATH": f"{literal(folder)}/bin:${{PATH}}"}


def literal(value: str) -> str:
    """A value of a variable that Jupyter leaves as it is."""
    return value.replace("$", "$$")

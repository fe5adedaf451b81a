"""The layers that are checked, from the host's name to what its server leaves behind, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab.doctor import (
    certificate,
    clock,
    connection,
    home,
    kernels,
    limits,
    others,
    port,
    python,
    server,
    settings,
    stale,
    tmux,
    versions,
)
from nbfab.doctor.layer import Case, Layer, failed
from nbfab.errors import NbfabError
from nbfab.finding import Finding
from nbfab.fix import called

if TYPE_CHECKING:
    from nbfab.doctor.near import Near
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

LAYERS: tuple[Layer, ...] = (
    home.LAYER,
    clock.LAYER,
    python.LAYER,
    tmux.LAYER,
    versions.LAYER,
    settings.LAYER,
    port.LAYER,
    certificate.LAYER,
    server.LAYER,
    kernels.LAYER,
    limits.LAYER,
    stale.LAYER,
    others.LAYER,
)
NAMES = (*(layer.name for layer in connection.LAYERS), *(layer.name for layer in LAYERS))


def examine(wanted: Wanted, near: Near, facts: Facts | None) -> tuple[Finding, ...]:
    """What is found in each layer, in order; one that passes says so. Without `facts`, `near` says where it ended.

    What is below the layer that failed is unknown.
    """
    found = [] if near.local and facts else list(_near(near, facts))
    if facts is None:
        why = f"not looked at, since this failed: {near.ends or 'login shell'}"
        return (*found, *(Finding(layer.name, "unknown", why) for layer in LAYERS))
    case = Case(wanted, near, facts)
    return (*found, *(finding for layer in LAYERS for finding in _of(layer, case)))


def _near(near: Near, facts: Facts | None) -> Iterator[Finding]:
    ended = False
    for layer in connection.LAYERS:
        if ended:
            yield Finding(layer.name, "unknown", f"not looked at, since this failed: {near.ends}")
            continue
        ended = layer.name == near.ends
        talks = tuple(connection.noise(near, facts.shell.seconds)) if facts and layer is connection.SHELL else ()
        bad = tuple(layer.check(near)) if ended else talks
        passes = Finding(layer.name, "ok", layer.passes(near))
        yield from (replace(finding, layer=layer.name) for finding in bad or (passes,))


def _of(layer: Layer, case: Case) -> Iterator[Finding]:
    """The findings of a layer. What keeps setup from its end is one, too."""
    found: list[Finding] = []
    try:
        found += layer.check(case)
    except NbfabError as error:
        found.append(failed(str(error), *error.fix))
    for finding in found or [Finding("", "ok", layer.passes(case))]:
        yield replace(finding, layer=layer.name, fix=called(finding.fix, "setup"))

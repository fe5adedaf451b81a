"""What is around the server, for the report of `status`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nbfab.fix import Note, there
from nbfab.look.around import Gpu
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan import others
from nbfab.wanted import Wanted


def added(outcome: Outcome, wanted: Wanted, seen: Facts) -> Outcome:
    """The outcome, with the machine's memory, disks and GPUs, the other profiles, and other servers if they count."""
    machine = seen.around.machine
    state: dict[str, Any] = {
        "memory": machine.memory._asdict() if machine.memory else None,
        "disks": [disk._asdict() for disk in machine.disks],
        "gpus": None if machine.gpus is None else [_gpu(gpu) for gpu in machine.gpus],
        "profiles": [profile._asdict() for profile in seen.around.profiles],
    }
    if wanted.others and seen.others.servers is not None:
        state["others"] = [others.document(other) for other in seen.others.servers]
    notes = (*outcome.notes, *_notes(wanted, seen))
    return replace(outcome, notes=notes, state={**outcome.state, **state})


def _gpu(gpu: Gpu) -> dict[str, Any]:
    known = bool(gpu.total)
    return {
        "number": gpu.number,
        "name": gpu.name,
        "total": gpu.total if known else None,
        "free": gpu.free if known else None,
        "busy": gpu.busy if gpu.busy >= 0 else None,
    }


def _notes(wanted: Wanted, seen: Facts) -> Iterator[str]:
    if why := seen.around.machine.fails:
        yield Note(f"nothing is known of its GPUs: nvidia-smi {why}", there("nvidia-smi"))
    if not wanted.others:
        return
    if seen.others.servers is None:
        yield "other Jupyter servers cannot be found there: that takes /proc/net/tcp and a Python"
    yield from others.unsafe(seen)

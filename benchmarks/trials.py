"""Pages that show a cell's output while the link is cut."""

import contextlib
import time
from collections.abc import Sequence

import tunnels
from counting import EVERY, Counting, Reader
from cuts import MIX, Cuts, seconds
from laptop import Laptop
from tables import table

TEN_SECONDS = 125.0  # for the ten cuts, and for 2,500 numbers
GAP = 4.0  # seconds between two of the fifty
SETTLE = 20.0  # seconds for what arrives late


def _cut(maker: Cuts, readers: Sequence[Reader], mix: Sequence[str], gap: float) -> list[float]:
    """Lets all of them read while those cuts are made; when each was over."""
    for reader in readers:
        reader.begin()
    over = []
    for cut in mix:
        time.sleep(gap)
        over.append(maker.make(cut))
    end = time.monotonic() + gap + SETTLE
    while time.monotonic() < end and any(len(each.counting.arrived) < each.counting.most for each in readers):
        time.sleep(0.5)
    for reader in readers:
        reader.end()
    return over


def ten(laptop: Laptop, maker: Cuts, mix: Sequence[str]) -> None:
    """Cuts all ways at the same times, and prints what became of each."""
    port = int(laptop.server["port"])
    lasts = seconds(mix)
    total = TEN_SECONDS if len(mix) == 10 else lasts + 5.0 * (len(mix) + 1)
    with contextlib.ExitStack() as stack:
        ways = {
            "plain ssh -L in a loop": tunnels.plain(laptop, "h1", port, loop=True),
            "paramiko's channels": tunnels.channels(laptop, "h1", port),
            "nbfab, hold": tunnels.near(laptop, "h1", port),
            "nbfab, resumable": tunnels.opened(laptop, "h1"),
        }
        ports = {name: stack.enter_context(way).port for name, way in ways.items()}
        readers = {name: Reader(laptop, port, round(total / EVERY)) for name, port in ports.items()}
        over = _cut(maker, list(readers.values()), mix, (total - lasts) / (len(mix) + 1))
    rows = [(name, *_output(reader.counting, over)) for name, reader in readers.items()]
    table(("cuts: " + " ".join(mix), "numbers", "websockets closed", "back within 2 s", "slowest s"), rows)


def fifty(laptop: Laptop, maker: Cuts) -> None:
    """Cuts `open` fifty times, and prints how soon it was back."""
    mix = 5 * MIX
    total = seconds(mix) + GAP * (len(mix) + 1)
    with tunnels.opened(laptop, "h1") as ours:
        reader = Reader(laptop, ours.port, round(total / EVERY))
        over = _cut(maker, [reader], mix, GAP)
    row = ("nbfab, resumable", *_output(reader.counting, over))
    table((f"5 x: {' '.join(MIX)}", "numbers", "websockets closed", "back within 2 s", "slowest s"), [row])
    heals = sorted(heal for each in over if (heal := reader.counting.heal(each)) is not None)
    print("\nSeconds until a new number arrives, after each: " + " ".join(f"{heal:.2f}" for heal in heals), flush=True)


def _output(counting: Counting, over: Sequence[float]) -> tuple[str, ...]:
    heals = [counting.heal(each) for each in over]
    known = [heal for heal in heals if heal is not None]
    slowest = f"{max(known):.1f}" if len(known) == len(heals) else "never"
    within_2 = sum(heal <= 2 for heal in known)
    return (f"{len(counting.arrived)}/{counting.most}", str(len(counting.closes)), f"{within_2}/{len(heals)}", slowest)

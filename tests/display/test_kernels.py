"""What is live in a server, in a report."""

import pytest

from nbfab.display.host import report
from nbfab.outcome import Outcome

KERNEL = {"id": "0123456789", "notebook": None, "state": "idle", "active": None, "started": None}
LESS = {**KERNEL, "memory": None, "cpu": None}


@pytest.mark.parametrize(
    ("kernels", "lines"),
    [
        ([LESS], ["  01234567     no notebook: idle"]),
        (
            [{**KERNEL, "memory": 14 * 2**30, "cpu": 398}],
            ["  01234567     no notebook: idle, 14 GiB, 398 % CPU"],
        ),
        (
            [{**KERNEL, "notebook": "train.ipynb", "active": "2026-11-26T18:44:10Z", "memory": 10**9, "cpu": 8}],
            ["  01234567     train.ipynb: idle since 2026-11-26T18:44:10Z, 954 MiB, 8 % CPU"],
        ),
        (
            [LESS, {**LESS, "id": "0123456788", "notebook": "a\nb.ipynb"}],
            ["  0123456789   no notebook: idle", "  0123456788   a\\nb.ipynb: idle"],
        ),
    ],
)
def test_a_kernel_is_a_line_with_what_is_known(kernels: list[dict[str, object]], lines: list[str]) -> None:
    outcome = Outcome("gpu1", "kernels", "unchanged", state={"live_kernels": kernels, "terminals": []})
    head, *rest = report(outcome).split("\n")
    assert head == f"gpu1: {len(kernels)} kernel{'s' if len(kernels) > 1 else ''}"
    assert rest == lines

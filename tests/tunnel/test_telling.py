"""What is told, and to whom."""

import subprocess
import sys

from machine import ROOT

CODE = """
import sys; sys.path.insert(0, sys.argv[1])
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.telling import Telling
telling = Telling(Spec("box", "nbserver", (), "", True, ()))
telling.note("one")
sys.stdin.read()
telling.note("two")
telling.note("three")
print("and goes on", file=sys.stderr)
"""


def test_a_reader_that_has_gone_does_not_end_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-ISc", CODE, str(ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        assert "one" in process.stdout.readline()
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == "and goes on\n"
    assert process.returncode == 0

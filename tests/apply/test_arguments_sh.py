"""What everyone on a host can read, the arguments of programs, holds none of its texts, whatever its shell."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from plan_cases import WANTED
from shells import each_shell, run, spies, stub

from nbfab.apply.apply import FILES
from nbfab.host import Here
from nbfab.look.look import look_call
from nbfab.plan import certificate, password
from nbfab.plan.steps import request
from nbfab.program import call, functions, render, source

KEY = "-----BEGIN PRIVATE KEY-----\nCANARY-KEY\n-----END PRIVATE KEY-----\n"
HASH = '{"IdentityProvider": {"hashed_password": "CANARY-HASH\\\\$"}}'
LOG = 'a "CANARY-LOG"\n\n'
AWK = shutil.which("awk") or "awk"
LONG = ("x" * 4000 + LOG) * 3  # too long to be escaped by the shell itself


def written(path: str, content: str) -> dict[str, str]:
    """The arguments of a change that writes a file."""
    return {"file": path, "mode": "600", "size": str(len(content.encode())), "content": content}


@each_shell
@pytest.mark.parametrize("log", [LOG, LONG], ids=["short", "long"])
def test_no_argument_holds_a_secret_or_a_text_of_the_host(shell: tuple[str, ...], log: str, tmp_path: Path) -> None:
    folder = tmp_path / "data/nbfab/nbserver"
    (folder / "logs").mkdir(parents=True)
    (folder / "server.log").write_text(log)
    remember = {"app": "notebook", "python": "", "source": "asked", "interpreter": sys.executable}
    probe = source("look/environment_probe.py")
    calls = [
        call("prepare", profile="nbserver", generation=""),
        call("change", "0", "write_file", **written(certificate.FILE, KEY)),
        call("change", "1", "write_file", **written(password.FILE, HASH)),
        call("change", "2", "write_file", **written("logs/copy", log)),
        call("change", "3", "remember_environment", **remember, environment_probe=probe),
        "narrated() { narrate <server.log; }\n",
        call("change", "4", "narrated"),
        look_call(Here(), request(WANTED)),
    ]
    shell = (shutil.which(shell[0]) or "", *shell[1:])
    path = spies(tmp_path / "spies", tmp_path / "arguments")
    output = run(shell, render(FILES, calls).text, env={"PATH": path, "XDG_DATA_HOME": f"{tmp_path}/data"})
    arguments = (tmp_path / "arguments").read_text()
    assert "wc -c" in arguments
    assert "CANARY" not in arguments
    assert (folder / certificate.FILE).read_text() == KEY
    assert (folder / password.FILE).read_text() == HASH
    assert "CANARY-HASH" in output, "look reports it"
    assert output.count("CANARY-LOG") == 3 * log.count("CANARY"), "said, reported as done, and looked at"
    assert "CANARY-KEY" not in output


@each_shell
def test_a_shell_that_needs_a_file_for_a_secret_has_it_where_the_run_cleans_up(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    stub(tmp_path, "awk", f'exec 3<&0\nls -lL /proc/$$/fd/3 >>mode\nls -l /proc/$$/fd/3 >>where\nexec {AWK} "$@"')
    folder = tmp_path / "data/nbfab/nbserver"
    program = functions(*FILES) + call("prepare", profile="nbserver", generation="")
    program += call("write_file", **written(certificate.FILE, KEY))
    run(shell, program, env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_DATA_HOME": f"{tmp_path}/data"})
    assert (folder / certificate.FILE).read_text() == KEY
    if (folder / "mode").exists():  # so awk has written it
        assert (folder / "mode").read_text()[1:10] in ("rw-------", "---------")
        file = (folder / "where").read_text().rpartition(" -> ")[2]
        assert file.startswith(("pipe:", f"{folder}/lock/"))
    assert not (folder / "lock").exists()

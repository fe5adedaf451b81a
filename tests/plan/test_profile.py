"""The step `profile`."""

import json

import pytest
from plan_cases import NEW, WANTED, after, file, folder, holding, seen, wanting

from nbfab.plan import profile


def test_a_new_profile_has_a_private_folder_inline_graphics_and_a_kernel_that_uses_it() -> None:
    private, ipython, others, kernel = profile.plan(wanting(profile="GPU2"), NEW)
    assert private.summary == "make the folder /home/ann/.local/share/nbfab/nbserver"
    assert private.args == {"file": ".", "mode": "700"}
    assert ipython.args["file"] == "ipython/profile_GPU2/ipython_kernel_config.py"
    assert 'matplotlib = "inline"' in ipython.args["content"]
    assert others.args["file"] == "ipython/profile_default/ipython_kernel_config.py"
    assert "inline" not in others.args["content"]
    assert kernel.args["file"] == "share/jupyter/kernels/gpu2/kernel.json"
    spec = json.loads(kernel.args["content"])
    assert spec["argv"] == [
        "/env/bin/python",
        "-B",
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--profile=GPU2",
    ]
    assert spec["display_name"] == "Python 3 (GPU2: env)"
    assert not any(change.needs_restart for change in (private, ipython, others, kernel))


@pytest.mark.parametrize("debugger", [False, True])
def test_the_debugger_is_off_unless_asked_for(debugger: bool) -> None:
    _, ipython, others, kernel = profile.plan(wanting(debugger=debugger), NEW)
    spec = json.loads(kernel.args["content"])
    assert spec["metadata"] == {"debugger": debugger}
    assert ("frozen_modules=off" in spec["argv"]) is debugger
    for change in (ipython, others):
        assert f"    guard_debugger(allowed={debugger})" in change.args["content"]
        compile(change.args["content"], "config", "exec")


def test_a_profile_called_default_is_not_written_twice() -> None:
    wanted = wanting(profile="default")
    assert not list(profile.plan(wanted, after(NEW, profile.plan(wanted, NEW))))


@pytest.mark.parametrize("mode", ["drwxr-xr-x", "drwx------"])
def test_a_folder_that_others_could_enter_is_made_private(mode: str) -> None:
    facts = holding(after(NEW, profile.plan(WANTED, NEW)), folder(".", mode))
    reasons = [change.reason for change in profile.plan(WANTED, facts)]
    assert reasons == ([] if mode == "drwx------" else [f"its mode is {mode}"])


def test_another_environment_is_another_kernel() -> None:
    facts = after(NEW, profile.plan(WANTED, NEW))
    facts = seen(facts, environments={"found": (NEW.environments.found[0]._replace(python="/new/python"),)})
    (change,) = profile.plan(WANTED, facts)
    assert change.summary == "rewrite the kernel nbserver"
    assert change.diff.splitlines() == [
        "--- share/jupyter/kernels/nbserver/kernel.json as it is",
        "+++ share/jupyter/kernels/nbserver/kernel.json as it should be",
        "@@ -2,3 +2,3 @@",
        '   "argv": [',
        '-    "/env/bin/python",',
        '+    "/new/python",',
        '     "-B",',
        "@@ -10,3 +10,3 @@",
        "   ],",
        '-  "display_name": "Python 3 (nbserver: env)",',
        '+  "display_name": "Python 3 (nbserver: /new/python)",',
        '   "language": "python",',
    ]


def test_a_file_that_others_could_read_is_made_private() -> None:
    facts = after(NEW, profile.plan(WANTED, NEW))
    facts = holding(facts, file(profile.ipython_file("nbserver"), profile.ipython(WANTED, facts), "-rw-rw-r--"))
    (change,) = profile.plan(WANTED, facts)
    assert change.summary == "make the IPython profile with inline graphics private: its mode is -rw-rw-r--"

"""A certificate that an authority of the user's has issued, on a machine that trusts it or does not."""

import subprocess
from pathlib import Path

from machine import BIN, Machine


def test_an_authority_that_this_machine_does_not_trust_is_said(there: Machine) -> None:
    made = [f"{BIN}/nbfab", "ca", "--allow=127.0.0.1", "--allow=box"]
    subprocess.run(made, env=there.env, cwd=there.work, capture_output=True, check=True)
    there.ok("setup")
    outcome = there.json("doctor")
    (wrong,) = (of for of in outcome["findings"] if of["state"] == "failed")
    assert wrong["layer"] == "certificate"
    assert wrong["words"].startswith("this machine does not trust who has issued it (")
    assert [part["command"].split()[-1] for part in wrong["fix"]] == ["trust"]
    (root,) = Path(there.env["HOME"], ".local/share/nbfab-authority").glob("*/root.pem")
    # As if `trust` had put it into the system's store.
    trusting = there.json("doctor", SSL_CERT_FILE=str(root))
    assert trusting["verdict"] == "healthy", trusting["error"]

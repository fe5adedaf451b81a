"""A task that changes nothing, against `ssh HOST true`, at once and 100 ms away: sudo python benchmarks/ssh.py"""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from hosts import up
from pairs import compare, table

ROOT = Path(__file__).parents[1]
FAB = f"{Path(sys.executable).parent}/fab"


def main() -> None:
    """Prints a table for each distance."""
    with up(1) as hosts:
        env = os.environ | {"NBFAB_PASSWORD": secrets.token_hex(16), "NBFAB_PYTHON": sys.executable}

        def task(host: str, name: str) -> list[str]:
            return hosts.command(FAB, "-S", str(hosts.ssh_config), "-H", host, name)

        try:
            for host, distance in (("h1", "0 ms"), ("w1", "100 ms")):
                # Each name is one more for the certificate, so the first run of each changes something.
                subprocess.run(task(host, "setup"), env=env, cwd=ROOT, check=True, capture_output=True)
                commands = {
                    f"ssh {host} true ({distance})": hosts.command("ssh", "-F", str(hosts.ssh_config), host, "true"),
                    f"fab -H {host} setup, nothing to do": task(host, "setup"),
                }
                print(table(compare(commands, 7, env=env, cwd=str(ROOT)), next(iter(commands))), "\n")
        finally:
            subprocess.run([*task("h1", "stop"), "--force"], env=env, cwd=ROOT, check=False, capture_output=True)


if __name__ == "__main__":
    main()

"""The job of job.sh, for pyinfra."""

import io

from pyinfra.operations import files, server

files.directory(path="pyinfra", mode="700")
files.put(src="nbserver.pem", dest="pyinfra/nbserver.pem", mode="600")
files.put(
    src=io.StringIO("c.ServerApp.port = 9999\nc.ServerApp.port_retries = 0\n"), dest="pyinfra/config.py", mode="600"
)
server.shell(
    commands=[
        "tmux -L pyinfra has-session -t nbserver 2>/dev/null || "
        "tmux -L pyinfra -f /dev/null new-session -d -s nbserver 'exec sleep 3600'"
    ]
)

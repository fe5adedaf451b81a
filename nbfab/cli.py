"""The console script `nbfab`: the same tasks, on this machine, or on the hosts that -H names."""

from pathlib import Path
from typing import Any

from fabric import Config as FabricConfig
from fabric.main import Fab

from nbfab import __version__
from nbfab.executor import Executor
from nbfab.tasks import ns


class Config(FabricConfig):  # type: ignore[misc]
    """Fabric's configuration, from where the command is run too; ssh_config is left to OpenSSH."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.set_project_location(str(Path.cwd()))

    def load_ssh_config(self) -> None:
        """Nothing is read here: nbfab asks `ssh -G`."""


program = Fab(
    name="nbfab", binary="nbfab", version=__version__, namespace=ns, executor_class=Executor, config_class=Config
)


def main() -> None:
    """Runs `nbfab`."""
    program.run()

"""The console script `nbfab`: the same tasks, on this machine, or on the hosts that -H names."""

import atexit
import gc
from pathlib import Path

from fabric import Config as FabricConfig
from fabric.main import Fab
from invoke import Exit, ParseError

from nbfab import __version__
from nbfab.errors import UsageError
from nbfab.executor import Executor
from nbfab.tasks import ns


class Config(FabricConfig):  # type: ignore[misc]
    """Fabric's configuration, from where the command is run too; ssh_config is left to OpenSSH."""

    def load_base_conf_files(self) -> None:
        """Those of the system and of the user, and those of the folder where the command is run."""
        super().load_base_conf_files()
        kinds = self._file_suffixes
        # Of a folder that somebody happens to be in, data is read and no program is run.
        self._set(_file_suffixes=("yaml", "yml", "json"))
        self.set_project_location(str(Path.cwd()))
        self.load_project()
        self._set(_file_suffixes=kinds)

    def load_ssh_config(self) -> None:
        """Nothing is read here: nbfab asks `ssh -G`."""


class Program(Fab):  # type: ignore[misc]
    """Fabric's program; a task or an option that there is not is a wrong use, as a wrong value is: exit status 2."""

    def parse_core(self, argv: list[str] | None) -> None:
        """As Invoke's. Raises Exit."""
        try:
            super().parse_core(argv)
        except ParseError as error:
            raise Exit(f"nbfab: {error}", code=UsageError.status) from None

    def parse_tasks(self) -> None:
        """As Invoke's. Raises Exit."""
        try:
            super().parse_tasks()
        except ParseError as error:
            raise Exit(f"nbfab: {error}", code=UsageError.status) from None


program = Program(
    name="nbfab", binary="nbfab", version=__version__, namespace=ns, executor_class=Executor, config_class=Config
)


def main() -> None:
    """Runs `nbfab`."""
    # What is imported stays until the end: looking through it for garbage, last at the exit, is a sixth of the
    # processor time of a run that changes nothing. Not under `inv` or `fab`, where others' tasks may count on it.
    gc.freeze()
    atexit.register(gc.freeze)
    program.run()

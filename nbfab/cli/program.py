"""The console script `nbfab`: the same tasks, on this machine, or on the hosts that -H names."""

import atexit
import gc
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fabric import Config as FabricConfig
from fabric.main import Fab
from invoke import Exit, ParseError
from invoke.parser import Parser, ParserContext

from nbfab import __version__
from nbfab.cli.called import called
from nbfab.cli.executor import Executor
from nbfab.cli.first import FIRST
from nbfab.cli.report import Report
from nbfab.cli.task import reader_may_leave, unprinted
from nbfab.cli.tasks import ns
from nbfab.cli.unknown import helps, lacks_value, misread, unknown_task
from nbfab.errors import UsageError
from nbfab.fix import Command
from nbfab.names import did_you_mean

if TYPE_CHECKING:
    from nbfab.ssh.early import Early


class Config(FabricConfig):  # type: ignore[misc]
    """Fabric's configuration, with nbfab's own part from the current folder too; ssh_config is left to OpenSSH."""

    def load_base_conf_files(self) -> None:
        """The files of the system and of the user; of those in the current folder, `nbfab:` alone counts.

        What else such a file may hold decides which code runs, on which host, by which shell. So it would be the folder
        someone happens to be in that decides.
        """
        super().load_base_conf_files()
        kinds = self._file_suffixes
        self._set(_file_suffixes=tuple(kind for kind in kinds if kind != "py"))
        self.set_project_location(str(Path.cwd()))
        self.load_project(merge=False)
        own = self._project.get("nbfab") if isinstance(self._project, Mapping) else None
        self._set(_file_suffixes=kinds, _project={} if own is None else {"nbfab": own})

    def load_ssh_config(self) -> None:
        """Reads nothing: nbfab asks `ssh -G`."""


class Program(Fab):  # type: ignore[misc]
    """Fabric's program, for nbfab's tasks: whatever is wrong with its use or its configuration has exit status 2."""

    early: "Early | None" = None

    def create_config(self) -> None:
        """As Fabric's. Raises Exit."""
        with self._usage():
            try:
                super().create_config()
            except OSError as error:
                raise UsageError(f"{error.filename}: {error.strerror}") from None
            except Exception as error:  # whatever Invoke makes of a broken file, or such a file itself does
                raise UsageError(f"the configuration cannot be read: {error}") from None

    def parse_core(self, argv: list[str] | None) -> None:
        """As Fabric's. Raises Exit."""
        with self._usage():
            try:
                super().parse_core(argv)
            except ParseError as error:
                parser = Parser(initial=self.initial_context)
                raise misread(parser, self.argv[1:]) or UsageError(str(error)) from None
            except ValueError:
                raise UsageError("-t, -T and -D take a whole number", helps()) from None

    def _make_parser(self) -> Parser:
        """As Fabric's, of the tasks that words name: to make all options is a tenth of the time until a task begins."""
        words = {*self.core.unparsed, *self.core.remainder.split(), self.args.help.value}  # the rest is to be completed
        named = {name: more for name, more in self.collection.task_names.items() if words & {name, *more}}
        made = [ParserContext(name, more, self.collection[name].get_arguments()) for name, more in named.items()]
        return Parser(made, self.initial_context)

    def parse_tasks(self) -> None:
        """As Fabric's. Raises Exit."""
        with self._usage():
            try:
                super().parse_tasks()
            except ParseError as error:
                raise misread(super()._make_parser(), self.core.unparsed) or UsageError(str(error)) from None
            if lacking := lacks_value(self.parser, self.core.unparsed):
                raise lacking

    def parse_cleanup(self) -> None:
        """As Fabric's, which ends here if it was asked for help or a list. Raises Exit."""
        with self._usage():
            asked, group = self.args.help.value, self.args.list.value
            if isinstance(asked, str) and asked not in self.parser.contexts:
                raise unknown_task(asked, super()._make_parser())
            if isinstance(group, str) and group not in self.collection.collections:
                groups = list(self.collection.collections)
                raise UsageError(f"there is no group of tasks {group[:60]!r}", did_you_mean(group, groups))
            super().parse_cleanup()

    def no_tasks_given(self) -> None:
        """Says how to begin. Raises Exit, and UsageError if hosts are named."""
        if self._remainder_only:  # which the executor refuses
            return
        hosts = self.args.hosts.value
        if hosts is not None:
            raise UsageError("there is no task", Command(shlex.join([*called(), "-H", hosts, "setup"])))
        from nbfab.display.output import show

        show(FIRST)
        raise Exit

    def update_config(self) -> None:
        """As Fabric's, but a file that -f names has to be there. Raises Exit."""
        with self._usage():
            given = self.args.config.value
            if given and not Path(given).exists():
                raise UsageError(f"{given}: no such file", "name another by -f")
            try:
                super().update_config()
            except OSError as error:
                raise UsageError(f"{error.filename}: {error.strerror}") from None

    def execute(self) -> None:
        """Runs the tasks, by nbfab's own executor whatever a configuration says: another would not verify host keys."""
        executor = self.executor_class(self.collection, self.config, self.core)
        executor.early = self.early
        executor.execute(*self.tasks)

    @contextmanager
    def _usage(self) -> Iterator[None]:
        """A wrong use inside ends the program, with a document if --json is among the words that were typed."""
        words = self.argv or sys.argv  # the former once they are parsed
        task = next((word for word in words[1:] if word in ns.task_names), "")
        with reader_may_leave(), Report(task.removeprefix("fleet."), "--json" in words).errors():
            try:
                yield
            except ParseError as error:
                raise UsageError(str(error)) from None
            except OSError as error:
                raise error if isinstance(error, BrokenPipeError) else unprinted(error) from None


program = Program(
    name="nbfab", binary="nbfab", version=__version__, namespace=ns, executor_class=Executor, config_class=Config
)


def main(early: "Early | None" = None) -> None:
    """Runs `nbfab`; `early` is what has been begun meanwhile."""
    program.early = early
    # What is imported stays until the end: looking through it for garbage, last at the exit, is a sixth of the
    # processor time of a run that changes nothing. Not under `inv` or `fab`, where others' tasks may count on it.
    gc.freeze()
    gc.enable()
    atexit.register(gc.freeze)
    try:
        with reader_may_leave():
            program.run()
    except Exit as error:
        sys.exit(error.code)

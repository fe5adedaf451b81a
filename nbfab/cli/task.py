"""Makes Invoke tasks of what is done on one host, or on many."""

import inspect
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from invoke import Context, Exit, Task

from nbfab.cli.call import Call
from nbfab.cli.options import LISTS, OPTIONAL, POSITIONAL, defaults, helps
from nbfab.errors import NbfabError
from nbfab.settings import OPTIONS, Option
from nbfab.signals import as_control_c

if TYPE_CHECKING:
    from nbfab.run.job import Body


class HostTask(Task[Any]):
    """A task on hosts: its body is what it does on one of them, `flags` are its own.

    Of a fleet, it is asked first whether all may go on, if there is a `preview` to show before.
    """

    does: "Body"
    flags: tuple[str, ...]
    preview: "Body | None"


def declare(
    run: Callable[[Call], None],
    name: str,
    about: str,
    flags: tuple[str, ...],
    kind: type[Task[Any]] = Task,
    options: Sequence[Option] = OPTIONS,
) -> Any:
    """The task `name`, which is `about` that, with those flags, and with every option of a server or with some.

    In a group, `GROUP.NAME`, it is listed by the last part.
    """

    def task(c: Context, **given: Any) -> None:
        # Invoke leaves no compiled files beside a tasks.py (its --write-pyc), and so none of anything that is imported
        # from here on: where the installer did not compile them, as uv does not, that is a third of each run's time.
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
        with as_control_c(), reader_may_leave():
            run(Call(c, name, given))

    parameters = [inspect.Parameter("c", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters += [
        inspect.Parameter(
            key, inspect.Parameter.KEYWORD_ONLY, default=inspect.Parameter.empty if key in POSITIONAL else value
        )
        for key, value in defaults(flags, options).items()
    ]
    task.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    task.__doc__ = about
    lists = [option.parameter for option in options if option.repeatable] + [flag for flag in flags if flag in LISTS]
    optional = [flag for flag in flags if flag in OPTIONAL]
    last = name.rpartition(".")[2]
    return kind(task, name=last, help=helps(flags, options), iterable=lists, optional=optional, auto_shortflags=False)


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """If the reader of the output, such as head(1), has seen enough, that ends the program without a word."""
    try:
        try:
            yield
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except BrokenPipeError:
        # Or the interpreter would try once more as it exits (Python's documentation of signal, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(code=128 + signal.SIGPIPE) from None
    except OSError as error:
        from nbfab.display.output import complain

        complain(f"nbfab: {unprinted(error)}")
        raise Exit(code=1) from None


def unprinted(error: OSError) -> NbfabError:
    """What Invoke could not print, on a full disk, say. What is still to be printed is lost."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return NbfabError(f"standard output could not be written: {error.strerror}")

"""The inventory that `init` writes, for a person to fill in."""

from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

from nbfab.cli.call import INVENTORY, Call
from nbfab.cli.options import EVERYWHERE, defaults
from nbfab.cli.report import Report
from nbfab.errors import Refused, UsageError
from nbfab.fix import Command


def init(call: Call) -> None:
    """Writes the example of an inventory into the current folder, or to the file that --inventory names."""
    from nbfab.display.output import show

    call = replace(call, given={**defaults(EVERYWHERE), **call.given})  # it takes no more than two of them
    report = Report(call.task, call.json)
    with report.errors():
        call.check_dry_run()
        if getattr(call.c, "nbfab_hosts", ()):
            raise UsageError("init writes a file on this machine, and takes no host", Command(plain(call)("init")))
        given = call.given["inventory"]
        path = Path(given or INVENTORY)
        try:
            _write(path, example())
        except FileExistsError:
            fix = "name another by --inventory"
            raise Refused(f"{path} is there already, and stays as it is", fix) from None
        except OSError as error:
            raise UsageError(f"{path} could not be written: {error.strerror}") from None
        if call.json:
            report.document([], 0, inventory=str(path.absolute()))
        else:
            after = ("--inventory", given) if given else ()
            first = f"{path}: written; put your hosts in, and remove what you do not need"
            show(f"{first}\n  next         {plain(call, *after)('fleet.plan')}")


def plain(call: Call, *after: str) -> Callable[..., str]:
    """Makes command lines to type, without the options of this call."""
    return replace(call, given=defaults(EVERYWHERE)).command((), after)


def example() -> str:
    """An inventory with all that it may hold, whose first line tells editors where the schema is."""
    package = resources.files("nbfab.inventory")
    text = (package / "hosts.example.yaml").read_text(encoding="utf-8")
    schema = Path(str(package / "hosts.schema.json")).resolve()  # a package that is installed is files
    return text.replace("./hosts.schema.json", schema.as_uri(), 1)


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink()
            raise

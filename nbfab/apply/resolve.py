"""What requirements come to on a host: found out there, in an exec of its own that leaves nothing behind."""

from collections.abc import Mapping
from typing import Any

from nbfab.apply.apply import INSTALL
from nbfab.errors import HostError
from nbfab.host import Host, run
from nbfab.look.envs import normal
from nbfab.look.fact import LINE, WORD
from nbfab.program import Record, call, render
from nbfab.resolution import Resolution

FILES = ("look/json", "look/look", "apply/write", "apply/install", "apply/build", "apply/resolve")


class Offline(HostError):
    """The host cannot reach an index of packages."""


def resolve(host: Host, args: Mapping[str, str]) -> Resolution:
    """What would be installed by a change with those arguments, see `plan.packages`.

    Raises Offline, HostError with the words of pip or uv, and ConnectError.
    """
    given = {key: args[key] for key in ("base_python", "lines", "constraints", "carried", "pre")}
    if args["needs"]:  # hashes are for the installation, and would have to be there for all
        lines = [line.split(" --hash")[0] for line in args["lines"].splitlines()]
        given["lines"] = "".join(f"{line}\n" for line in (*lines, *args["needs"].split()))
    program = render(FILES, [call("resolve", lent="", wheels="", sent_uv="", **given)])
    records = run(host, program, lambda _: None, INSTALL, "resolving", whole=2 * INSTALL)
    for record in records:
        if "offline" in record:
            raise Offline(f"the host cannot reach an index of packages: {_text(record.get('text'))}", "run it again")
        if "failed" in record:
            words = _text(record.get("text")) or "the host gives no reason"
            raise HostError(f"the requirements do not come together: {words}", "change them, then run it again")
    packages = dict(filter(None, (_package(record) for record in records)))
    if not packages:
        raise HostError("what the host reports on the requirements makes no sense", "run it again")
    carried = next((_text(record["carried"]).split() for record in records if "carried" in record), [])
    dropped = tuple(package for package in args["carried"].split() if package not in carried)
    kept = tuple(package for package in carried if package in args["carried"].split())
    return Resolution(packages, kept, dropped, next((_text(of["python"]) for of in records if "python" in of), ""))


def _package(record: Record) -> tuple[str, str] | None:
    package = record.get("package")
    if not isinstance(package, str) or len(package) > WORD or not package.isprintable():
        return None
    name, _, version = package.partition("==")
    return (normal(name.split("[")[0]), version.split()[0]) if version.strip() else None


def _text(value: Any) -> str:
    return value.strip()[-LINE:] if isinstance(value, str) else ""

"""uv on this machine, which knows which packages go together on another."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from nbfab.errors import HostError, UsageError
from nbfab.fix import Command
from nbfab.lend.config import configured
from nbfab.lend.index import Index
from nbfab.text import clean_line
from nbfab.wheels.ask import Ask
from nbfab.wheels.lock import Lock, parse
from nbfab.wheels.target import Target

SECONDS = 300
_CREDENTIALS = re.compile(r"//[^/@\s]*@")
_TOO_OLD = ("pylock", "invalid value", "unexpected argument")


def find() -> str:
    """uv's path. Raises UsageError."""
    homes = [Path(sys.executable).parent, Path.home() / ".local/bin", Path.home() / ".cargo/bin"]
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *map(str, homes)))
    if found := shutil.which("uv", path=path):
        return found
    raise UsageError("what a host without internet needs is gathered here by uv, and there is none", _install())


def _install() -> Command:
    if find_spec("pip"):
        return Command(f"{shlex.quote(sys.executable)} -m pip install uv")
    return Command("pipx install uv")


def environment(given: Mapping[str, str], index: Index) -> dict[str, str]:
    """The environment of uv: without nbfab's own secret, with that index, if it is any, asked as pip asks its own, and
    with the system's authorities, as all that is fetched here.
    """
    kept = {name: value for name, value in given.items() if not name.startswith("NBFAB_") and name != "VIRTUAL_ENV"}
    if index.url:
        kept["UV_DEFAULT_INDEX"] = index.url
    if index.more:
        kept |= {"UV_INDEX": " ".join(index.more), "UV_INDEX_STRATEGY": "unsafe-best-match"}
    return {"UV_NATIVE_TLS": "true", "UV_SYSTEM_CERTS": "true", **kept}


def resolve(ask: Ask, target: Target) -> Lock:
    """Which wheels are what is asked for, on the target. What is installed there stays as it is, if it can.

    Raises HostError, or UsageError if there is no uv here.
    """
    uv = find()
    if target.installed:
        pins = tuple(f"{name}=={version}" for name, version in target.installed)
        if (done := _compile(uv, replace(ask, lines=(*ask.lines, *pins)), target)).returncode == 0:
            return parse(done.stdout, ask.hashes, target.installed, target.tags)
    done = _compile(uv, ask, target)
    if done.returncode:
        raise _unresolved(done.stderr, target)
    return parse(done.stdout, ask.hashes, target.installed, target.tags)


def _compile(uv: str, ask: Ask, target: Target) -> "subprocess.CompletedProcess[str]":
    # A wheel for each: otherwise versions are chosen that have none for the platform, and the host would build them.
    words = ["pip", "compile", "-q", "--color=never", "--only-binary=:all:", "--no-header", "--no-annotate"]
    words += [f"--python-platform={target.platform}", f"--python-version={target.version}", "--format=pylock.toml"]
    if ask.pre:
        words.append("--prerelease=allow")
    with _as_file(ask.constraints) as constraints:
        try:
            return subprocess.run(
                [uv, *words, "--python", sys.executable, "-c", constraints, "-"],
                input="".join(f"{line}\n" for line in ask.lines),
                capture_output=True,
                text=True,
                errors="replace",
                cwd="/",  # where no project's settings count
                env=environment(os.environ, Index() if configured("uv").named else configured("pip")),
                timeout=SECONDS,
                check=False,
            )
        except OSError as error:
            raise UsageError(f"{uv} does not run: {error.strerror}", _install()) from None
        except subprocess.TimeoutExpired:
            raise HostError(f"uv here has not resolved the packages in {SECONDS} seconds", "run it again") from None


@contextmanager
def _as_file(lines: Sequence[str]) -> Iterator[str]:
    """The path of a file with those lines, which is there meanwhile. Raises HostError."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="nbfab.", suffix=".txt") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            yield file.name
    except OSError as error:
        raise HostError(f"no file can be written here: {error.strerror}", "make room for temporary files") from None


def _unresolved(said: str, target: Target) -> HostError | UsageError:
    lines = [clean_line(_CREDENTIALS.sub("//", line)).strip() for line in said.splitlines() if line.strip()]
    causes = [line.removeprefix("cause: ") for line in lines if line.startswith("cause: ")]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    whole = " ".join(lines)
    if any(sign in whole for sign in _TOO_OLD):
        return UsageError(f"uv here is too old: {(errors or lines or [''])[0]}", Command("uv self update"))
    if "Request failed" in whole or "network was disabled" in whole or "client error" in whole:
        why = causes[-1] if causes else (errors or ["no reason is given"])[0]
        return HostError(f"this machine does not reach its index either: {why}", "run it again once it does")
    why = (causes or errors or lines or ["uv gives no reason"])[0]
    return HostError(
        f"there are no wheels for {target}: {why}", "leave that package out, or name a version that has one"
    )

"""Runs on the host: writes the environment of a login, for the server that is about to start and for its kernels.

Called as `python -c CODE FILE [WHY]`: asks the login shell for its environment and writes it to FILE, each variable
with a NUL after it. With WHY, the reason why a server did not start with what FILE had before, it asks no one, and
names the variables that may be at fault. Prints in a line which way was taken: `whole`, `part` or `none`, and what a
person should know of it; none of the values. Works with Python 3.8 and later.
"""

import os
import pwd
import re
import signal
import subprocess
import sys
import tempfile
import time

SECONDS = 10  # for a shell
IMPORTING = 40  # seconds, for all suspects; less than someone who waits for a word is patient
# What belongs to one login, what nbfab sets itself, what would lead Python astray.
NEVER = re.compile(
    r"(SSH|DBUS|JUPYTER|NBFAB|XDG_SESSION|TERM)_.*|TMUX.*|XDG_RUNTIME_DIR|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|PYTHONHOME"
    r"|TERM|STY|WINDOWID|PWD|OLDPWD|SHLVL|_"
)
SUSPECTS = re.compile(r"(PYTHON|LD_|DYLD_|SSL_|OPENSSL_|ZMQ_).*")
# Any shell expands these variables in the same way, whatever is in them.
COMMAND = 'exec "$NBFAB_PYTHON" -BI -c "$NBFAB_CODE" "$NBFAB_FILE"'
CODE = 'import os, sys; open(sys.argv[1], "wb").write(b"".join(b"%s=%s\\0" % pair for pair in os.environb.items()))'
IMPORTS = """
import tornado.web, zmq, traitlets, nbformat
from importlib.util import find_spec
for name in ("notebook", "jupyterlab", "jupyter_server"):
    if find_spec(name):
        __import__(name)
"""
HOME = os.path.expanduser("~")


def taken_from(shell):
    """The environment of a login, and the line on it."""
    name, ways = os.path.basename(shell), ([shell, "-l", "-i", "-c", COMMAND], [shell, "-l", "-c", COMMAND])
    if name in ("csh", "tcsh"):
        ways = ([shell, "-l"], [shell, "-c", COMMAND])  # -l has to be alone, so the command is on standard input
    failed = {}
    for level, way in (("whole", ways[0]), ("part", ways[1])):
        words = " ".join(way[: -2 if COMMAND in way else None])
        environment, why = asked(way)
        if environment:
            return environment, "; ".join([f"{level} from {words}", *(f"{of} {bad}" for bad, of in failed.items())])
        why += startup(name, "-i" in way)
        failed[why] = f"{failed[why]} and {words}" if why in failed else words
    return dict(os.environb), "none " + "; ".join(f"{of} {bad}" for bad, of in failed.items())


def asked(way):
    """What a shell that was started that way has in its environment; or nothing, and why."""
    handle, answer = tempfile.mkstemp(prefix="answer.new.", dir=os.path.dirname(file))
    os.close(handle)
    ask = {"NBFAB_PYTHON": sys.executable, "NBFAB_CODE": CODE, "NBFAB_FILE": answer}
    try:
        with tempfile.TemporaryFile(dir=os.path.dirname(file)) as said:
            shell = subprocess.Popen(
                way,
                stdin=subprocess.DEVNULL if COMMAND in way else subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=HOME,
                env={"TERM": "dumb", **os.environ, **ask},
                start_new_session=True,  # away from any terminal
            )
            why = ended(shell, b"" if COMMAND in way else COMMAND.encode() + b"\n")
            said.seek(0)
            return read(answer), why + complaint(said.read(20000).decode(errors="replace"))
    except OSError as error:
        return {}, f"cannot be run: {error.strerror}"
    finally:
        os.unlink(answer)


def ended(shell, text):
    """How a shell ended, in words."""
    try:
        shell.communicate(text or None, timeout=SECONDS)
        return f"ended before it could be asked (exit status {shell.returncode})"
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
        return f"did not end within {SECONDS} seconds"


def complaint(said):
    """The last line in which a shell complains about a file, unless it shows what it runs."""
    lines = [
        line for line in said.splitlines() if line[:1] != "+" and re.match(r"\S{1,200}?:? ?\(?(line )?\d+\)?: ", line)
    ]
    return f" ({lines[-1][:160]})" if lines else ""


def startup(name, interactive):
    """The startup files of a login shell that exist, the likeliest to be at fault first."""
    files = {
        "bash": [*([".bashrc"] if interactive else []), ".bash_profile", ".bash_login", ".profile"],
        "zsh": [*([".zshrc"] if interactive else []), ".zshenv", ".zprofile", ".zlogin"],
        "fish": [".config/fish/config.fish"],
        "tcsh": [".tcshrc", ".cshrc", ".login"],
        "csh": [".cshrc", ".login"],
    }
    files.update({kind: [".profile"] for kind in ("sh", "ash", "dash", "ksh", "mksh", "lksh", "posh")})
    have = [f"~/{file}" for file in files.get(name, []) if os.path.exists(os.path.join(HOME, file))]
    return f": see {' or '.join(have)}" if have else ""


def at_fault(before):
    """The variables that may have kept a server from starting: those with which Python cannot import what it needs."""
    suspects = [name for name in before if SUSPECTS.fullmatch(name.decode(errors="replace"))]
    suspects = [name for name in suspects if os.environb.get(name) != before[name]][:5]
    end = time.monotonic() + IMPORTING
    proven = [name for name in suspects if not imports({name: before[name]}, end)]
    return " ".join(name.decode(errors="replace") for name in proven or suspects)


def imports(more, end):
    """Whether what the server needs can be imported with those variables, as far as that is known by `end`."""
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        command = [sys.executable, "-Bc", IMPORTS]
        left = max(end - time.monotonic(), 0)
        return subprocess.run(command, env={**os.environb, **more}, timeout=left, check=False, **how).returncode == 0
    except subprocess.TimeoutExpired:
        return True


def read(path):
    """The variables in a file, each with a NUL after it."""
    with open(path, "rb") as variables:
        return dict(entry.split(b"=", 1) for entry in variables.read().split(b"\0") if b"=" in entry)


file, *reason = sys.argv[1:]
shell = os.environ.get("SHELL") or pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
if reason:
    names = at_fault(read(file))
    fault = f"; remove {names} from its startup files" if names else ""
    environment, line = dict(os.environb), f"none the server did not start with that of {shell}: {reason[0]}{fault}"
else:
    environment, line = taken_from(shell)
environment[b"SHELL"] = os.fsencode(shell)
if b"LANG" not in environment and environment.get(b"LC_CTYPE") in (b"C.UTF-8", b"C.utf8", b"UTF-8"):
    del environment[b"LC_CTYPE"]  # Python's own (PEP 538)
with open(f"{file}.new", "wb") as new:
    for name, value in environment.items():
        if not NEVER.fullmatch(name.decode(errors="replace")):
            new.write(name + b"=" + value + b"\0")
os.replace(f"{file}.new", file)
print(" ".join(line.split()))

"""bootstrap.sh: the environment that it makes with whatever is there, and what it names where nothing is."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from machine import BIN, ROOT
from sshd import wait_until

DEBIAN = Path("/usr/bin/python3")
SHELLS = [["dash"], ["bash"], ["busybox", "sh"]]
NEEDED = ("sh", "dirname", "cat", "cksum", "head", "mkdir", "rm", "cp", "chmod", "id", "flock")

GREET = """#!/bin/sh
printf 'hello'; printf ' <%s>' "$@"; echo
"""

# Does what bootstrap.sh asks of uv: here an environment is a Python and `greet`.
UV = f"""#!/bin/sh
case "$*" in
*--help) exit "$(cat "$HOME/too-old" 2>/dev/null || echo 0)" ;;
'python find '*) exit "$(cat "$HOME/no-python" 2>/dev/null || echo 0)" ;;
esac
echo "uv $* into $UV_PROJECT_ENVIRONMENT, Python in ${{UV_PYTHON_INSTALL_DIR-}}${{VIRTUAL_ENV-}}" >>"$HOME/log"
echo installing
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
printf '#!/bin/sh\\nexec {sys.executable} "$@"\\n' >"$UV_PROJECT_ENVIRONMENT/bin/python"
chmod +x "$UV_PROJECT_ENVIRONMENT/bin/python"
if [ -e "$HOME/fails" ]; then echo half >"$UV_PROJECT_ENVIRONMENT/half"; exit 7; fi
while [ -e "$HOME/waits" ]; do :; done
cp "$HOME/greet" "$UV_PROJECT_ENVIRONMENT/bin/greet"
"""

PIPX = """#!/bin/sh
if [ "$1" = --version ]; then exit; fi
echo "pipx $1 $2, home $PIPX_HOME, bin $PIPX_BIN_DIR, man $PIPX_MAN_DIR" >>"$HOME/log"
shift 2
exec "$HOME/hidden/uv" "$@"
"""

# A Python with venv and pip, which makes environments like those above.
PYTHON = """#!/bin/sh
case "$*" in
-V) echo 'Python VERSION.0' ;;
*sys.version_info*) echo VERSION ;;
*'import ensurepip, venv') exit ENSUREPIP ;;
*'-m venv '*)
	echo "$*" >>"$HOME/log"
	for folder; do :; done
	mkdir -p "$folder/bin"
	cp "$0" "$folder/bin/python"
	;;
*'-m pip '*' install '*)
	echo "$*" >>"$HOME/log"
	if [ -e "$HOME/fails" ]; then echo half >"${0%/bin/python}/half"; exit 7; fi
	cp "$HOME/greet" "${0%/python}/greet"
	;;
esac
"""


class Clone:
    """bootstrap.sh in a folder of its own, a home folder, and a PATH that has what the test puts there."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "the clone"
        self.home = folder / "home"
        self.path = folder / "bin"
        for place in (self.top, self.home, self.path):
            place.mkdir()
        for name in ("bootstrap.sh", "pyproject.toml"):
            shutil.copy(ROOT / name, self.top)
        for name in NEEDED:
            program = shutil.which(name)
            assert program, name
            (self.path / name).symlink_to(program)
        self.program("greet", GREET, self.home)

    def program(self, name: str, text: str, folder: Path | None = None) -> None:
        """Puts a program on PATH, or into that folder."""
        place = folder or self.path
        place.mkdir(parents=True, exist_ok=True)
        (place / name).unlink(missing_ok=True)
        (place / name).write_text(text)
        (place / name).chmod(0o755)

    def python(self, name: str, version: str, ensurepip: bool = True) -> None:
        """Puts a Python on PATH."""
        self.program(name, PYTHON.replace("VERSION", version).replace("ENSUREPIP", "0" if ensurepip else "1"))

    def start(self, *args: str, shell: list[str] | None = None) -> subprocess.Popen[str]:
        command = [str(shutil.which((shell or ["sh"])[0])), *(shell or ["sh"])[1:], f"{self.top}/bootstrap.sh", *args]
        env = {"HOME": str(self.home), "PATH": str(self.path), "VIRTUAL_ENV": ", and one that uv warns of"}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.home, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )

    def run(self, *args: str, shell: list[str] | None = None) -> tuple[int, str, str]:
        """The exit status, and what is on standard output and error."""
        process = self.start(*args, shell=shell)
        out, error = process.communicate(timeout=60)
        return process.returncode, out, error

    def change_the_project(self) -> None:
        """What the environment was made for is no longer what is wanted."""
        with (self.top / "pyproject.toml").open("a") as file:
            file.write("# one more line\n")

    def log(self) -> list[str]:
        """What the programs were asked for since this was last called, with the clone's folder as TOP."""
        log = self.home / "log"
        lines = log.read_text().replace(str(self.top), "TOP").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    clone = Clone(tmp_path)
    yield clone
    # Ends what still waits after a failure.
    (clone.home / "waits").unlink(missing_ok=True)
    (clone.home / "ends").touch()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_uv_makes_the_environment_once_and_again_where_something_changed(clone: Clone, shell: list[str]) -> None:
    clone.program("uv", UV)
    assert clone.run("greet", "a b", "*", shell=shell) == (0, "hello <a b> <*>\n", "installing\n")
    assert clone.log() == ["uv run --project TOP python -c  into TOP/.venv, Python in "]
    assert clone.run("--group", "dev", "greet", "x", shell=shell) == (0, "hello <x>\n", "installing\n")
    assert clone.log() == ["uv run --project TOP --group dev python -c  into TOP/.venv, Python in "]
    clone.program("uv", "#!/bin/sh\necho called >&2; exit 1\n")
    assert clone.run("greet", "x", shell=shell) == (0, "hello <x>\n", "")
    assert clone.run("--group", "dev", "greet", "x", shell=shell) == (0, "hello <x>\n", "")
    assert clone.run("sh", "-c", "exit 9", shell=shell)[0] == 9
    clone.program("uv", UV)
    clone.change_the_project()
    assert clone.run("greet", "x", shell=shell) == (0, "hello <x>\n", "installing\n")
    package = clone.top / ".venv/lib/python3.11/site-packages/other-1.0.dist-info"
    package.mkdir(parents=True)
    assert clone.run("greet", "x", shell=shell) == (0, "hello <x>\n", "installing\n")
    assert clone.run("greet", "x", shell=shell) == (0, "hello <x>\n", "")


@pytest.mark.parametrize("place", [".local/bin", ".cargo/bin"])
@pytest.mark.parametrize("on_path", ["", "exit 127", "exit 2"], ids=["nothing", "a shim", "an old one"])
def test_uv_off_path_is_used_where_path_has_none_that_will_do(clone: Clone, place: str, on_path: str) -> None:
    if on_path:
        clone.program("uv", f"#!/bin/sh\n{on_path}\n")
    clone.program("uv", UV, clone.home / place)
    clone.python("python3", "3.13")
    assert clone.run("greet", "x") == (0, "hello <x>\n", "installing\n")
    assert clone.log() == ["uv run --project TOP python -c  into TOP/.venv, Python in "]


def test_pipx_runs_uv_and_keeps_its_own_files_in_the_clone(clone: Clone) -> None:
    clone.program("pipx", PIPX)
    clone.program("uv", UV, clone.home / "hidden")
    clone.python("python3", "3.13")
    status, out, error = clone.run("sh", "-c", 'echo "$PATH ${PIPX_HOME-unset} $VIRTUAL_ENV"')
    assert (status, error) == (0, "installing\n")
    assert out == f"{clone.top}/.venv/bin:{clone.path} unset {clone.top}/.venv\n"
    pipx = "pipx run uv, home TOP/.bootstrap/pipx, bin TOP/.bootstrap/pipx/bin, man TOP/.bootstrap/pipx/man"
    assert clone.log() == [pipx, pipx, "uv run --project TOP python -c  into TOP/.venv, Python in "]
    assert clone.run("greet", "x") == (0, "hello <x>\n", "")
    assert clone.log() == []


def test_a_python_that_uv_fetches_stays_in_the_clone(clone: Clone) -> None:
    clone.program("uv", UV)
    (clone.home / "no-python").write_text("2")
    status, out, error = clone.run("sh", "-c", "echo ${UV_PYTHON_INSTALL_DIR-unset}")
    assert (status, out, error) == (0, "unset\n", "installing\n")
    assert clone.log() == ["uv run --project TOP python -c  into TOP/.venv, Python in TOP/.bootstrap/python"]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_venv_and_pip_make_it_where_there_is_neither_uv_nor_pipx(clone: Clone, shell: list[str]) -> None:
    clone.python("python3", "3.9")
    clone.python("python3.14", "3.14", ensurepip=False)
    clone.python("python3.12", "3.12")
    status, out, error = clone.run("greet", "x", shell=shell)
    assert (status, out) == (0, "hello <x>\n")
    assert error == f"bootstrap.sh: making {clone.top}/.venv, which takes a minute or two\n"
    pip = "-I -m pip --disable-pip-version-check install"
    assert clone.log() == ["-I -m venv TOP/.venv", f"{pip} -e .[notebook]"]
    assert clone.run("greet", "x", shell=shell) == (0, "hello <x>\n", "")
    assert clone.log() == []
    assert clone.run("--group", "dev", "greet", "x", shell=shell) == (0, "hello <x>\n", "")
    assert clone.log() == [f"{pip} -q pip>=25.1", f"{pip} -q -e .[notebook] --group dev"]
    assert clone.run("greet", "x", shell=shell) == (0, "hello <x>\n", "")
    assert clone.log() == []


@pytest.mark.parametrize("tool", ["uv", "python3"])
def test_an_environment_that_was_not_finished_is_made_anew(clone: Clone, tool: str) -> None:
    clone.python("python3", "3.13")
    if tool == "uv":
        clone.program("uv", UV)
    (clone.home / "fails").touch()
    assert clone.run("greet", "x")[0] == 7
    assert (clone.top / ".venv/half").exists()
    (clone.home / "fails").unlink()
    assert clone.run("greet", "x")[:2] == (0, "hello <x>\n")
    assert not (clone.top / ".venv/half").exists()


@pytest.mark.parametrize("tool", ["uv", "python3"])
def test_one_whose_python_is_gone_or_that_was_moved_is_made_anew(clone: Clone, tool: str) -> None:
    clone.python("python3", "3.13")
    if tool == "uv":
        clone.program("uv", UV)
    clone.run("greet", "x")
    old = clone.top / ".venv/old"
    old.touch()
    (clone.top / ".venv/bin/python").unlink()
    assert clone.run("greet", "x")[:2] == (0, "hello <x>\n")
    assert not old.exists()
    old.touch()
    clone.top = clone.top.rename(clone.top.with_name("moved"))
    assert clone.run("greet", "x")[:2] == (0, "hello <x>\n")
    assert not (clone.top / ".venv/old").exists()


def test_two_at_once_make_one_environment(clone: Clone) -> None:
    clone.program("uv", UV)
    (clone.home / "waits").touch()
    first = clone.start("greet", "first")
    wait_until((clone.home / "log").exists, "uv to be at work")
    second = clone.start("greet", "second")
    assert second.stderr
    assert second.stderr.readline().startswith("bootstrap.sh: another run is making ")
    (clone.home / "waits").unlink()
    assert first.communicate(timeout=60)[0] == "hello <first>\n"
    assert second.communicate(timeout=60)[0] == "hello <second>\n"
    assert len(clone.log()) == 1


def test_what_runs_is_the_command_itself_and_keeps_no_later_run_waiting(clone: Clone) -> None:
    clone.program("uv", UV)
    server = clone.start("sh", "-c", 'echo $$; while [ ! -e "$HOME/ends" ]; do :; done')
    assert server.stdout
    assert int(server.stdout.readline()) == server.pid
    clone.change_the_project()
    assert clone.run("greet", "x") == (0, "hello <x>\n", "installing\n")
    assert server.poll() is None
    (clone.home / "ends").touch()
    server.communicate(timeout=60)


APT = {"apt-get": "exit 1", "apt-cache": "echo Package: $2"}
SUDO = {"sudo": "exit 1"}


@pytest.mark.parametrize(
    ("python", "programs", "uid", "fix"),
    [
        ("no venv", APT | SUDO, "1000", "install it: sudo apt-get install python3-venv"),
        ("no venv", APT | SUDO, "0", "install it: apt-get install python3-venv"),
        ("no venv", APT, "1000", "install it: su - root -c 'apt-get install python3-venv'"),
        (
            "no venv",
            APT | SUDO | {"apt-cache": "exit 0"},
            "1000",
            "install it: sudo apt-get update && sudo apt-get install python3-venv",
        ),
        ("no venv in 3.13", APT | SUDO, "1000", "install it: sudo apt-get install python3.13-venv"),
        ("no venv", {"dnf": "exit 1"}, "0", "install it: dnf install python3"),
        ("no venv", {}, "1000", "install Python's venv, or uv"),
        ("old", APT | SUDO, "1000", "install it: sudo apt-get install python3.14-venv"),
        (
            "old",
            APT | {"apt-cache": "case $2 in python3.11-venv | pipx) echo Package: $2 ;; esac"},
            "0",
            "install it: apt-get install python3.11-venv",
        ),
        (
            "old",
            APT | {"apt-cache": "case $2 in pipx) echo Package: $2 ;; esac"},
            "0",
            "install it: apt-get install pipx",
        ),
        ("old", APT | {"apt-cache": "exit 0"}, "0", "install Python 3.11 or newer, or uv"),
        ("old", {"dnf": "exit 1"} | SUDO, "1000", "install it: sudo dnf install python3.11"),
        ("old", {"zypper": "exit 1"}, "0", "install it: zypper install python311"),
        ("old", {"brew": "exit 1"} | SUDO, "501", "install it: brew install uv"),
        ("old", {}, "1000", "install Python 3.11 or newer, or uv"),
        ("none", APT | SUDO, "1000", "install it: sudo apt-get install python3-venv"),
        ("none", {"dnf": "exit 1"}, "0", "install it: dnf install python3"),
        ("none", {"pacman": "exit 1"} | SUDO, "1000", "install it: sudo pacman -S python"),
        ("none", {"apk": "exit 1"}, "0", "install it: apk add python3"),
    ],
)
def test_where_nothing_is_possible_one_package_is_named(
    clone: Clone, python: str, programs: Mapping[str, str], uid: str, fix: str
) -> None:
    reason = {
        "no venv": "python3 cannot make an environment: it lacks the module venv or ensurepip.",
        "no venv in 3.13": "python3.13 cannot make an environment: it lacks the module venv or ensurepip.",
        "old": "nbfab needs Python 3.11 or newer, and python3 is 3.9.",
        "none": "there is no Python, which has to be 3.11 or newer.",
    }[python]
    if python == "no venv":
        clone.python("python3", "3.11", ensurepip=False)
    elif python != "none":
        clone.python("python3", "3.9")
    if python == "no venv in 3.13":
        clone.python("python3.13", "3.13", ensurepip=False)
    clone.program("id", f"#!/bin/sh\necho {uid}\n")
    for name, line in programs.items():
        clone.program(name, f"#!/bin/sh\n{line}\n")
    assert clone.run("greet", "x") == (1, "", f"bootstrap.sh: {reason}\nbootstrap.sh: {fix}\n")
    assert not (clone.top / ".venv").exists()


@pytest.mark.parametrize("args", [[], ["--group"], ["--group", "dev"], ["--help"]])
def test_without_a_command_it_tells_how_to_use_it(clone: Clone, args: list[str]) -> None:
    status, out, error = clone.run(*args)
    assert (status, out) == (2, "")
    assert "usage: sh bootstrap.sh [--group GROUP] COMMAND" in error


def test_on_windows_itself_it_names_wsl(clone: Clone) -> None:
    clone.program("uv", UV)
    command = ["sh", f"{clone.top}/bootstrap.sh", "greet"]
    env = {"HOME": str(clone.home), "PATH": str(clone.path), "OS": "Windows_NT"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("bootstrap.sh: fix: wsl --install\n")
    assert clone.log() == []


class Fresh:
    """A clone by git, and what runs in it with Debian's own programs, with or without uv."""

    def __init__(self, folder: Path) -> None:
        if subprocess.run([DEBIAN, "-c", "import tomllib"], capture_output=True, check=False).returncode:
            pytest.skip(f"{DEBIAN} is older than 3.11")
        self.top = folder / "clone"
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.uv = folder / "uv"
        for place in (self.home, self.bin, self.uv):
            place.mkdir()
        for name in (*NEEDED, "python3"):
            (self.bin / name).symlink_to(f"/usr/bin/{name}" if os.path.exists(f"/usr/bin/{name}") else f"/bin/{name}")
        (self.uv / "uv").symlink_to(BIN / "uv")
        subprocess.run(["git", "clone", "-q", ROOT, self.top], check=True)
        # What is in the current folder under a module's name is none of bootstrap.sh's business.
        for module in ("venv", "ensurepip", "pip"):
            (self.home / f"{module}.py").write_text(f"raise SystemExit('{module}.py was imported')\n")

    def start(self, *args: str, uv: bool = False) -> subprocess.Popen[str]:
        cache = subprocess.run([BIN / "uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
        env = os.environ | {"HOME": str(self.home), "UV_CACHE_DIR": cache}  # with what leads to the package index
        env["PATH"] = f"{self.uv}:{self.bin}" if uv else str(self.bin)
        env.pop("VIRTUAL_ENV", None)
        return subprocess.Popen(
            ["/bin/sh", f"{self.top}/bootstrap.sh", *args],
            cwd=self.home,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def tasks(self, uv: bool = False) -> str:
        """Lists the tasks, and returns what was on standard error."""
        process = self.start("inv", "-r", str(self.top), "--list", uv=uv)
        out, error = process.communicate(timeout=500)
        assert process.returncode == 0, error
        assert out.startswith("Available tasks:")
        assert "\n  setup " in out
        return error

    def has(self, module: str) -> bool:
        """Whether the environment has that module."""
        command = [f"{self.top}/.venv/bin/python", "-I", "-c", f"import {module}"]
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    return Fresh(tmp_path)


@pytest.mark.timeout(900)
def test_debian_s_own_python_is_enough(fresh: Fresh) -> None:
    process = fresh.start("inv", "--list")
    wait_until(lambda: list(fresh.top.glob(".venv/lib/*/site-packages/numpy*")), "pip to install", 300)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    fresh.tasks()
    assert fresh.tasks() == ""
    assert fresh.has("notebook")
    assert not fresh.has("pytest")
    left = {path.name for path in fresh.home.iterdir()} - {"venv.py", "ensurepip.py", "pip.py", ".cache"}
    assert not left
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=fresh.top, capture_output=True, text=True)
    assert changed.stdout == ""


@pytest.mark.timeout(900)
def test_uv_and_venv_take_over_each_other_s_environment(fresh: Fresh) -> None:
    fresh.tasks(uv=True)
    assert fresh.tasks() == ""  # pip has nothing to do
    for uv in (False, True, False):
        with (fresh.top / "pyproject.toml").open("a") as file:
            file.write("# one more line\n")
        assert "making" not in fresh.tasks(uv=uv)
        assert fresh.tasks(uv=not uv) == ""

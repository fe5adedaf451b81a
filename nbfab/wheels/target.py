"""Target: what wheels have to fit to be installed on a host. Pure: `look.target` asks the host."""

from packaging.tags import Tag, compatible_tags, cpython_tags

from nbfab.errors import HostError
from nbfab.records import dataclass

_GLIBC = ((2, 39), (2, 34), (2, 28), (2, 17))  # few kinds, so that hosts share a wheelhouse; wheels are made for these
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_OLDEST = (3, 9)  # of Python, for a notebook
_FIX = "make the environment on the host by other means, and name it with --python"


@dataclass(frozen=True)
class Target:
    """A Python on a host, what it runs on, and what is there for wheels.

    `libc` is glibc or musl, `room` the bytes that are free for the environment. `kept` are the parcels that it has
    already, and `installed` the packages of the environment, if it exists, by name and version. It `takes_uv` where it
    has neither pip nor uv.
    """

    system: str
    machine: str
    libc: str
    libc_version: tuple[int, int]
    python: tuple[int, int]
    implementation: str = "cpython"
    room: int = 0
    kept: tuple[str, ...] = ()
    installed: tuple[tuple[str, str], ...] = ()
    takes_uv: bool = False

    def __str__(self) -> str:
        libc = f"{self.libc} {self.libc_version[0]}.{self.libc_version[1]}" if self.libc else self.system
        return f"{self.machine} with {libc} and Python {self.version}"

    @property
    def version(self) -> str:
        """The version of Python, as uv takes it."""
        return f"{self.python[0]}.{self.python[1]}"

    @property
    def platform(self) -> str:
        """The platform, as uv takes it. Raises HostError if no wheels can be chosen for it."""
        machine = _MACHINES.get(self.machine.lower(), "")
        if self.system != "Linux":
            raise HostError(f"wheels are chosen for Linux only, and its system is {self.system}", _FIX)
        if not machine:
            raise HostError(f"wheels are chosen for x86_64 and aarch64 only, and its machine is {self.machine}", _FIX)
        if self.implementation != "cpython":
            raise HostError(f"wheels are chosen for CPython only, and its Python is {self.implementation}", _FIX)
        if self.python < _OLDEST:
            raise HostError(f"its Python is {self.version}, and the notebook takes 3.9 or newer", _FIX)
        if self.libc == "musl" and self.libc_version >= (1, 2):
            return f"{machine}-unknown-linux-musl"
        if self.libc == "glibc" and self.libc_version >= _GLIBC[-1]:
            major, minor = next(version for version in _GLIBC if version <= self.libc_version)
            return f"{machine}-manylinux_{major}_{minor}"
        libc = f"{self.libc} {self.libc_version[0]}.{self.libc_version[1]}" if self.libc else "not known"
        raise HostError(f"wheels take glibc 2.17 or musl 1.2, or a newer one, and its libc is {libc}", _FIX)

    @property
    def tags(self) -> frozenset[Tag]:
        """The tags of wheels that fit (PEP 425, 600 and 656). Raises HostError if no wheels can be chosen for it."""
        machine, _, libc = self.platform.partition("-")
        if libc == "unknown-linux-musl":
            names = [f"musllinux_1_{minor}" for minor in range(3)]
        else:
            newest = int(libc.rpartition("_")[2])
            names = [f"manylinux_2_{minor}" for minor in range(5, newest + 1)]
            names += ["manylinux1", "manylinux2010", "manylinux2014", "linux"]
        platforms, abi = [f"{name}_{machine}" for name in names], f"cp{self.python[0]}{self.python[1]}"
        return frozenset((*cpython_tags(self.python, [abi], platforms), *compatible_tags(self.python, abi, platforms)))

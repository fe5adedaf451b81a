"""Resolution: what requirements come to on a host, before anything is installed there."""

from collections.abc import Mapping
from dataclasses import field

from nbfab.records import dataclass


@dataclass(frozen=True)
class Resolution:
    """The `packages` that would be installed, by their normal names, with their versions.

    A version is empty if it shows only once the package is fetched, from a URL. `commits` are those of packages from
    Git. `carried` is what of the packages installed by hand fits, and `dropped` what does not. `python` is the
    version of the Python there.
    """

    packages: Mapping[str, str] = field(default_factory=dict)
    commits: Mapping[str, str] = field(default_factory=dict)
    carried: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    python: str = ""

    @property
    def constraints(self) -> tuple[str, ...]:
        """What keeps an installation to these versions."""
        return tuple(f"{name}=={version}" for name, version in sorted(self.packages.items()) if version)

    @property
    def lock(self) -> str:
        """All of it as a text."""
        return " ".join((*self.constraints, *(f"{name}@{self.commits[name]}" for name in sorted(self.commits))))

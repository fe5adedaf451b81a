"""The sh that finds the environments of kernels, and what their files tell of them, in the shells that hosts have."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from shells import each_shell, records, run, stub

from nbfab.look.kernels import KernelFacts, Place
from nbfab.look.look import FILES
from nbfab.program import call, functions

ALL = functions(*FILES, "look/search")
ELSEWHERE: tuple[str, ...] = (
    "XDG_DATA_HOME",
    "CONDA_ENVS_PATH",
    "CONDA_ENVS_DIRS",
    "WORKON_HOME",
    "PIPX_HOME",
    "PYENV_ROOT",
)
ELSEWHERE += ("MAMBA_ROOT_PREFIX", "UV_TOOL_DIR", "UV_PYTHON_INSTALL_DIR")
NASTY = ("it's", 'a "b"', "$HOME `id`", "-n", "two  words", "näme 日本", "[a-z]", "a\\b", "%20", "kernel: x")


class Home:
    """A home folder with environments whose interpreters fail: none is to run."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "data/nbserver"
        self.env = dict.fromkeys(ELSEWHERE, "") | {"HOME": str(home)}

    def environment(self, path: str, *packages: str, site: str = "lib/python3.12/site-packages") -> Path:
        """An environment with those packages."""
        place = self.home / path
        (place / "bin").mkdir(parents=True)
        stub(place / "bin", "python", f"touch {self.home}/has-run; exit 1")
        for package in ("", *packages):
            (place / site / package).mkdir(parents=True)
        return place

    def conda(self, path: str, *packages: str, version: str = "3.12.4") -> Path:
        """One of conda's."""
        place = self.environment(path, *packages)
        (place / "conda-meta").mkdir()
        for record in (f"python-{version}-h1_0.json", "python-dateutil-2.9-x.json", "python_abi-3.12-x.json"):
            (place / "conda-meta" / record).touch()
        return place

    def venv(self, path: str, *packages: str, says: str = "version = 3.12.4\n") -> Path:
        """A venv, whose pyvenv.cfg says that."""
        place = self.environment(path, *packages)
        (place / "pyvenv.cfg").write_text(says)
        return place

    def looks(self, shell: tuple[str, ...], *kernels: str, searches: str = "yes", every: bool = False) -> KernelFacts:
        """What the look for those kernels reports, or for every environment."""
        wanted = "".join(f"{kernel}\n" for kernel in kernels)
        program = ALL + call("look_kernels", kernels=wanted, folder=str(self.folder), searches=searches)
        named = {
            "interpreter": f"{self.home}/served/deep/venv/bin/python",
            "python": "~/served/deep/venv",
            "here": "/usr/bin/python3",
        }
        program += call("look_every", base=f"{self.home}/data", **named) if every else ""
        found = kernel_facts(records(run(shell, program + call("print_facts"), env=self.env)))
        assert not (self.home / "has-run").exists()
        return found


def kernel_facts(printed: Sequence[Mapping[str, Any]]) -> KernelFacts:
    """The facts in what a look has printed."""
    values: dict[str, Any] = {}
    for name, value in (pair for record in printed for pair in record.items()):
        group, _, key = name.partition(".")
        assert group == "kernels"
        field = KernelFacts.__dataclass_fields__[key]
        parsed = field.metadata["parse"](value)
        values[key] = (*values.get(key, ()), *parsed) if isinstance(field.default, tuple) else parsed
    return KernelFacts(**values)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


@each_shell
def test_files_tell_what_an_environment_has(shell: tuple[str, ...], home: Home) -> None:
    conda = home.conda("miniconda3/envs/geo", "ipykernel-7.0.0.dist-info", "notebook-7.2.1.dist-info")
    (conda / "etc/conda/activate.d").mkdir(parents=True)
    (conda / "etc/conda/activate.d/geo.sh").touch()
    venv = home.venv("thesis/.venv", "pip-24.0.dist-info", "notebook_shim-0.2.dist-info", "ipykernel_extra-1.dist-info")
    found = home.looks(shell, "geo", "~/thesis/.venv", str(venv / "bin/python"))
    assert found.found == (
        Place("geo", "conda", "geo", str(conda), f"{conda}/bin/python", "3.12.4", "7.0.0", "7.2.1", activates=True),
        Place("~/thesis/.venv", "venv", ".venv", str(venv), f"{venv}/bin/python", "3.12.4", pip=True),
        Place(f"{venv}/bin/python", "venv", ".venv", str(venv), f"{venv}/bin/python", "3.12.4", pip=True),
    )
    assert (found.missing, found.names) == ((), ())


@each_shell
@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("home = /usr/bin\nversion = 3.11.2\n", "3.11.2"),
        ("home=/usr/bin\nversion_info = 3.11.7.final.0", "3.11.7"),
        ("home = /usr/bin\nuv = 0.9\nversion_info = 3.11.7\n", "3.11.7"),
        ("home = /usr/bin\nversion = $(id) x\n", ""),
        ("", "3.12"),
    ],
)
def test_the_version_of_a_venv(shell: tuple[str, ...], says: str, version: str, home: Home) -> None:
    (found,) = home.looks(shell, str(home.venv("x", says=says))).found
    assert found.version == version


@each_shell
def test_an_older_layout_and_a_base_s_packages_count(shell: tuple[str, ...], home: Home) -> None:
    egg = home.venv("egg", "ipykernel-6.17.0-py3.12.egg-info")
    base = home.environment("base", "ipykernel-6.29.5.dist-info", "pip-24.0.dist-info")
    (base / "lib/python3.9/site-packages/notebook-6.4.dist-info").mkdir(parents=True)
    says = f"home = {base}/bin\nversion = 3.12.4\ninclude-system-site-packages = "
    inherits, alone = home.venv("inherits", says=f"{says}true\n"), home.venv("alone", says=f"{says}false\n")
    found = home.looks(shell, *map(str, (egg, inherits, alone))).found
    assert [(of.ipykernel, of.notebook, of.pip) for of in found] == [
        ("6.17.0", "", False),
        ("6.29.5", "", True),
        ("", "", False),
    ]


@each_shell
@pytest.mark.parametrize("name", NASTY)
def test_a_name_and_a_path_are_that_whatever_is_in_them(shell: tuple[str, ...], name: str, home: Home) -> None:
    place = home.conda(f"miniconda3/envs/{name}", "ipykernel-7.0.dist-info")
    found = home.looks(shell, name, str(place)).found
    assert [(of.given, of.folder, of.ipykernel) for of in found] == [
        (name, str(place), "7.0"),
        (str(place), str(place), "7.0"),
    ]


@each_shell
def test_what_is_not_there_is_missing_with_the_reason(shell: tuple[str, ...], home: Home) -> None:
    home.conda("miniconda3/envs/ml")
    (home.home / "folder").mkdir()
    (home.home / "file").touch()
    found = home.looks(shell, "folder", "~/folder", "~/file", "/gone/x")
    assert found.missing == (
        ("folder", ""),
        ("~/folder", f"{home.home}/folder has no bin/python"),
        ("~/file", f"{home.home}/file is not a program"),
        ("/gone/x", "/gone/x does not exist"),
    )
    assert found.names == ("ml",)
    assert not found.found


@each_shell
def test_a_name_that_several_have_is_all_of_them(shell: tuple[str, ...], home: Home) -> None:
    one, two = home.conda("miniconda3/envs/geo"), home.venv("geo/.venv")
    assert [(of.kind, of.folder) for of in home.looks(shell, "geo").found] == [("conda", str(one)), ("venv", str(two))]


@each_shell
def test_where_it_was_counts_while_it_is_there(shell: tuple[str, ...], home: Home) -> None:
    place, _ = home.venv("elsewhere/my geo"), home.conda("miniconda3/envs/geo")
    note = home.folder / "share/jupyter/kernels/nbfab.geo/environment"
    note.parent.mkdir(parents=True)
    note.write_text(f"geo\n{place}\n")
    assert [of.folder for of in home.looks(shell, "geo", searches="").found] == [str(place)]
    (place / "bin/python").unlink()
    found = home.looks(shell, "geo", searches="")
    assert (found.found, found.unsought) == ((), True)
    assert [of.kind for of in home.looks(shell, "geo").found] == ["conda"]


@each_shell
def test_an_interpreter_that_is_a_link_belongs_to_where_it_leads(shell: tuple[str, ...], home: Home) -> None:
    place = home.environment("opt/python", "ipykernel-7.0.dist-info")
    (home.home / "bin").mkdir()
    link = home.home / "bin/py"
    link.symlink_to(place / "bin/python")
    (found,) = home.looks(shell, str(link)).found
    assert (found.folder, found.python, found.ipykernel) == (str(place), str(link), "7.0")


@each_shell
def test_every_environment_is_listed_once(shell: tuple[str, ...], home: Home) -> None:
    home.conda("miniconda3", version="3.13.1")
    (home.home / "miniconda3/condabin").mkdir()
    geo = home.conda("miniconda3/envs/geo", "ipykernel-7.0.dist-info")
    (home.home / ".conda").mkdir()
    (home.home / ".conda/environments.txt").write_text(f"{geo}\n{home.home}/link\n/gone\n")
    (home.home / "link").symlink_to(geo)
    home.venv("thesis/.venv", "notebook-7.2.dist-info")
    home.environment(".pyenv/versions/3.12.9")
    home.environment(".local/share/uv/python/cpython-3.12.7-linux-x86_64-gnu")
    home.venv(".local/share/pipx/venvs/black")
    home.venv("served/deep/venv")
    home.venv("data/.venv", "ipykernel-7.1.dist-info", "notebook-7.3.dist-info")
    every = home.looks(shell, every=True).every
    assert {(of.name, of.kind, of.version, of.ipykernel, of.notebook) for of in every if of.kind != "system"} == {
        ("nbfab's own", "nbfab", "3.12.4", "7.1", "7.3"),
        ("base", "conda", "3.13.1", "", ""),
        ("geo", "conda", "3.12.4", "7.0", ""),
        ("thesis", "venv", "3.12.4", "", "7.2"),
        ("3.12.9", "pyenv", "3.12.9", "", ""),
        ("cpython-3.12.7-linux-x86_64-gnu", "uv", "3.12.7", "", ""),
        ("black", "pipx", "3.12.4", "", ""),
        ("deep", "venv", "3.12.4", "", ""),
    }
    assert len(every) == len({of.folder for of in every})


def test_without_kernels_nothing_is_looked_at(home: Home) -> None:
    assert home.looks(("dash",)) == KernelFacts()


def test_what_makes_no_sense_is_refused() -> None:
    for value in ("", "geo\nconda", "geo\nx\ngeo\n/a\n/a/bin/python\n\n\n\n\n", "geo\nconda\ng\na\n/a\n\n\n\n\n"):
        with pytest.raises(ValueError, match=r"lines|one of|absolute"):
            KernelFacts.__dataclass_fields__["found"].metadata["parse"](value)

"""The sh that finds environments by their names, in the shells that hosts have, on planted layouts."""

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from shells import SHELLS, each_shell, records, run, stub, texts

from nbfab.look.look import FILES
from nbfab.program import call, functions

ALL = functions(*FILES, "look/search")
NASTY = (
    "plain",
    "it's",
    'a "b"',
    "$HOME `id`",
    "-n",
    "--help",
    "two  words",
    "näme 日本",
    "*",
    "[a-z]",
    "a\\b",
    "!",
    "=",
)


ELSEWHERE = (
    "XDG_DATA_HOME",
    "CONDA_ENVS_PATH",
    "CONDA_ENVS_DIRS",
    "MAMBA_ROOT_PREFIX",
    "WORKON_HOME",
    "PIPX_HOME",
    "UV_TOOL_DIR",
    "UV_PYTHON_INSTALL_DIR",
    "PYENV_ROOT",
)


class Home:
    """A home folder with environments that are nothing but files, and one that answers as a Python would."""

    def __init__(self, home: Path) -> None:
        self.home, self.places = home, list[Path]()
        self.env = dict.fromkeys(ELSEWHERE, "") | {"HOME": str(home)}

    def conda(self, path: str, *, base: bool = False) -> Path:
        """An environment of conda's, or its base."""
        place = self.bare(path)
        (place / "conda-meta").mkdir()
        if base:
            (place / "condabin").mkdir()
        return place

    def venv(self, path: str) -> Path:
        """A venv."""
        place = self.bare(path)
        (place / "pyvenv.cfg").write_text("version = 3.12.1\n")
        return place

    def bare(self, path: str) -> Path:
        """Something with an interpreter."""
        place = self.home / path
        (place / "bin").mkdir(parents=True)
        self.places.append(place)
        stub(place / "bin", "python", f'echo "{{\\"$3\\":{len(self.places) - 1}}}"')
        return place

    def named(self, shell: tuple[str, ...], name: str, **env: str) -> Mapping[str, Any]:
        """What the look for an environment of that name prints, with each fact's values in a list."""
        program = ALL + call("look_named", name, environment_probe="", packages="") + call("print_facts")
        found: dict[str, Any] = {}
        for record in records(run(shell, program, env=self.env | env)):
            for fact, value in record.items():
                found.setdefault(fact, []).append(value)
        return found

    def answered(self, found: Mapping[str, Any]) -> Path:
        """The one environment that was asked what it has."""
        (answer,) = found["environments.found"]
        return self.places[int(answer["asked"])]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


LAYOUTS = {
    "conda": ("miniconda3/envs/geo", "conda"),
    "conda's own folder": (".conda/envs/geo", "conda"),
    "mamba": ("miniforge3/envs/geo", "conda"),
    "micromamba": ("micromamba/envs/geo", "conda"),
    "virtualenvs": (".virtualenvs/geo", "venv"),
    "venvs": ("venvs/geo", "venv"),
    "project": ("geo/.venv", "venv"),
    "project's venv": ("geo/venv", "venv"),
    "pipx": (".local/share/pipx/venvs/geo", "pipx"),
    "older pipx": (".local/pipx/venvs/geo", "pipx"),
    "uv tool": (".local/share/uv/tools/geo", "uv"),
    "uv python": (".local/share/uv/python/geo", "uv"),
    "pyenv": (".pyenv/versions/geo", "pyenv"),
    "pyenv-virtualenv": (".pyenv/versions/3.12.1/envs/geo", "pyenv"),
}


@each_shell
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_environment_is_found_by_its_name(shell: tuple[str, ...], layout: str, home: Home) -> None:
    path, kind = LAYOUTS[layout]
    place = home.venv(path)
    found = home.named(shell, "geo")
    assert found["environments.named"] == [f"{kind} {place}"]
    assert home.answered(found) == place
    assert "environments.names" not in found


@each_shell
def test_every_environment_has_a_name(shell: tuple[str, ...], home: Home) -> None:
    home.conda("miniforge3", base=True)
    home.conda("miniforge3/envs/ml")
    home.conda("listed/else where")
    home.conda("data/envs/quoted")
    home.conda("data2/tilde")
    home.conda("colon/one")
    home.venv("thesis/.venv")
    home.venv(".venv")
    home.bare(".pyenv/versions/3.12.1")
    (home.home / "miniforge3/envs/broken/bin").mkdir(parents=True)
    (home.home / ".conda").mkdir()
    listed = (
        f"{home.home}/listed/else where\n/gone\n\n{home.home}/miniforge3/\nrelative\n{home.home}/miniforge3/envs/ml"
    )
    (home.home / ".conda/environments.txt").write_text(listed)
    condarc = f"channels:\n  - {home.home}/no\nenvs_dirs:\n  # mine\n  - '{home.home}/data/envs'\n- ~/data2\nother: 1\n"
    (home.home / ".condarc").write_text(condarc)
    found = home.named(shell, "absent", CONDA_ENVS_PATH=f"/gone:{home.home}/colon")
    (names,) = found["environments.names"]
    assert set(names.split("\n")[:-1]) == {
        "base",
        "ml",
        "else where",
        "quoted",
        "tilde",
        "one",
        "thesis",
        ".venv",
        "3.12.1",
    }
    assert "environments.found" not in found
    assert home.answered(home.named(shell, "else where")) == home.home / "listed/else where"
    assert home.answered(home.named(shell, "base")) == home.home / "miniforge3"


@each_shell
@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_a_name_whatever_is_in_it(shell: tuple[str, ...], name: str, home: Home) -> None:
    place = home.conda(f"miniconda3/envs/{name}")
    home.conda("miniconda3/envs/other")
    home.venv(f"{name}x/.venv")
    found = home.named(shell, name)
    assert found["environments.named"] == [f"conda {place}"]
    assert home.answered(found) == place


@each_shell
@settings(max_examples=15, deadline=None)
@given(name=texts.filter(lambda text: text and not text.startswith(".") and not {*"/\n"} & {*text}))  # none is hidden
def test_any_name_of_a_file_is_a_name(shell: tuple[str, ...], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.conda("miniconda3/envs/other")
        place = home.conda(f"miniconda3/envs/{name}") if name != "other" else home.places[0]
        assert home.answered(home.named(shell, name)) == place


@each_shell
def test_a_name_that_several_have_is_no_answer(shell: tuple[str, ...], home: Home) -> None:
    one, two = home.conda("miniconda3/envs/geo"), home.venv("geo/.venv")
    found = home.named(shell, "geo")
    assert found["environments.named"] == [f"conda {one}", f"venv {two}"]
    assert "environments.found" not in found


@each_shell
def test_a_name_that_is_a_folder_in_the_home_too_is_no_answer(shell: tuple[str, ...], home: Home) -> None:
    place = home.conda("miniconda3/envs/geo")
    (home.home / "geo").mkdir()
    found = home.named(shell, "geo")
    assert found["environments.named"] == [f"conda {place}", f"folder {home.home}/geo"]
    assert "environments.found" not in found


@each_shell
def test_a_folder_in_the_home_is_found_as_in_earlier_releases(shell: tuple[str, ...], home: Home) -> None:
    place = home.venv("my env")
    assert home.answered(home.named(shell, "my env")) == place
    (home.home / "data").mkdir()
    found = home.named(shell, "data")
    assert found["environments.python_fails"] == [f"{home.home}/data/bin/python does not exist"]


@each_shell
def test_one_place_under_two_paths_is_one(shell: tuple[str, ...], home: Home) -> None:
    place = home.conda("disk/envs/geo")
    (home.home / "miniconda3").symlink_to(home.home / "disk")
    (home.home / ".conda").mkdir()
    (home.home / ".conda/environments.txt").write_text(f"{place}\n{place}\n")
    assert home.answered(home.named(shell, "geo")) == place
    home.bare(".pyenv/versions/3.12.1/envs/blue")
    (home.home / ".pyenv/versions/blue").symlink_to("3.12.1/envs/blue")
    assert home.answered(home.named(shell, "blue")).name == "blue"
    home.venv("thesis/.venv")  # the folder of a project and its environment
    assert home.answered(home.named(shell, "thesis")) == home.home / "thesis/.venv"


@each_shell
def test_an_empty_home_has_no_names(shell: tuple[str, ...], home: Home) -> None:
    # Only what is outside the home could be found.
    assert set(home.named(shell, "absent")) == {"environments.names"}


@pytest.mark.parametrize("shell", SHELLS[:3], ids=lambda shell: shell[0])
def test_a_hundred_environments_are_found_in_no_time(shell: tuple[str, ...], home: Home) -> None:
    for number in range(50):
        home.conda(f"miniconda3/envs/e{number}")
        home.venv(f"project{number}/.venv")
    program = ALL + call("look_named", "absent", packages="", environment_probe="")

    def took(text: str) -> float:
        begun = time.perf_counter()
        run(shell, text, env=os.environ | home.env)
        return time.perf_counter() - begun

    spent = min(took(program) for _ in range(5)) - min(took(ALL) for _ in range(5))
    assert spent < 0.1, "some 10 ms, and more on a busy machine"

"""Which browsers cannot read a file of ours."""

from pathlib import Path

import pytest

from nbfab.tunnel.confined import is_confined

FIREFOX = "env BAMF_DESKTOP_FILE_HINT=/var/lib/snapd/desktop/applications/firefox_firefox.desktop /snap/bin/firefox %u"


def _program(folder: Path, name: str, text: str = "\x7fELF") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text)
    file.chmod(0o755)
    return file


def _desktop(folder: Path, name: str, runs: str) -> None:
    (folder / "applications").mkdir(parents=True, exist_ok=True)
    (folder / "applications" / name).write_text(f"[Desktop Entry]\nName=It\nExec={runs}\n")


@pytest.mark.parametrize(
    ("place", "text", "confined"),
    [
        ("bin", "\x7fELF", False),
        ("bin", "#!/bin/sh\nexec /usr/lib/chromium/chromium\n", False),
        ("bin", '#!/bin/sh\nexec /snap/bin/chromium "$@"\n', True),
        ("bin", "#!/bin/sh\nexec flatpak run org.mozilla.firefox\n", True),
        ("snap/bin", "\x7fELF", True),
        ("lib/flatpak/exports/bin", "#!/bin/sh\n", True),
    ],
)
def test_of_a_program(tmp_path: Path, place: str, text: str, confined: bool) -> None:
    folder = tmp_path / place
    _program(folder, "it", text)
    assert is_confined("it", {"PATH": str(folder)}) is confined


def test_a_link_to_snap(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/it").symlink_to(_program(tmp_path / "usr", "snap"))
    assert is_confined("it", {"PATH": str(tmp_path / "bin")}) is True


@pytest.mark.parametrize(
    ("share", "runs", "confined"),
    [
        ("share", "it %u", False),
        ("share", FIREFOX, True),
        ("share", "/usr/bin/flatpak run --branch=stable org.mozilla.firefox %u", True),
        ("flatpak/exports/share", "it %u", True),
        ("share", "gone %u", None),
        ("share", '"it', None),
    ],
)
def test_of_the_desktop_s_default(tmp_path: Path, share: str, runs: str, confined: bool | None) -> None:
    _program(tmp_path / "bin", "it")
    _program(tmp_path / "bin", "xdg-settings", "#!/bin/sh\necho it.desktop\n")
    _desktop(tmp_path / share, "it.desktop", runs)
    env = {"PATH": f"{tmp_path / 'bin'}:/bin", "HOME": str(tmp_path), "XDG_DATA_DIRS": str(tmp_path / share)}
    assert is_confined("/usr/bin/xdg-open", env) is confined
    assert is_confined("xdg-open", env, "it.desktop") is confined


@pytest.mark.parametrize("said", ["", "echo", "echo ../../x.desktop", "echo none.desktop", "exit 2"])
def test_a_default_that_cannot_be_told(tmp_path: Path, said: str) -> None:
    if said:
        _program(tmp_path, "xdg-settings", f"#!/bin/sh\n{said}\n")
    assert is_confined("xdg-open", {"PATH": str(tmp_path), "HOME": str(tmp_path)}) is None


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    assert is_confined("gone", {"PATH": str(tmp_path)}) is None

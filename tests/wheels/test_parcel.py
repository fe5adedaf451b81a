"""A parcel: a folder as a tar."""

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from nbfab.wheels.parcel import Parcel


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    folder = tmp_path / "from"
    folder.mkdir()
    (folder / "requirements.txt").write_text("x==1\n")
    (folder / "uv").write_bytes(b"\x7fELF" + bytes(700))
    (folder / "uv").chmod(0o755)
    with zipfile.ZipFile(folder / f"{'long' * 40}.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.py", bytes(10_000))
        archive.writestr("x.so", bytes(50_000))
    return Parcel("wheels-1", folder)


@pytest.mark.parametrize("tar", [("tar",), ("busybox", "tar")])
def test_it_is_a_tar_that_ends_with_its_mark(parcel: Parcel, tar: tuple[str, ...], tmp_path: Path) -> None:
    text = b"".join(parcel.chunks())
    with tarfile.open(fileobj=io.BytesIO(text)) as archive:
        assert archive.getnames()[-1] == "whole"
    (tmp_path / "to").mkdir()
    subprocess.run([*tar, "-xof", "-"], input=text, cwd=tmp_path / "to", check=True)
    for file in parcel.folder.iterdir():
        assert (tmp_path / "to" / file.name).read_bytes() == file.read_bytes()
    assert (tmp_path / "to/uv").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "to/requirements.txt").stat().st_mode & 0o777 == 0o600


def test_the_room_that_it_takes_is_that_of_what_is_in_the_wheels_compiled(parcel: Parcel) -> None:
    assert parcel.room == parcel.size + 2 * 10_000 + 50_000

"""The lock: which files are installed, by their hashes."""

import pytest

from nbfab.errors import HostError
from nbfab.wheels.lock import parse
from nbfab.wheels.target import Target

A, B, C = "a" * 64, "b" * 64, "c" * 64


def package(name: str, *files: tuple[str, str], version: str = "1.0") -> str:
    wheels = ", ".join(
        f'{{ url = "https://index.example/{file}", size = 7, hashes = {{ sha256 = "{digest}" }} }}'
        for file, digest in files
    )
    return f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{wheels}]\n'


def test_what_pip_and_uv_are_given() -> None:
    lock = parse(
        package("Six_2", ("six_2-1.0-py3-none-any.whl", A))
        + package("num", ("num-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", B), ("num-1.0-py3-none-any.whl", C))
    )
    assert lock.requirements == f"six-2==1.0 --hash=sha256:{A}\nnum==1.0 --hash=sha256:{B}\n"
    assert [wheel.size for wheel in lock.missing] == [7, 7]


def test_what_is_installed_is_listed_and_not_fetched() -> None:
    text = package("one", ("one-1.0-py3-none-any.whl", A)) + package("two", ("two-1.0-py3-none-any.whl", B))
    lock = parse(text, {}, [("One", "1.0"), ("two", "0.9")])
    assert "one==1.0" in lock.requirements
    assert [wheel.name for wheel in lock.missing] == ["two"]
    assert lock.digest != parse(text).digest


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[packages]]\nname = "git"\nversion = "1"\nvcs = { type = "git" }\n', "git is no wheel"),
        (package("up", ("../up.whl", A)).replace("https://index.example/", ""), None),
        (package("dots", ("..%2Fup-1.whl", A)), None),
        (package("hash", ("hash-1.0-py3-none-any.whl", "md5")), "names no file with its SHA-256 for hash 1.0"),
        (package("name", ("-rf.whl", A)), "names no file with its SHA-256 for name 1.0"),
        (package("none", ("none.tar.gz", A)), "names no file"),
    ],
)
def test_what_is_no_wheel_is_refused(text: str, reason: str | None) -> None:
    if reason is None:  # a file's name never leads out of the folder
        assert all("/" not in wheel.file for wheel in parse(text).wheels)
        return
    with pytest.raises(HostError, match=reason):
        parse(text)


def test_a_file_of_this_machine() -> None:
    wheels = f'[{{ path = "wheels/x-1.0-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}]'
    text = f'[[packages]]\nname = "x"\nversion = "1"\nwheels = {wheels}'
    assert parse(text).wheels[0].file == "x-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        (Target("Linux", "x86_64", "glibc", (2, 36), (3, 11)), "manylinux_2_17_x86_64"),
        (Target("Linux", "aarch64", "musl", (1, 2), (3, 11)), "musllinux_1_1_aarch64"),
    ],
)
def test_wheels_of_other_platforms_are_left_out(host: Target, fits: str) -> None:
    platforms = (
        "manylinux_2_17_x86_64",
        "musllinux_1_1_aarch64",
        "macosx_11_0_arm64",
        "win_amd64",
        "manylinux_2_39_x86_64",
    )
    files = [(f"num-1.0-cp311-cp311-{platform}.whl", A) for platform in platforms]
    files.append(("num-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", B))
    (wheel,) = parse(package("num", *files), tags=host.tags).wheels
    assert wheel.file == f"num-1.0-cp311-cp311-{fits}.whl"

"""Which wheels fit a host."""

from dataclasses import replace

import pytest

from nbfab.errors import HostError
from nbfab.wheels.target import Target

DEBIAN = Target("Linux", "x86_64", "glibc", (2, 36), (3, 11))


@pytest.mark.parametrize(
    ("target", "platform"),
    [
        (DEBIAN, "x86_64-manylinux_2_34"),
        (replace(DEBIAN, libc_version=(2, 17)), "x86_64-manylinux_2_17"),
        (replace(DEBIAN, libc_version=(2, 31)), "x86_64-manylinux_2_28"),
        (replace(DEBIAN, libc_version=(2, 41)), "x86_64-manylinux_2_39"),
        (replace(DEBIAN, machine="aarch64"), "aarch64-manylinux_2_34"),
        (replace(DEBIAN, machine="arm64", libc="musl", libc_version=(1, 2)), "aarch64-unknown-linux-musl"),
    ],
)
def test_the_platform_as_uv_takes_it(target: Target, platform: str) -> None:
    assert target.platform == platform


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (replace(DEBIAN, system="Darwin"), "for Linux only, and its system is Darwin"),
        (replace(DEBIAN, machine="ppc64le"), "its machine is ppc64le"),
        (replace(DEBIAN, machine="32 bits of x86_64"), "its machine is 32 bits of x86_64"),
        (replace(DEBIAN, implementation="pypy"), "for CPython only, and its Python is pypy"),
        (replace(DEBIAN, python=(3, 8)), "its Python is 3.8"),
        (replace(DEBIAN, libc_version=(2, 12)), "its libc is glibc 2.12"),
        (replace(DEBIAN, libc="musl", libc_version=(1, 1)), "its libc is musl 1.1"),
        (replace(DEBIAN, libc="", libc_version=(0, 0)), "its libc is not known"),
    ],
)
def test_a_host_that_no_wheels_can_be_chosen_for(target: Target, reason: str) -> None:
    with pytest.raises(HostError, match=reason):
        _ = target.platform


def test_a_target_in_words() -> None:
    assert str(DEBIAN) == "x86_64 with glibc 2.36 and Python 3.11"

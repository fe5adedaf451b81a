"""What the machine may be called."""

import pytest

from nbfab.server.hostnames import Hostnames


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("localhost", True),
        ("gpu1.localhost", True),
        ("GPU1.example.com.Localhost", True),
        ("mine", True),
        ("localhost.example.com", False),
        ("xlocalhost", False),
        ("evil.example", False),
    ],
)
def test_names_below_localhost_are_ours(name: str, ours: bool) -> None:
    assert (name in Hostnames(["localhost", "mine"])) is ours

"""What `nbfab` begins before it reads its command line."""

import pytest

from nbfab.cli.start import _found
from nbfab.names import HostString
from nbfab.ssh.options import SshOptions


@pytest.mark.parametrize(
    ("words", "host", "config"),
    [
        ("-H gpu1 setup", "gpu1", ""),
        ("-S other -H ann@gpu1:22 setup --port 99", "ann@gpu1:22", "other"),
        ("setup -H gpu1", "gpu1", ""),
    ],
)
def test_the_host_that_is_named(words: str, host: str, config: str) -> None:
    found = _found(words.split())
    assert found
    assert (str(found[0]), found[1]) == (host, SshOptions(config=config))
    assert isinstance(found[0], HostString)


@pytest.mark.parametrize(
    "words", ["", "setup", "-H", "-H gpu1,gpu2 setup", "-H -oProxyCommand=x setup", "-H gpu1 setup --help", "-H a;b x"]
)
def test_no_host_or_none_that_is_certain(words: str) -> None:
    assert _found(words.split()) is None

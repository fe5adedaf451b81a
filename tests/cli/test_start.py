"""What `nbfab` begins before it reads its command line."""

import pytest

from nbfab.cli.start import begin
from nbfab.names import parse_host
from nbfab.ssh.options import SshOptions


@pytest.mark.parametrize(
    ("words", "host", "config"),
    [
        ("-S /dev/null -H ann@gpu1:22 setup --port 99", "ann@gpu1:22", "/dev/null"),
        ("-S /dev/null setup -H gpu1", "gpu1", "/dev/null"),
    ],
)
def test_the_host_that_is_named(words: str, host: str, config: str) -> None:
    early = begin(words.split())
    assert early
    route, session = early.take(parse_host(host), SshOptions(config=config))
    assert (route.typed if route else None, session) == (parse_host(host), None)


@pytest.mark.parametrize(
    "words", ["", "setup", "-H", "-H gpu1,gpu2 setup", "-H -oProxyCommand=x setup", "-H gpu1 setup --help", "-H a;b x"]
)
def test_no_host_or_none_that_is_certain(words: str) -> None:
    assert begin(words.split()) is None

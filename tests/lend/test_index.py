"""Which index this machine uses, and which of them cannot be lent."""

import pytest

from nbfab.errors import CannotLend
from nbfab.lend.index import Index, host_of, of_pip, of_uv

A, B, C = (f"https://{name}.example/simple" for name in "abc")


@pytest.mark.parametrize(
    ("files", "environment", "index"),
    [
        ([], {}, Index()),
        ([f"[global]\nindex-url = {A}\n"], {}, Index(A)),
        ([f"[global]\nindex_url = {A}\n"], {}, Index(A)),
        ([f"[global]\nindex-url = {A}\n", f"[global]\nindex-url = {B}\n"], {}, Index(B)),
        ([f"[install]\nindex-url = {B}\n[global]\nindex-url = {A}\n"], {}, Index(B)),
        ([f"[global]\nindex-url = {A}\nextra-index-url =\n    {B}\n    {C}\n"], {}, Index(A, (B, C))),
        ([f"[global]\nindex-url = {A}\n"], {"PIP_INDEX_URL": B}, Index(B)),
        ([], {"PIP_EXTRA_INDEX_URL": f"{B} {C}"}, Index("", (B, C))),
        ([f"[freeze]\nindex-url = {A}\n"], {}, Index()),
        (["no configuration at all"], {}, Index()),
    ],
)
def test_the_index_of_pip(files: list[str], environment: dict[str, str], index: Index) -> None:
    assert of_pip(files, environment) == index


@pytest.mark.parametrize(
    ("files", "environment", "index"),
    [
        ([], {}, Index()),
        ([f'index-url = "{A}"'], {}, Index(A)),
        ([f'[pip]\nindex-url = "{A}"'], {}, Index(A)),
        ([f'index-url = "{A}"', f'index-url = "{B}"'], {}, Index(B)),
        ([f'index-url = "{A}"\nextra-index-url = ["{B}"]'], {}, Index(A, (B,))),
        ([f'[[index]]\nurl = "{A}"\ndefault = true\n[[index]]\nurl = "{B}"'], {}, Index(A, (B,))),
        ([f'[[index]]\nurl = "{B}"\nexplicit = true'], {}, Index()),
        ([f'index-url = "{A}"'], {"UV_INDEX_URL": B}, Index(B)),
        ([], {"UV_DEFAULT_INDEX": A, "UV_INDEX_URL": B}, Index(A)),
        ([], {"UV_INDEX": f"own={B} {C}"}, Index("", (B, C))),
        (["no = configuration = at all", "index = 1\npip = 2"], {}, Index()),
    ],
)
def test_the_index_of_uv(files: list[str], environment: dict[str, str], index: Index) -> None:
    assert of_uv(files, environment) == index


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (A, "a.example"),
        ("https://A.Example.:443/simple/", "a.example"),
        ("https://127.0.0.1/simple", "127.0.0.1"),
        ("https://[2001:db8::1]/simple", "2001:db8::1"),
    ],
)
def test_what_can_be_lent(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://a.example/simple", "http://"),
        ("https://ann:hunter2222@a.example/simple", "takes credentials"),
        ("https://ann@a.example/simple", "takes credentials"),
        ("https://a.example:8443/simple", "port 8443"),
        ("https://a.example:99999/simple", "makes no sense"),
        ("https://a.example/simple?key=hunter2222", "makes no sense"),
        ("https://a.example/si mple", "makes no sense"),
        ("https:///simple", "no host"),
        ("file:///srv/simple", "a folder"),
        ("/srv/simple", "a folder"),
        ("ssh://a.example/simple", "ssh://"),
    ],
)
def test_what_cannot_be_lent_and_why(url: str, why: str) -> None:
    with pytest.raises(CannotLend) as error:
        host_of(url)
    assert why in str(error.value)
    assert "hunter" not in str(error.value)

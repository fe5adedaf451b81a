"""A requirements file: what becomes of its lines, and what is refused, with the place and the reason."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from fixes import COMMAND
from hypothesis import given, settings
from hypothesis import strategies as st

from nbfab.errors import UsageError
from nbfab.fix import document
from nbfab.requirements.parse import parse
from nbfab.requirements.requirements import Requirements

A, B = "a" * 64, "b" * 64
SECRET = "hunter2222"


def lines(text: str) -> tuple[str, ...]:
    return parse(text, "requirements.txt").lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numpy", ["numpy"]),
        ("NumPy >= 1.2 , <2", ["numpy<2,>=1.2"]),
        ("scikit_learn[b, a]==1.5", ["scikit-learn[a,b]==1.5"]),
        ("idna (>=3)", ["idna>=3"]),
        ("six ; python_version < '3.9'", ['six; python_version < "3.9"']),
        ("six  # why\n\n# nothing\n  idna\t\n", ["six", "idna"]),
        ("six\r\nidna\r\n", ["six", "idna"]),
        ("six\nsix\nSix", ["six"]),
        ("six>=1, \\\n  <2", ["six<2,>=1"]),
        ("six>=1\\\n# why\nidna", ["six>=1", "idna"]),
        ("six \\", ["six"]),
        (f"six==1.0 --hash=sha256:{B} \\\n  --hash sha256:{A}", [f"six==1.0 --hash=sha256:{A} --hash=sha256:{B}"]),
        (f"--require-hashes\nsix==1.0 --hash=sha512:{A}{A}", [f"six==1.0 --hash=sha512:{A}{A}"]),
        ("six @ https://example.org/six.zip", ["six @ https://example.org/six.zip"]),
        ("six@https://example.org/six.zip#sha256=" + A,
         [f"six @ https://example.org/six.zip#sha256={A} --hash=sha256:{A}"]),
        ("six @ git+https://example.org/six.git@v1 ; sys_platform == 'linux'",
         ['six @ git+https://example.org/six.git@v1 ; sys_platform == "linux"']),
        ("git+https://example.org/six.git@v1#egg=six&subdirectory=py",
         ["six @ git+https://example.org/six.git@v1#subdirectory=py"]),
        ("https://example.org/six-1.17.0-py2.py3-none-any.whl",
         ["six @ https://example.org/six-1.17.0-py2.py3-none-any.whl"]),
        ("six\n-i https://example.org/simple", ["--index-url https://example.org/simple", "six"]),
        ("--index-url=https://a.example/x\n--pre --index-url 'https://b.example/y'\nsix",
         ["--index-url https://b.example/y", "--pre", "six"]),
        ("--no-index\n-fhttps://example.org/files\nsix",
         ["--find-links https://example.org/files", "--no-index", "six"]),
        ("--only-binary=:all:\n--no-binary Six,idna\nsix",
         ["--no-binary six", "--no-binary idna", "--only-binary :all:", "six"]),
        ("--extra-index-url http://127.0.0.1:8080/simple\nsix",
         ["--extra-index-url http://127.0.0.1:8080/simple", "six"]),
        ("six==$x", None),
        ("a\N{LINE SEPARATOR}b", ["a", "b"]),
    ],
)  # fmt: skip
def test_what_becomes_of_a_line(text: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            lines(text)
    else:
        assert lines(text) == tuple(expected)


REFUSED = [
    ("", 0, "it names no packages"),
    ("--pre", 0, "it names no packages"),
    ("six\n-e .", 2, ". is a file or folder of this machine, which a host does not have"),
    ("-e ./lib", 1, "./lib is a file or folder of this machine"),
    ("-e git+https://example.org/x.git#egg=x", 1, "-e keeps a working copy, which belongs to one machine"),
    ("six\n\n./lib", 3, "./lib is a file or folder of this machine"),
    ("../lib[all] ; python_version > '3'", 1, "../lib is a file or folder"),
    ("lib/x-1.0.tar.gz", 1, "lib/x-1.0.tar.gz is a file or folder"),
    ("x-1.0-py3-none-any.whl", 1, "x-1.0-py3-none-any.whl is a file or folder"),
    ("C:\\lib", 1, "it is a file or folder"),
    ("x @ file:///lib", 1, "x is a file or folder"),
    ("x @ git+file:///lib", 1, "x is a file or folder"),
    ("file:///lib", 1, "it is a file or folder"),
    ("x @ ./lib", 1, "x is a file or folder"),
    ("--find-links ./wheels", 1, "--find-links is a file or folder"),
    ("x @ git+ssh://git@example.org/x.git", 1, "x is fetched by SSH, and the host has no key"),
    ("x @ Git+SSH://example.org/x.git", 1, "x is fetched by SSH"),
    ("x @ git+git@example.org:x.git", 1, "x is fetched by SSH"),
    ("-e git@example.org:x.git", 1, "it is fetched by SSH"),
    ("git@file:///x", 1, "it is a file or folder"),
    ("git+ssh://example.org/x.git#egg=x", 1, "it is fetched by SSH"),
    ("x @ hg+https://example.org/x", 1, "x has a URL of a kind that pip and uv do not both take"),
    ("x @ ftp://example.org/x", 1, "x has a URL of a kind"),
    ("x @ http://example.org/x.zip", 1, "x is fetched without encryption"),
    ("x @ git+http://example.org/x.git", 1, "x has a URL of a kind"),
    ("-i http://example.org/", 1, "--index-url is fetched without encryption"),
    ("https://example.org/archive/main.zip", 1, "this is a URL without the name of its package"),
    ("git+https://example.org/x.git", 1, "this is a URL without the name of its package"),
    ("x @ https://[::1/x", 1, "x is no URL"),
    ("x @ https://example.org:x/", 1, "x is no URL"),
    ("-i https://ex\u00e4mple.org/", 1, "--index-url is no URL"),
    (f"x @ https://ann:{SECRET}@example.org/x.zip", 1, "x has a password or a token in its URL"),
    (f"x @ https://{SECRET}@example.org/x.zip", 1, "x has a password or a token in its URL"),
    (f"-i https://ann:{SECRET}@example.org/", 1, "it has a password or a token in its URL"),
    (f"six\nhttps://{SECRET}:@example.org/x.zip nonsense", 2, "it has a password or a token in its URL"),
    (f"x = https:/{SECRET}@example.org", 1, "is no requirement"),
    (f"https:\\\\ann:{SECRET}@example.org", 1, "it is a file or folder"),
    (f"x @ https:\\\\ann:{SECRET}@example.org", 1, "x is no URL"),
    ("-i https://${TOKEN}@example.org/", 1, "TOKEN would come from the environment"),
    ("x==${VERSION}", 1, "VERSION would come from the environment"),
    ("numpy=1.2", 1, '"numpy=1.2" is no requirement'),
    ("numpy 1.2", 1, '"numpy 1.2" is no requirement'),
    ("<html>", 1, '"<html>" is no requirement'),
    ("numpy>=one", 1, '"numpy>=one" is no requirement'),
    ("x;" + "(" * 5000, 1, "this line is no requirement"),
    ("x>=1" + ",>=1" * 5000, 1, "this line is no requirement"),
    ("--pre '" + "x" * 1_000_000, 1, "the line is longer than any requirement with its hashes"),
    ("six\x00", 1, "there is a character that cannot be seen"),
    ("si\u200bx", 1, "there is a character that cannot be seen"),
    ("x ; 'a' in extras", 1, "x depends on extras or groups that only a lock file has"),
    ("six\nidna \\ \n>3", 2, "is no requirement"),
    ("--trusted-host example.org", 1, "--trusted-host takes packages from a host without checking"),
    ("--use-feature=fast-deps", 1, '"--use-feature" is no option that pip and uv both take in a file'),
    ("--no-indx", 1, '"--no-indx" is no option'),
    ("-x", 1, '"-x" is no option'),
    ("--pre=yes", 1, "--pre takes no value"),
    ("--index-url", 1, "--index-url needs a value"),
    ("--pre six", 1, "there is something after the options"),
    ("--only-binary a/b", 1, "--only-binary has something that is no package's name"),
    ("--index-url 'https://example.org/", 1, "there is a quotation mark that is not closed"),
    (f"--hash=sha256:{A}", 1, "a hash stands without its package"),
    ("six==1 --hash=sha256:abc", 1, "a hash is not of the form sha256:DIGITS"),
    ("six==1 --hash=md5:" + "a" * 32, 1, "a hash is not of the form sha256:DIGITS"),
    ("six==1 --hash 'x", 1, "there is a quotation mark that is not closed"),
    ("six --global-option=x", 1, '"--global-option" cannot stand after a requirement'),
    (f"six>=1 --hash=sha256:{A}", 1, "six has a hash and no exact version"),
    (f"six==1.* --hash=sha256:{A}", 1, "six has a hash and no exact version"),
    (f"x @ git+https://example.org/x.git --hash=sha256:{A}", 1, "x comes from Git and has a hash"),
    (f"six==1 --hash=sha256:{A}\nidna==3", 2, "idna has no hash, and others have one"),
    ("--require-hashes\nsix==1", 2, "six has no hash, and --require-hashes is there"),
    ("-r other.txt", 1, "it includes another file, which is not at hand here"),
    ("-r https://example.org/requirements.txt", 1, "it includes a file by its URL"),
]


@pytest.mark.parametrize(("text", "line", "message"), REFUSED)
def test_what_is_refused_is_named_by_its_line_with_the_reason_and_a_fix(text: str, line: int, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, "requirements.txt")
    whole = str(error.value)
    assert whole.startswith(f"requirements.txt:{line}: " if line else "requirements.txt: ")
    assert message in whole
    assert "\n" not in whole
    assert SECRET not in whole + error.value.hint
    assert error.value.__cause__ is None
    assert error.value.fix
    for part in document(error.value.fix):
        assert not COMMAND.search(part.get("words", ""))


def test_an_option_that_is_mistyped_has_the_right_one_as_its_fix() -> None:
    with pytest.raises(UsageError) as error:
        parse("--no-indx", "requirements.txt")
    assert error.value.hint == "did you mean --no-index?"


def test_what_a_file_asks_for() -> None:
    found = parse("--pre\nPandas>=2\nscikit.learn; sys_platform == 'linux'\npandas<4\n", "dev.txt")
    assert found.source == "dev.txt"
    assert found.text == '--pre\npandas>=2\nscikit-learn; sys_platform == "linux"\npandas<4\n'
    assert found.names == ("pandas", "scikit-learn")
    assert (found.pre, found.hashed, found.constraints, found.python) == (True, False, (), "")
    assert parse(f"six==1 --hash=sha256:{A}", "x").hashed


OPTIONS = "--pre\n-i https://example.org/simple\n--no-binary six\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{OPTIONS}six>=1,<2\nidna",
        f"# why\n\n{OPTIONS}idna  # that\nSix <2, >=1",
        "six<2,>=1\n--no-binary=Six\n--index-url=https://example.org/simple\nidna\n--pre",
    ],
)
def test_order_spelling_and_comments_do_not_change_the_digest(text: str) -> None:
    assert parse(text, "x").digest == parse(f"{OPTIONS}six>=1,<2\nidna", "y").digest


@pytest.mark.parametrize("text", ["six", "six>=1\nidna", "six\nidna\n--pre", "six\nidna[a]"])
def test_another_request_has_another_digest(text: str) -> None:
    found = parse("six\nidna", "x")
    assert parse(text, "x").digest != found.digest
    assert replace(found, constraints=("six<2",)).digest != found.digest


def test_which_index_comes_first_counts() -> None:
    first, second = "--extra-index-url https://a.example/\n", "--extra-index-url https://b.example/\n"
    assert parse(f"{first}{second}six", "x").digest != parse(f"{second}{first}six", "x").digest


def pieces() -> Iterator[str]:
    yield from "\\\n \t#;-[](),@'\"=<>~!.:/${}\N{ZERO WIDTH SPACE}"
    yield from (
        "six",
        "idna==3.1",
        "--hash=sha256:" + A,
        "--pre",
        "-i https://x.example/",
        " ; ",
        "python_version > '3'",
    )
    yield from (
        "git+https://",
        "https://",
        "file:",
        "-r x",
        "-e",
        " -",
        "--no-binary ",
        ":all:",
        "extra",
        "${A}",
        "#egg=",
    )
    yield from (text for text, *_ in REFUSED if len(text) < 100)


TEXTS = st.one_of(st.text(st.characters()), st.lists(st.sampled_from(list(pieces())), max_size=12).map("".join))


@settings(max_examples=500)
@given(TEXTS)
def test_any_text_is_requirements_or_an_error_of_use(text: str) -> None:
    try:
        found = parse(text, "requirements.txt")
    except UsageError as error:
        message = str(error)
    else:
        message = ""
        check_again(found)
    assert message.isprintable()


def check_again(found: Requirements) -> None:
    """That what comes out is read as the same."""
    again = parse(found.text, "again")
    assert again.lines == found.lines
    assert (again.digest, again.names, again.hashed) == (found.digest, found.names, found.hashed)
    assert found.text.isascii() or '"' in found.text
    assert all(re.fullmatch("[a-z0-9-]+", name) for name in found.names)


NAMES = st.from_regex("[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)
WANTED = st.builds(
    "{}{}{}".format,
    NAMES,
    st.sampled_from(["", "==1.0", " >= 1, !=1.5", "[x,Y]", " @ https://example.org/x.zip", "===1-x", "~=1.0rc1"]),
    st.sampled_from(["", " ; python_version<'3.12' or extra == 'A_b'", "  # why", f" --hash=sha256:{A}", "\\\n"]),
)


@given(st.lists(WANTED, max_size=5))
def test_what_is_written_back_is_read_as_the_same(wanted: list[str]) -> None:
    with suppress(UsageError):
        check_again(parse("\n".join(wanted), "x"))

"""The lines of a requirements file, as pip reads them (pip/_internal/req/req_file.py)."""

import re
from collections.abc import Iterator

from nbfab.requirements.place import Place

_LONGEST = 100_000  # characters; 1,200 hashes. shlex takes quadratic time
_COMMENT = r"(?<!\S)#"
_VARIABLE = r"\$\{([A-Z0-9_]+)\}"  # what pip and uv replace; they leave any other $ as it is
_SSH = ("ssh:", "git+git")
_SCP = r"(?:^|[\s=+])git@[\w.-]+:(?!//)"  # as Git takes it: git@HOST:PATH
_NAME = r"[A-Za-z0-9._-]{1,60}"


def lines_in(text: str, file: str, *, numbered: bool = True) -> Iterator[tuple[Place, str]]:
    """Each line that means something, and its place: continued ones joined, without comments. Raises UsageError.

    They are not `numbered` where a program has written them, so that the user has no file with those numbers.
    """
    for number, line in _joined(text):
        kept = re.split(_COMMENT, line, maxsplit=1)[0].strip()
        if kept:
            place = Place(file, number if numbered else 0)
            check(kept, place)
            yield place, kept


def _joined(text: str) -> Iterator[tuple[int, str]]:
    first, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        first = first if parts else number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            parts.append(line.rstrip("\\") or " ")
            continue
        yield first, "".join([*parts, f" {line}" if comment else line])
        parts = []
    if parts:
        yield first, "".join(parts)


def check(line: str, place: Place) -> None:
    """Raises UsageError for what no line may hold, whatever else it is: secrets, and odd characters."""
    if not line.replace("\t", " ").isprintable():
        raise place.error("there is a character that cannot be seen", "type the line anew")
    if len(line) > _LONGEST:
        raise place.error("the line is longer than any requirement with its hashes", "name a file of requirements")
    if found := re.search(_VARIABLE, line):
        raise place.error(
            f"{found[1][:60]} would come from the environment, and a token has no place on a host's disk",
            "write the value if it is no secret; have an index that wants a login mirrored by one that does not",
        )
    name = line.partition(" @ ")[0]
    name = name if re.fullmatch(_NAME, name) else "it"
    if any(kind in line.lower() for kind in _SSH) or re.search(_SCP, line):
        raise place.error(
            f"{name} is fetched by SSH, and the host has no key for that",
            "if the repository is public, write git+https:// in its place",
        )
    for url in line.split("://")[1:]:
        if "@" in re.split(r"[/?#\s\\]", url, maxsplit=1)[0]:
            raise place.error(
                f"{name} has a password or a token in its URL, which would stay on the host's disk",
                "leave that out, and take an index or a repository that asks for none",
            )

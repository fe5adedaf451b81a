"""Text on its way from a host to a person. `nbfab.display.output` applies it to whatever is shown."""

# Where str.splitlines ends a line, and so do some terminals and spreadsheets.
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_ESCAPES = str.maketrans({end: end.encode("unicode_escape").decode() for end in _LINE_ENDS})


def clean(text: str) -> str:
    """Text that is safe on a terminal: no control or format characters but line ends, nothing that has no encoding."""
    return "".join(_shown(character) for character in text)


def one_line(text: str) -> str:
    """Text whose line ends are written out, so that a name cannot pass for another line of a report."""
    return text.translate(_ESCAPES)


def clean_line(text: str) -> str:
    """Text that is safe, and one line."""
    return clean(one_line(text))


def _shown(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return "    " if character == "\t" else character.encode("unicode_escape", "backslashreplace").decode()

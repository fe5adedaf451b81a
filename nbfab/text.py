"""Text on its way from a host to a person."""


def clean(text: str) -> str:
    """Text that is safe on a terminal: no control characters but line ends, nothing that cannot be encoded."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return "    " if character == "\t" else character.encode("unicode_escape", "backslashreplace").decode()

"""Scrub: text without what looks like a secret."""

from __future__ import annotations

import re

_GONE = "[removed]"
_BEGIN, _END = "-----BEGIN ", "-----END "


def scrub(text: str) -> str:
    """The text without keys, hashes and tokens, and without what stands behind a word such as password.

    It removes too much rather than too little: of an unquoted password, all that follows in the line.
    """
    text = _without_pem(text)
    # Hashes, as Jupyter and crypt(3) write them, and the user in front of an address.
    text = re.sub(r"\b(?:argon2|sha1|sha256|sha512):\S{1,1000}", _GONE, text)
    text = re.sub(r"\$[0-9a-z]{1,10}\$[^\s:'\"]{8,1000}", _GONE, text)
    text = re.sub(r"://[^\s/]{1,300}@", f"://{_GONE}@", text)
    text = re.sub(r"(?i)(_key=)[^\s&]{1,1000}", rf"\1{_GONE}", text)
    # What a generated password looks like, and a signed token (RFC 7519).
    text = re.sub(r"\b[0-9a-z]{5}(?:-[0-9a-z]{5}){3}\b", _GONE, text)
    text = re.sub(r"\beyJ[\w-]{5,2000}\.[\w-]{2,2000}(?:\.[\w-]{0,2000})?", _GONE, text)
    # An option with a value of its own.
    text = re.sub(
        r"(?i)(--[a-z0-9_.-]{0,30}(?:password|passwd|passphrase|secret|credential|token|key|auth)[a-z0-9_-]{0,30}\s{1,3})"
        r"(?:\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'|[^\s-]\S{0,1000})",
        rf"\1{_GONE}",
        text,
    )
    # A whole header, then what may have blanks in it, then one word.
    text = re.sub(r"(?i)((?:cookie|authorization)[\"']?\s{0,3}[=:])[^\n]{1,5000}", rf"\1{_GONE}", text)
    text = re.sub(
        r"(?i)((?:password|passwd|passphrase|secret|credential)[a-z0-9_]{0,30}[\"']?\s{0,3}(?:=|:|%3d)\s{0,3})"
        r"(?:\"(?:[^\"\\\n]|\\.){0,500}\"|'(?:[^'\\\n]|\\.){0,500}'|[^\n]{1,1000})",
        rf"\1{_GONE}",
        text,
    )
    text = re.sub(
        r"(?i)((?:token|xsrf|api_?key|access_?key|private_?key|pass|pwd|auth|bearer|basic|signature)[a-z0-9_]{0,30}"
        r"[\"']?\s{0,3}(?:=|:|%3d)\s{0,3})"
        r"(?:bearer |basic |token )?"
        r"(?:\"(?:[^\"\\\n]|\\.){0,500}\"|'(?:[^'\\\n]|\\.){0,500}'|[\"'][^\n]{0,1000}|[^\s&]{1,1000})",
        rf"\1{_GONE}",
        text,
    )
    text = re.sub(r"(?i)\b(bearer|basic) [A-Za-z0-9._~+/=-]{6,1000}", rf"\1 {_GONE}", text)
    # Tokens of well-known services, and whatever is long and has no blanks.
    text = re.sub(r"\b(?:glpat-|AKIA|ASIA|gh[oprsu]_|hf_|sk-|xox[a-z]-|AIza|npm_|pypi-)[\w-]{8,500}", _GONE, text)
    text = re.sub(r"[A-Za-z0-9+_=-]{32,}", _GONE, text)
    return re.sub(r"[A-Za-z0-9+/_=-]{32,}", _unless_path, text)


def _unless_path(found: re.Match[str]) -> str:
    """Removes base64; a path begins with a slash, or has no capitals, small letters and digits alike."""
    text = found[0]
    mixed = any(map(str.isupper, text)) and any(map(str.islower, text)) and any(map(str.isdigit, text))
    return _GONE if mixed and not text.startswith("/") else text


def _without_pem(text: str) -> str:
    """The text without keys and certificates, also one that has no end, or a time in front of each line."""
    kept = []
    while text:
        before, mark, rest = text.partition(_BEGIN)
        kept.append(before)
        if not mark:
            break
        kept.append(_GONE)
        _, end, rest = rest.partition(_END)
        text = rest.partition("-----")[2] if end else ""
    return "".join(kept)

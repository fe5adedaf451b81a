"""Board: the page of a fleet's hosts, which shows their states and opens them. Pure: text from rows."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from nbfab.text import clean_line
from nbfab.tunnel.row import AGAIN, Row
from nbfab.tunnel.web import Answer

_HERE = Path(__file__).parent
_MARKS = {"up": ("good", "●"), "connecting": ("dim", "◌"), "a person is needed": ("bad", "▲")}
_OTHER = ("bad", "○")
# The nonce posts itself; a page without scripts has a button. What it leads to is the host's own origin.
_LOGIN = Template("""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$host</title>
<form method="post" action="$origin/nbfab-login">
<input type="hidden" name="nonce" value="$login">
<input type="hidden" name="next" value="/">
<noscript><button>Log in to $host</button></noscript>
</form>
<script nonce="$nonce">document.forms[0].submit()</script>
</html>
""")
_SORRY = Template("""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$host</title>
<style nonce="$nonce">
$style
p, code { overflow-wrap: anywhere; } a { color: var(--link); }
code { background: var(--code); border-radius: .3rem; padding: .3rem .5rem; }
</style>
<main>
<h1>$host</h1>
<p>$why</p>
$links
</main>
</html>
""")


def page(rows: Sequence[Row], token: str) -> Answer:
    """The page as it is now; its forms carry the `token`."""
    nonce = secrets.token_urlsafe(16)
    lines = (
        f'<tr role="row" data-made="{_made(row, token, number)}">{_cells(row, number, token)}</tr>'
        for number, row in enumerate(rows)
    )
    body = _template().substitute(nonce=nonce, style=_style(), sum=_sum(rows), rows="\n".join(lines))
    own = f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; form-action 'self'"
    # Its own forms have to say where they come from, or they could not be told from those of other sites.
    return Answer(body, policy=f"default-src 'none'; {own}", referrer="same-origin")


def state(rows: Sequence[Row], token: str) -> Answer:
    """What has become of the hosts, for the page's script: each row as the page has it, and as it is read out."""
    known = [
        {
            "made": _made(row, token, number),
            "html": _cells(row, number, token),
            "said": clean_line(f"{row.host}: {row.told}"),
        }
        for number, row in enumerate(rows)
    ]
    return Answer(json.dumps({"sum": _sum(rows), "rows": known}), kind="application/json")


def login(row: Row, origin: str, nonce: str) -> Answer:
    """A page that logs the browser in to a host, and is left at once."""
    own = secrets.token_urlsafe(16)
    values = {"host": row.host, "origin": origin, "login": nonce, "nonce": own}
    body = _LOGIN.substitute({name: _text(value) for name, value in values.items()})
    return Answer(body, policy=f"default-src 'none'; script-src 'nonce-{own}'; form-action {origin}")


def sorry(row: Row, why: str) -> Answer:
    """A page that says why the user is not logged in, and leads to the host all the same, if it can be reached."""
    own = secrets.token_urlsafe(16)
    to = f'<p><a href="{_text(row.url)}" rel="noreferrer">{_text(row.url)}</a></p>' if row.url else ""
    parts = [*(f"<p><code>{_text(part)}</code></p>" for part in row.fix), to]
    body = _SORRY.substitute(
        host=_text(row.host), why=_text(why), nonce=own, style=_style(), links="\n".join(filter(None, parts))
    )
    return Answer(body, 502, policy=f"default-src 'none'; style-src 'nonce-{own}'")


def _cells(row: Row, number: int, token: str) -> str:
    """The cells of a row."""
    kind, mark = _MARKS.get(row.state, _OTHER)
    said = [f'<p class="{kind}"><span aria-hidden="true">{mark} </span>{_text(row.told)}</p>']
    said += [f"<p>{_text(row.words)}</p>"] if row.words else []
    said += [f"<code>{_text(part)}</code>" for part in row.fix]
    said += [f'<p><a href="{_text(row.url)}" rel="noreferrer">{_text(row.url)}</a></p>'] if row.url else []
    said += [f'<p class="dim">{_text(note)}</p>' for note in row.notes]
    profile = f'<p class="dim">{_text(row.profile)}</p>' if row.profile != "nbserver" else ""
    # Roles are said out loud, since a narrow page lays rows out by other means than those of tables.
    head = f'<th scope="row" role="rowheader">{_text(row.host)}{profile}</th>'
    return f'{head}<td role="cell">{"".join(said)}</td><td role="cell">{_button(row, number, token)}</td>'


def _button(row: Row, number: int, token: str) -> str:
    """What can be done about a host from here: open it, or look again."""
    again = row.state in AGAIN
    action, words = ("look", "Look again") if again else ("open", "Open")
    look = " disabled" if row.state == "connecting" else ' class="go"' if row.state == "up" else ""
    where = "" if again else ' target="_blank" rel="noopener"'
    return (
        f'<form method="post" action="{action}"{where}>'
        f'<input type="hidden" name="token" value="{_text(token)}"><input type="hidden" name="row" value="{number}">'
        f'<button{look} aria-label="{words}: {_text(row.host)}">{words}</button></form>'
    )


def _made(row: Row, token: str, number: int) -> str:
    """What tells whether a row has to be shown anew."""
    return hashlib.sha256(_cells(row, number, token).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _sum(rows: Sequence[Row]) -> str:
    return f"{sum(row.state == 'up' for row in rows)} of {len(rows)} connected"


def _text(value: str) -> str:
    """Text that is safe in a page: one line, no markup, nothing that a terminal or a browser would act on."""
    return escape(clean_line(value))


def _template() -> Template:
    return Template((_HERE / "board.html").read_text(encoding="utf-8"))


def _style() -> str:
    """The colours of nbfab's other pages."""
    return (_HERE.parent / "display" / "style.css").read_text(encoding="utf-8").strip()

"""A page of the fleet for people: links, states, fingerprints, commands to copy; one file, nothing from elsewhere."""

from collections.abc import Sequence
from html import escape

from nbfab.outcome import Outcome
from nbfab.report import clean

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --dim: #57606a; --line: #d0d7de; --good: #1a7f37;
  --bad: #b3261e; --link: #0550ae; --code: #f3f4f6; }
@media (prefers-color-scheme: dark) { :root { --back: #0f1419; --text: #e6e9ed; --dim: #9aa4af; --line: #30363d;
  --good: #57c06b; --bad: #ff8a80; --link: #79b8ff; --code: #1c232b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: .5rem 0 0; }
p { margin: .2rem 0; overflow-wrap: anywhere; }
.dim { color: var(--dim); }
main { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); margin-top: 1rem; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; break-inside: avoid; min-width: 0; }
h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); }
a { color: var(--link); overflow-wrap: anywhere; }
code { display: block; background: var(--code); border-radius: .3rem; padding: .3rem .5rem; font-size: .85rem;
  overflow-wrap: anywhere; flex: 1; min-width: 0; }
.copy { display: flex; gap: .4rem; align-items: start; margin: .3rem 0; }
button { font: inherit; font-size: .85rem; padding: .2rem .6rem; border: 1px solid var(--line); border-radius: .3rem;
  background: var(--back); color: var(--text); cursor: pointer; }
@media print { :root { --back: #fff; --text: #000; --dim: #333; --line: #999; --link: #000; --code: #fff; --good: #000;
  --bad: #000; } button { display: none; } body { max-width: none; padding: 0; font-size: .8rem; }
  main { grid-template-columns: 1fr 1fr; } }
"""

_SCRIPT = """
document.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  const code = button.previousElementSibling;
  const done = () => { button.textContent = 'Copied'; setTimeout(() => { button.textContent = 'Copy'; }, 1500); };
  const select = () => { getSelection().selectAllChildren(code); if (document.execCommand('copy')) done(); };
  if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, select); else select();
});
"""


def page(outcomes: Sequence[Outcome], made: str) -> str:
    """The page as HTML: the outcomes of `status`, as they were at the time `made`. Nothing secret is in it."""
    running = sum(1 for outcome in outcomes if not outcome.status)
    cards = "\n".join(_card(outcome) for outcome in outcomes)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Notebook servers</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Notebook servers</h1>
<p class="dim">{running} of {len(outcomes)} running, {_text(made)}</p>
<main>
{cards}
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _card(outcome: Outcome) -> str:
    good = not outcome.status
    lines = [f'<p class="{"good" if good else "bad"}">{"● running" if good else f"○ {_text(_state(outcome))}"}</p>']
    if good:
        lines.append(f'<p><a href="{_text(outcome.url)}">{_text(outcome.url)}</a></p>')
    if "fingerprint" in outcome.state:
        print_ = outcome.state["fingerprint"]
        lines.append(
            f'<p class="dim">Certificate, {outcome.state.get("days_left")} days left, SHA-256</p>{_copy(print_)}'
        )
    kernels = outcome.state.get("kernels") or []
    if kernels:
        lines.append(f'<p class="dim">{len(kernels)} live: {_text(", ".join(kernels))}</p>')
    if good and "ssh" in outcome.state:
        port = outcome.url.rstrip("/").rpartition(":")[2]
        tunnel = f"ssh -N -L {port}:127.0.0.1:{port} {outcome.state['ssh']}"
        lines.append(f'<p class="dim">Where a firewall is between</p>{_copy(tunnel)}')
    if "attach" in outcome.state and "ssh" in outcome.state:
        attach = f"ssh -t {outcome.state['ssh']} {outcome.state['attach']}"
        lines.append(f'<p class="dim">Its terminal</p>{_copy(attach)}')
    if outcome.hint and not good:
        lines.append(f'<p class="dim">Mend: {_text(outcome.hint)}</p>')
    return f"<article>\n<h2>{_text(outcome.host)}</h2>\n" + "\n".join(lines) + "\n</article>"


def _state(outcome: Outcome) -> str:
    verdict = "not running" if outcome.verdict == "unchanged" else outcome.verdict
    return f"{verdict}: {outcome.error.splitlines()[0]}" if outcome.error else verdict


def _copy(command: str) -> str:
    return f'<div class="copy"><code>{_text(command)}</code><button type="button">Copy</button></div>'


def _text(text: str) -> str:
    return escape(clean(text), quote=True)

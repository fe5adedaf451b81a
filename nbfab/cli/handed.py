"""What comes after a task has ended: this program goes on as another, which has the terminal, or holds a link."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab.cli.call import Call
from nbfab.cli.report import Report

if TYPE_CHECKING:
    from nbfab.display.terminal import Terminal
    from nbfab.outcome import Outcome
    from nbfab.ssh.host import There
    from nbfab.tunnel.claim import Claim
    from nbfab.tunnel.state import Whose


def hand_over(
    call: Call,
    report: Report,
    terminal: "Terminal",
    outcome: "Outcome",
    there: "There | None",
    mine: "Whose | None",
    claim: "Claim | None",
    *,
    typist: bool,
) -> None:
    """Goes on with what `attach` or `open` has asked for; returns if that is nothing. On this machine, none is `there`.

    `mine` is what is remembered of the host by that, and `claim` that no other program opens it meanwhile.
    """
    if terminal.attached and not call.json:
        from nbfab.cli import attached

        with report.errors():
            attached.go_on(there.with_terminal() if there else (), terminal.attached)
    if terminal.opened:
        from nbfab.cli.near import go_on
        from nbfab.display.document import document

        with report.errors():
            commands = {task: terminal.command(task) for task in ("open", "start")}
            spec = replace(
                terminal.opened,
                json=call.json,
                browser="no_browser" not in call.flags,
                background="background" in call.flags,
                commands={**commands, "close": call.close(there.label if there else "")},
                claim=claim.pass_on() if claim else -1,
                document=document(call.task, [outcome], outcome.status) if call.json else "",
            )
            if there:
                spec = replace(
                    spec,
                    command=tuple(there.by_itself()),
                    asking=tuple(there.asking()),
                    typed=there.typed,
                    keeps=there.marks,
                    person=typist and sys.stderr.isatty() and "background" not in call.flags,
                    way=mine.way if mine else "",
                    published=there.published,
                )
        go_on(spec)

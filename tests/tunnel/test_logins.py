"""Logins that take what a person types: with an `ssh` that asks what a test wants, and notes what it is answered."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nbfab.prompts import for_key, for_password, lasts, of_server
from nbfab.tunnel.answers import KEPT, Answers
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.link import Link
from nbfab.tunnel.logins import Logins

KEY, PASSWORD = for_key("/home/ann/.ssh/id"), for_password("ann", "gpu1")
CODE = of_server("ann", "gpu1", "Verification code: ")

# It asks the prompts in `asks`, each with the answer that it wants; it is logged in once all are right.
SSH = """#!/usr/bin/env python3
import json, os, subprocess, sys, time
if "-O" in sys.argv:
    sys.exit(0)
here = os.path.dirname(os.path.abspath(__file__))
control = next(word.partition("=")[2] for word in sys.argv if word.startswith("ControlPath="))
for prompt, wanted in json.load(open(here + "/asks")):
    if "BatchMode=yes" in sys.argv:
        answer = ""
    else:
        asked = subprocess.run([os.environ["SSH_ASKPASS"], prompt], stdout=subprocess.PIPE, text=True)
        answer = asked.stdout.rstrip("\\n")
    with open(here + "/answered", "a") as file:
        file.write(json.dumps([prompt, answer]) + "\\n")
    time.sleep(float(os.environ.get("SLOW", "0")))
    if answer != wanted:
        sys.exit("ann@gpu1: Permission denied (publickey,password).")
open(control, "w").close()
time.sleep(60)
"""


class Person:
    """Types the given answers one after the other; then there is no one any more."""

    def __init__(self, *answers: str | None) -> None:
        self.prompts: list[str] = []
        self.wanted: list[str] = []
        self._answers = list(answers)

    @property
    def there(self) -> bool:
        return bool(self._answers)

    async def answers(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        return self._answers.pop(0)

    async def wants(self, what: str) -> bool:
        self.wanted.append(what)
        return True


class Log:
    """What the link tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def lost(self, why: str) -> None:
        self.lines.append("lost")

    def found(self, seconds: float, tries: int) -> None:
        self.lines.append("found")

    def tried(self, error: Failed) -> None:
        self.lines.append(f"{type(error).__name__}: {error}")

    def note(self, text: str, event: str = "note") -> None:
        self.lines.append(text)


class Rig:
    """A link by an `ssh` that asks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, Log()
        self.env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        (folder / "ssh").write_text(SSH)
        (folder / "ssh").chmod(0o755)

    def asks(self, *prompts: tuple[str, str]) -> None:
        (self.folder / "asks").write_text(json.dumps(prompts))

    @property
    def answered(self) -> list[list[str]]:
        """The prompts that were answered, with nothing or something."""
        file = self.folder / "answered"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def link(self, typed: dict[str, str], person: Person | None = None) -> Link:
        async def nothing(path: str) -> None:
            return

        ssh = str(self.folder / "ssh")
        batch, asking = [ssh, "-o", "BatchMode=yes", "--", "box"], [ssh, "--", "box"]
        logins = Logins(batch, asking, typed, person, self.log.note)  # type: ignore[arg-type]
        return Link(batch, "/there", str(self.folder), nothing, self.log, self.env, logins=logins)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="nbfab") as folder:  # the path of a socket has to be short
        yield Rig(Path(folder))


@asynccontextmanager
async def kept(link: Link) -> AsyncIterator[None]:
    """A link that is up, and kept up."""
    keeping = None
    try:
        await link.first()
        keeping = asyncio.create_task(link.keep())
        yield
    finally:
        if keeping:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await link.close()


async def first(link: Link) -> None:
    async with asyncio.timeout(60):
        try:
            await link.first()
        finally:
            await link.close()


async def cut(link: Link) -> None:
    assert link.carrier
    assert link.carrier._process
    link.carrier._process.kill()


async def until(log: Log, line: str, times: int = 1) -> None:
    async with asyncio.timeout(60):
        while sum(line in known for known in log.lines) < times:
            await asyncio.sleep(0.02)


def test_what_was_typed_before_is_given_to_the_same_prompts(rig: Rig) -> None:
    rig.asks((KEY, "sesame"), (PASSWORD, "horse"))
    typed = {KEY: "sesame", PASSWORD: "horse"}
    asyncio.run(first(rig.link(typed)))
    assert rig.answered == [[KEY, "sesame"], [PASSWORD, "horse"]]
    assert typed == {}, "it is taken over"


@pytest.mark.parametrize(
    "prompt", [of_server("ann", "gpu1", KEY), KEY.strip(), KEY.replace("id", "id2"), of_server("ann", "gpu2", PASSWORD)]
)
def test_a_prompt_that_imitates_another_gets_nothing(rig: Rig, prompt: str) -> None:
    rig.asks((prompt, "sesame"))
    with pytest.raises(NeedsPerson, match="it asks"):
        asyncio.run(first(rig.link({KEY: "sesame", PASSWORD: "horse"})))
    assert rig.answered == [], "not even an empty answer, which ssh would send"


def test_a_person_is_asked_once_where_no_one_has_typed(rig: Rig) -> None:
    rig.asks((PASSWORD, "horse"))
    person = Person("horse", "never")
    link = rig.link({}, person)

    async def story() -> None:
        async with kept(link):
            await cut(link)
            await until(rig.log, "found")

    asyncio.run(story())
    assert person.prompts == [PASSWORD]
    assert [answer for _, answer in rig.answered] == ["", "horse", "horse"]


def test_a_code_is_asked_for_each_time(rig: Rig) -> None:
    rig.asks((PASSWORD, "horse"), (CODE, "1"))
    person = Person("1", "2", "never")
    link = rig.link({PASSWORD: "horse"}, person)

    async def story() -> None:
        async with kept(link):
            rig.asks((PASSWORD, "horse"), (CODE, "2"))
            await cut(link)
            await until(rig.log, "found")

    asyncio.run(story())
    assert person.prompts == [CODE, CODE]


def test_a_password_that_is_refused_is_never_sent_again(rig: Rig) -> None:
    """Not by logins that race either: each may count against the account."""
    rig.asks((PASSWORD, "horse"))
    rig.env["SLOW"] = "2.5"  # so long that two more would have begun
    link = rig.link({PASSWORD: "horse"})

    async def story() -> None:
        async with kept(link):
            rig.asks((PASSWORD, "changed"))
            await cut(link)
            await until(rig.log, "NeedsPerson")
            began = time.monotonic()
            before = len(list(rig.folder.glob("[0-9]*")))
            while time.monotonic() - began < 3:
                await asyncio.sleep(0.1)
                assert len(list(rig.folder.glob("[0-9]*"))) <= before, "no more logins for now"

    asyncio.run(story())
    assert rig.answered == [[PASSWORD, "horse"], [PASSWORD, "horse"]], "right once, wrong once"


def test_a_key_and_a_code_take_a_code(rig: Rig) -> None:
    rig.asks((KEY, "sesame"), (CODE, "1"))
    person = Person("1", "2", "never")
    link = rig.link({KEY: "sesame", CODE: "0"}, person)

    async def story() -> None:
        async with kept(link):
            rig.asks((KEY, "sesame"), (CODE, "2"))
            await cut(link)
            await until(rig.log, "found")

    asyncio.run(story())
    assert person.prompts == [CODE, CODE]


def test_without_an_answer_the_person_has_to_want_the_next_login(rig: Rig) -> None:
    rig.asks((CODE, "1"))
    person = Person("1", None, "2")
    link = rig.link({}, person)

    async def story() -> None:
        async with kept(link):
            rig.asks((CODE, "2"))
            await cut(link)
            await until(rig.log, "found")

    asyncio.run(story())
    assert person.prompts == [CODE] * 3
    assert len(person.wanted) == 1
    assert [answer for _, answer in rig.answered] == ["", "1", "2"]


def test_a_notice_reaches_the_user_although_nothing_is_asked(rig: Rig) -> None:
    rig.asks()
    ssh = rig.folder / "ssh"
    notice = (
        'subprocess.run([os.environ["SSH_ASKPASS"], "Touch it"], env={**os.environ, "SSH_ASKPASS_PROMPT": "none"})\n'
    )
    ssh.write_text(SSH.replace("for prompt", f"{notice}for prompt", 1))
    asyncio.run(first(rig.link({})))
    assert rig.log.lines == ["Touch it"]


def test_answers_are_kept_for_twelve_hours() -> None:
    now = 0.0
    answers = Answers({KEY: "sesame", CODE: "123456"}, lambda: now)
    assert answers.get(CODE) is None
    now = KEPT - 1
    assert answers.get(KEY) == "sesame"
    assert "sesame" not in repr(answers) + repr(vars(answers).keys())
    now = KEPT
    assert answers.get(KEY) is None
    assert not answers


@pytest.mark.parametrize(
    ("words", "again"),
    [
        ("Password: ", True),
        ("ann's Passwort: ", True),
        ("Verification code: ", False),
        ("One-time password (OATH) for `ann': ", False),
        ("Password + OTP: ", False),
        ("Enter PIN: ", False),
        ("New password: ", False),
        ("Passcode or option (1-3): ", False),
    ],
)
def test_which_answers_count_again(words: str, again: bool) -> None:
    assert lasts(of_server("ann", "gpu1", words)) == again

"""Tasks and options that there are not, and `nbfab` without any."""

import copy
import json
from pathlib import Path

import pytest

from nbfab.cli.program import program


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "namespace", copy.deepcopy(program.namespace))  # Invoke takes the tasks' help away


def run(words: str, capsys: pytest.CaptureFixture[str], status: int = 2) -> tuple[str, str]:
    """What is on standard output and error."""
    with pytest.raises(SystemExit) as end:
        program.run(["nbfab", *words.split()])
    assert end.value.code == status
    return capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "error", "fix"),
    [
        ("stauts", "there is no task 'stauts'", "did you mean status?"),
        ("STATUS", "there is no task 'STATUS'", "did you mean status?"),
        ("setup stauts", "there is no task 'stauts'", "did you mean status?"),
        ("--help stauts", "there is no task 'stauts'", "did you mean status?"),
        ("fleet.stauts", "there is no task 'fleet.stauts'", "did you mean fleet.status?"),
        ("page", "there is no task 'page'", "did you mean fleet.page?"),
        ("help", "there is no task 'help'", "did you mean --help?"),
        ("wwwww", "there is no task 'wwwww'", "choose from install, password, "),
        ("fleet", "there is no task 'fleet'", "choose from fleet.install, fleet.password, "),
        ("fleet.wwwww", "there is no task 'fleet.wwwww'", "choose from fleet.install, fleet.password, "),
        ("--list flet", "there is no group of tasks 'flet'", "did you mean fleet?"),
        ("plan gpu1", "there is no task 'gpu1'", "nbfab -H gpu1 plan"),
        ("fleet.plan gpu1", "there is no task 'gpu1'", "nbfab fleet.plan --limit gpu1"),
        ("provision gpu1", "there is no task 'gpu1'", "nbfab provision --limit gpu1"),
        ("init gpu1", "there is no task 'gpu1'", "init takes no host"),
        ("gpu1.example.org", "there is no task 'gpu1.example.org'", "nbfab -H gpu1.example.org setup"),
        ("ann@gpu1", "there is no task 'ann@gpu1'", "nbfab -H ann@gpu1 setup"),
        ("-H gpu1", "there is no task", "nbfab -H gpu1 setup"),
        ("plan --prot 1", "plan has no option --prot", "did you mean --port?"),
        ("plan --prot=1", "plan has no option --prot", "did you mean --port?"),
        ("plan -prot 1", "plan has no option -prot", "did you mean --port?"),
        ("fleet.plan --limits a", "fleet.plan has no option --limits", "did you mean --limit?"),
        ("plan --wwwww", "plan has no option --wwwww", "nbfab --help plan"),
        ("plan --restart", "plan has no option --restart", "these have it: password, config, serve, setup, update, "),
        ("--port 1 plan", "--port stands before the task", "put it after plan\n"),
        ("--hots gpu1 plan", "there is no option --hots", "did you mean --hosts?"),
        ("-x", "there is no option -x", "nbfab --help"),
        ("plan --port", "--port needs a value", "nbfab --help plan"),
        ("plan --name", "--name needs a value", "nbfab --help plan"),
        ("ca --allow", "--allow needs a value", "nbfab --help ca"),
        ("certificate --certificate --key x", "--certificate needs a value", "nbfab --help certificate"),
        ("-H", "-H needs a value", "nbfab --help"),
        ("-t soon plan", "-t, -T and -D take a whole number", "nbfab --help"),
    ],
)
def test_what_may_have_been_meant(words: str, error: str, fix: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, told = run(words, capsys)
    assert out == ""
    assert told.startswith(f"nbfab: {error}\n  fix          {fix}")
    assert told.count("\n") == 2


def test_a_document_says_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    out, told = run("plan --json --prot 1", capsys)
    assert told == ""
    document = json.loads(out)
    assert (document["error"], document["hint"]) == ("plan has no option --prot", "did you mean --port?")


def test_alone_it_says_how_to_begin_in_twenty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    out, told = run("", capsys, status=0)
    assert told == ""
    assert len(out.splitlines()) <= 20
    assert max(map(len, out.splitlines())) < 80
    for words in ("nbfab setup", "nbfab -H HOST setup", "nbfab init", "nbfab --list", "nbfab --help"):
        assert f"\n  {words} " in out


def test_help_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run("--help", capsys, status=0)
    for words in ("--ssh-config", "  status  ", "  fleet.status  "):
        assert words in out

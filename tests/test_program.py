"""Programs for sh: nothing of a value is code, and a program runs whole or not at all."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shells import NASTY, each_shell, records, run, texts

from nbfab.program import call, functions, render, source

SHOW = 'show() { printf "<%s>" "$@" "$named"; }\n'


@each_shell
@pytest.mark.parametrize("value", NASTY)
def test_a_value_stays_a_value(shell: tuple[str, ...], value: str) -> None:
    assert run(shell, SHOW + call("show", value, "two", named=value)) == f"<{value}><two><{value}>"


@each_shell
@settings(max_examples=60, deadline=None)
@given(value=texts, args=st.lists(texts, max_size=3))
def test_any_text_stays_a_value(shell: tuple[str, ...], value: str, args: list[str]) -> None:
    output = run(shell, SHOW + call("show", *args, named=value) + call("show", named=""))
    assert output == "".join(f"<{text}>" for text in [*args, value, ""])


@each_shell
def test_a_value_is_in_no_environment_even_if_the_hosts_has_a_variable_of_that_name(shell: tuple[str, ...]) -> None:
    program = call("env", content="SECRET", mode="") + 'printf "%s\\n" "here: $content"\n'
    output = run(shell, program, env={"content": "old", "mode": "old"})
    assert output.endswith("here: SECRET\n")
    assert output.count("SECRET") == 1
    assert "content=" not in output
    assert "mode=" not in output


@each_shell
def test_a_program_that_is_cut_short_runs_nothing(shell: tuple[str, ...], tmp_path: Path) -> None:
    paths = [f"{tmp_path}/{name}" for name in ("one", "two")]
    program = render(["look/json"], [call("touch", path) for path in paths]).text
    start = program.index("touch")
    for size in (*range(start, len(program) - 2), 10, start // 2):
        run(shell, program[:size], tmp_path, status=None)
        assert list(tmp_path.iterdir()) == [], program[:size][-40:]
    run(shell, program, tmp_path)
    assert sorted(map(str, tmp_path.iterdir())) == paths


@each_shell
def test_no_command_eats_the_rest_of_a_program_or_waits_for_more(shell: tuple[str, ...]) -> None:
    program = render(["look/json"], [call("cat"), call("fact", "after", "all"), call("print_facts")])
    begin, *lines, end = run(shell, program.text + "exit 7\n", status=7).split("\n")[:-1]
    assert (begin, end) == (program.begin, program.end)
    assert records("\n".join(lines)) == [{"after": "all"}]


@each_shell
def test_a_program_starts_in_the_top_folder_and_its_files_are_private(shell: tuple[str, ...], tmp_path: Path) -> None:
    program = render([], [call("pwd"), "umask\n", 'echo "$mask"\n'])
    _, folder, own, before, *_ = run(shell, "umask 027\n" + program.text, tmp_path).splitlines()
    assert (folder, int(own, 8), int(before, 8)) == ("/", 0o077, 0o027)


def test_two_programs_have_different_marks() -> None:
    one, two = render([], []), render([], [])
    assert len({one.begin, one.end, two.begin, two.end}) == 4


def test_a_program_does_not_show_its_text() -> None:
    assert "SECRET" not in repr(render([], [call("touch", "SECRET")]))


def test_functions_come_without_comments_and_indentation() -> None:
    text = functions("look/json", "look/process")
    assert not [line for line in text.splitlines() if line.startswith(("#", "\t"))]
    assert "\nprocess_start() {" in text
    assert len(text) < len(source("look/json.sh") + source("look/process.sh"))

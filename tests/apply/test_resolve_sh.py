"""The sh that finds out what requirements come to, in the shells that hosts have; and what is made of its answer."""

from pathlib import Path

import pytest
from shells import each_shell, records, run, stub

from nbfab.apply.resolve import FILES, _package
from nbfab.program import call, functions

COMMIT = "0123456789" * 4
FOUND = f"""\
torch==2.3.0+cu121
Some.Package[extra]==2024.01 ; python_version >= '3.9' and sys_platform != 'win32'
odd @ https://x.example/odd-1.0-py3-none-any.whl#sha256=00
course[all] @ git+https://x.example/it@s/course@{COMMIT}#subdirectory=a ; python_version >= '3'
by-pip==1.0@{COMMIT}
    # via course
--find-links https://x.example
"""


@each_shell
def test_what_is_found_is_reported_a_package_each(shell: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "packages").write_text(FOUND)
    program = f"{functions(*FILES)}\n{call('report_packages', 'six==1')}"
    answers = records(run(shell, program, tmp_path))
    assert [_package(answer) for answer in answers[:-2]] == [
        ("torch", "2.3.0+cu121", ""),
        ("some-package", "2024.1", ""),
        ("odd", "", ""),
        ("course", "", COMMIT),
        ("by-pip", "1.0", COMMIT),
    ]
    assert answers[-2] == {"carried": "six==1"}
    assert answers[-1]["python"].startswith("3.")


@each_shell
@pytest.mark.parametrize(
    ("carried", "fits"),
    [
        ("a==1", "a==1"),
        ("no==1", ""),
        ("a==1 no==1", "a==1"),
        ("no==1 a==1", "a==1"),
        ("a==1 no==2 b==1 no==3 c==1", "a==1 b==1 c==1"),
        ("x==1 y==1", "x==1"),  # each goes alone, and both do not
    ],
)
def test_what_was_installed_by_hand_is_carried_over_as_far_as_it_fits(
    shell: tuple[str, ...], carried: str, fits: str, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    conflict = "grep -q no== all || { grep -q x== all && grep -q y== all; }"
    answer = f'for all; do :; done; {conflict} && exit 1; cat "$all"'
    stub(tmp_path / "bin", "uv", f'case "$*" in *" - "* | *" -") exit ;; *compile*) {answer} ;; esac')
    program = f"{functions(*FILES)}\nHOME={tmp_path} PATH={tmp_path}/bin:$PATH\n"
    given = {"base_python": "", "lines": "six==1\n", "constraints": "", "carried": carried, "pre": ""}
    program += call("resolve", lent="", wheels="", sent_uv="", **given)
    answers = records(run(shell, program, tmp_path))
    assert [answer["package"] for answer in answers if "package" in answer] == ["six==1", *fits.split()]
    assert next(answer["carried"] for answer in answers if "carried" in answer).split() == fits.split()


@each_shell
def test_uv_leaves_nothing_in_the_home_folder(shell: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    log = tmp_path / "log"
    case = 'case "$*" in *find*) echo /usr/bin/python3 ;; esac'
    stub(tmp_path / "bin", "uv", f'echo "$UV_CACHE_DIR $UV_CREDENTIALS_DIR: $*" >>{log}\n{case}')
    program = f"{functions(*FILES)}\nexec 3>/dev/null\nHOME={tmp_path} PATH={tmp_path}/bin:$PATH base={tmp_path}/base\n"
    program += call(":", lent="") + "unset UV_CACHE_DIR UV_CREDENTIALS_DIR XDG_DATA_HOME\nchoose_tool\n"
    program += "make_venv env ''\nmake_venv env /usr/bin/python3\nget_packages env/bin/python six\n"
    run(shell, program, tmp_path)
    asked = log.read_text().splitlines()
    assert [line.split(": ")[1].split()[:2] for line in asked] == [
        *(["python", "find"], ["venv", "-q"], ["venv", "-q"]),
        *(["pip", "compile"], ["pip", "install"]),
    ]
    ours = f"{tmp_path}/base/.cache "
    assert all(line.startswith(ours) or "--no-cache" in line for line in asked)
    assert f"{ours}{tmp_path}/base/.cache/credentials: pip install" in asked[-1]
    # Those that a user has stored for it are used.
    (tmp_path / ".local/share/uv/credentials").mkdir(parents=True)
    run(shell, program, tmp_path)
    assert f"{ours}{tmp_path}/.local/share/uv/credentials: pip install" in log.read_text()

"""The sh that finds out what requirements come to, in the shells that hosts have; and what is made of its answer."""

from pathlib import Path

from shells import each_shell, records, run

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
    assert [_package(answer) for answer in answers[:-1]] == [
        ("torch", "2.3.0+cu121", ""),
        ("some-package", "2024.1", ""),
        ("odd", "", ""),
        ("course", "", COMMIT),
        ("by-pip", "1.0", COMMIT),
    ]
    assert answers[-1] == {"carried": "six==1"}

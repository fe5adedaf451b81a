"""The system's store of each system: the real one of Debian is in test_trust.py, the others are stand-ins here."""

import json
from pathlib import Path

import pytest
from desk import CERTIFICATES, Desk
from documents import check_document
from fixes import check
from roots import root_in

from nbfab.trust import do, plan, system
from nbfab.trust.machine import Machine
from nbfab.trust.root import Root, fingerprints

FEDORA = Path("/etc/pki/ca-trust/source/anchors")
SUSE = Path("/etc/pki/trust/anchors")
KEYCHAIN = "Library/Keychains/login.keychain-db"


def steps(name: str, root: Root) -> tuple[list[str], list[str]]:
    """What an administrator types to put a root in, and to take it out."""
    debian, fedora, suse = (f"{CERTIFICATES}/{{}}.crt", f"{FEDORA}/{{}}.pem", f"{SUSE}/{{}}.pem")

    def copied(file: str, updater: str, fresh: str) -> tuple[list[str], list[str]]:
        path = file.format(f"nbfab-{root.short}")
        return [f"install -D -m 644 {root.file} {path}", updater], [f"rm -f {path}", fresh]

    known = {
        "debian": copied(debian, "update-ca-certificates", "update-ca-certificates --fresh"),
        "fedora": copied(fedora, "update-ca-trust", "update-ca-trust"),
        "opensuse": copied(suse, "update-ca-certificates", "update-ca-certificates --fresh"),
        "arch": ([f"trust anchor --store {root.file}"], [f"trust anchor --remove {root.file}"]),
    }
    same = {"ubuntu": "debian", "alpine": "debian", "rocky": "fedora"}
    return known[same.get(name, name)]


# Updaters that make the bundle of what lies in the folder, and of what the machine has.
REBUILD = 'mkdir -p "{folder}"; cat "$BASE" "{folder}"/nbfab-* > "{bundle}" 2>/dev/null; true'
ARCH = """
[ -e "$BASE.ours" ] || : > "$BASE.ours"
case $2 in
--store) cat "$3" >> "$BASE.ours" ;;
--remove) cmp -s "$3" "$BASE.ours" && : > "$BASE.ours" ;;
esac
cat "$BASE" "$BASE.ours" > {bundle}
"""
STAND_INS = {
    "ubuntu": ("update-ca-certificates", REBUILD),
    "alpine": ("update-ca-certificates", REBUILD),
    "fedora": ("update-ca-trust", REBUILD),
    "rocky": ("update-ca-trust", REBUILD),
    "opensuse": ("update-ca-certificates", REBUILD),
    "arch": ("trust", ARCH),
}


def bundle_of(desk: Desk, name: str) -> Path:
    """The bundle of a system, as a path here."""
    kept = system.STORES[{"rocky": "rhel"}.get(name, name)]
    inside = kept.bundle.relative_to("/")
    place = desk.etc.parent / inside if inside.parts[0] == "etc" else desk.var / inside.relative_to("var/lib")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def desk_of(name: str, folder: Path, *, user: bool) -> Desk:
    """A computer of that system, with a stand-in for its updater."""
    desk = Desk(folder, user=user, system=name)
    program, text = STAND_INS[name]
    kept = system.STORES[{"rocky": "rhel"}.get(name, name)]
    base = desk.work / "base.pem"
    base.write_text((desk.etc / "ssl/certs/ca-certificates.crt").read_text())
    desk.env["BASE"] = str(base)
    bundle_of(desk, name).write_text(base.read_text())
    desk.stand_in(program, text.format(folder=kept.anchors, bundle=kept.bundle))
    desk.stand_in("sudo", 'exec "$@"')
    desk.log.unlink(missing_ok=True)
    return desk


@pytest.mark.real
@pytest.mark.parametrize("name", STAND_INS)
def test_as_root_it_is_done_and_undone(tmp_path: Path, name: str) -> None:
    desk = desk_of(name, tmp_path, user=False)
    root = root_in(desk.data)
    adds, removes = steps(name, root)
    program = STAND_INS[name][0]
    told = json.loads(desk.run("trust", "--yes", "--json").stdout)
    check_document(told)
    assert {one["what"]: one["ending"] for one in told["trust"]}["the system"] == "done"
    assert desk.calls == [line for line in adds if line.startswith(program)]
    assert root.fingerprint in fingerprints(bundle_of(desk, name).read_text())
    told = json.loads(desk.run("trust", "--remove", "--yes", "--json").stdout)
    assert {one["what"]: one["ending"] for one in told["trust"]}["the system"] == "done"
    assert desk.calls == [line for line in removes if line.startswith(program)]
    assert root.fingerprint not in fingerprints(bundle_of(desk, name).read_text())


@pytest.mark.real
def test_a_file_that_has_other_roots_too_stays(tmp_path: Path) -> None:
    desk = desk_of("ubuntu", tmp_path, user=False)
    bundle = system.STORES["ubuntu"].bundle
    desk.stand_in("update-ca-certificates", f'cat "$BASE" {CERTIFICATES}/*.crt > {bundle} 2>/dev/null; true')
    root, other = root_in(desk.data), root_in(tmp_path / "another")
    desk.run("trust", "--yes")
    ours, copy, company = (desk.certificates / f"{name}.crt" for name in (f"nbfab-{root.short}", "copy", "zz-company"))
    assert ours.exists()
    company.write_text(root.pem + other.pem)
    copy.write_text(root.pem)
    (entry,) = [one for one in removal(desk) if one["what"] == "the system"]
    assert fingerprints(company.read_text()) == {root.fingerprint, other.fingerprint}
    assert not ours.exists()
    assert not copy.exists()
    assert entry["why"] == f"{CERTIFICATES}/zz-company.crt has {root.name} among others, so it stays"
    company.write_text(other.pem)
    assert {one["ending"] for one in removal(desk)} <= {"done", "not there"}
    assert fingerprints(company.read_text()) == {other.fingerprint}


def removal(desk: Desk) -> list[dict[str, str]]:
    """How a removal ends in each place."""
    return list(json.loads(desk.run("trust", "--remove", "--yes", "--json").stdout)["trust"])


@pytest.mark.real
@pytest.mark.parametrize("name", ["fedora", "opensuse", "arch"])
def test_a_user_types_what_it_says(tmp_path: Path, name: str) -> None:
    desk = desk_of(name, tmp_path, user=True)
    root = root_in(desk.data)
    for option, lines, ending in (("--yes", steps(name, root)[0], True), ("--remove", steps(name, root)[1], False)):
        told = json.loads(desk.run("trust", option, "--yes", "--json").stdout)
        assert told["status"] == 3
        assert desk.calls == []
        (entry,) = [one for one in told["trust"] if one["what"] == "the system"]
        check(entry["fix"])
        line = " && ".join(f"sudo {line}" for line in lines)
        assert entry["fix"] == [{"command": line, "on": ""}]
        assert desk.shell(line).returncode == 0
        assert [call for call in desk.calls if call.startswith("sudo")] == [f"sudo {line}" for line in lines]
        assert (root.fingerprint in fingerprints(bundle_of(desk, name).read_text())) is ending


@pytest.mark.parametrize(
    ("ids", "store"),
    [
        (("debian",), system._DEBIAN),
        (("linuxmint", "ubuntu", "debian"), system._DEBIAN),
        (("alpine",), system._DEBIAN),
        (("rocky", "rhel", "centos", "fedora"), system._FEDORA),
        (("opensuse-tumbleweed", "opensuse", "suse"), system._SUSE),
        (("manjaro", "arch"), system._ARCH),
        (("nixos",), None),
        ((), None),
    ],
)
def test_a_system_is_known_by_what_it_is_like(tmp_path: Path, ids: tuple[str, ...], store: system.Store | None) -> None:
    assert system.store(Machine(tmp_path, {}, ids, is_root=True)) is store


def test_a_system_that_is_not_known_is_left_alone(tmp_path: Path) -> None:
    here, root = Machine(tmp_path, {}, ("nixos",), is_root=True), root_in(tmp_path)
    works = plan.adding(plan.look(here, [root]), [root])
    (work,) = [work for work in works if work.place.kind == "system"]
    (done,) = do.ahead([work], adds=True)
    assert (done.ending, done.why) == ("failed", system.UNKNOWN)
    assert work.actions == ()


def test_the_keychain_of_macos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in that keeps what it is given, as the login keychain does."""
    program, log, chain = tmp_path / "security", tmp_path / "log", tmp_path / "chain"
    program.write_text(
        '#!/bin/sh\n[ "$1" = find-certificate ] || echo "security $*" >> "$LOG"\n'
        'case $1 in find-certificate) cat "$CHAIN" ;; add-trusted-cert) cat "$6" >> "$CHAIN" ;;\n'
        'delete-certificate) : > "$CHAIN" ;; esac\n'
    )
    program.chmod(0o755)
    chain.write_text("")
    monkeypatch.setenv("LOG", str(log))
    monkeypatch.setenv("CHAIN", str(chain))
    here = Machine(tmp_path, {}, (system.MACOS,), is_root=False, programs={"security": str(program)})
    root = root_in(tmp_path)
    for adds, lines in (
        (True, [f"security add-trusted-cert -r trustRoot -k {tmp_path}/{KEYCHAIN} {root.file}"]),
        (
            False,
            [
                f"security remove-trusted-cert {root.file}",
                f"security delete-certificate -Z {root.sha1} {tmp_path}/{KEYCHAIN}",
            ],
        ),
    ):
        seen = plan.look(here, [root])
        works = plan.adding(seen, [root]) if adds else plan.removing(seen, [root])
        ended = {done.what: done.ending for done in do.do(here, works, adds=adds)}
        assert ended["the keychain"] == "done"
        assert log.read_text().splitlines() == lines
        log.unlink()

"""Where the user's authorities are kept."""

from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from nbfab.authority.authority import Authority
from nbfab.records import dataclass
from nbfab.settings import data_home

ROOT = "root.pem"
KEY = "key.pem"


@dataclass(frozen=True)
class Found:
    """The user's authorities, the oldest first, and the folders in which there is one no more, with the reason."""

    authorities: tuple[Authority, ...]
    broken: tuple[tuple[Path, str], ...] = ()


def folder() -> Path:
    """The folder of all authorities, beside that of the profiles."""
    return Path(data_home(), "nbfab-authority")


def authorities() -> tuple[Authority, ...]:
    """The user's authorities whose root can be read, the oldest first."""
    return look().authorities


def look() -> Found:
    """All that is there."""
    found, broken = [], []
    try:
        places = sorted(place for place in folder().iterdir() if place.is_dir() and not place.name.startswith("."))
    except FileNotFoundError:
        return Found(())
    except OSError as error:
        return Found((), ((folder(), f"it cannot be read: {error.strerror}"),))
    for place in places:
        try:
            root = x509.load_pem_x509_certificate((place / ROOT).read_bytes())
            made = (place / ROOT).stat().st_mtime_ns  # of two of the same second
            root.verify_directly_issued_by(root)
            _ = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
            _ = root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0]
        except FileNotFoundError:
            broken.append((place, f"its root is lost: there is no {ROOT}"))
        except OSError as error:
            broken.append((place, f"its root cannot be read: {error.strerror}"))
        except Exception as error:  # cryptography raises whatever its parser does
            broken.append((place, f"its root is broken: {str(error) or type(error).__name__}"))
        else:
            found.append((root.not_valid_before_utc, made, Authority(place, root, (place / KEY).exists())))
    found.sort(key=lambda of: (of[0], of[1], of[2].folder.name))
    return Found(tuple(authority for *_, authority in found), tuple(broken))

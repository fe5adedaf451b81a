"""The key that a certificate keeps when it is renewed."""

from dataclasses import replace

from nbfab.apply.key import fetch
from nbfab.keys import Key
from nbfab.look.facts import Facts
from nbfab.plan import certificate, pem
from nbfab.run.job import Job
from nbfab.wanted import Wanted


def with_key(job: Job, wanted: Wanted, seen: Facts) -> tuple[Wanted, str]:
    """What is wanted, with the key that the certificate has; and why it gets a new one, if that cannot be kept.

    Raises NbfabError.
    """
    job.user.sees("fetching the certificate's key")
    key = fetch(job.host, wanted.settings.profile, certificate.FILE)
    have = pem.load(seen.files.text(certificate.FILE))
    if key and have and key.public == pem.public_key(have):
        return replace(wanted, key=key), ""
    why = "the one that the host sent is another's" if key else "the host sent none that can be read"
    return replace(wanted, key=Key.new()), f"the certificate gets a new key, and so a new pin: {why}"

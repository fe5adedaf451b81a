"""A loan: what an installation on a host needs to know to go by this machine's index."""

from dataclasses import field

from nbfab.records import dataclass


@dataclass(frozen=True)
class Loan:
    """The proxy to go through, whose URL has a secret in it, and the index and `more` of them to ask."""

    proxy: str = field(default="", repr=False)
    index: str = ""
    more: tuple[str, ...] = ()

    def without_secret(self, text: str) -> str:
        """What the host prints, without what must not be seen."""
        if not self.proxy:
            return text
        secret = self.proxy.partition("@")[0].rpartition(":")[2]
        return text.replace(self.proxy, "the proxy").replace(secret, "***")


NONE = Loan()

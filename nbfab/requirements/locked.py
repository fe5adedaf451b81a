"""What lock files have in common."""

from collections import Counter
from collections.abc import Iterable

from nbfab.requirements.gathered import Gathered
from nbfab.requirements.place import Place
from nbfab.requirements.urls import check_url


def add_indexes(gathered: Gathered, urls: Iterable[str], place: Place) -> None:
    """The indexes of a lock's packages, but for the one that most come from: the host may have a mirror of that."""
    counted = Counter(url.rstrip("/") for url in urls)
    usual = [url for url, _ in counted.most_common(1)]
    for url in counted:
        check_url(url, place, "an index")
        if url not in usual:
            gathered.option("--extra-index-url", url)

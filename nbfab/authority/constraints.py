"""Constraints: the domains and networks that an authority may sign for (RFC 5280, 4.2.1.10)."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from nbfab.names import canonical, is_address, is_name

Network = IPv4Network | IPv6Network
Constraint = str | Network
"""A DNS name with all names below it, or a network."""
ALWAYS: tuple[Constraint, ...] = ("localhost", ip_network("127.0.0.0/8"), ip_network("::1/128"))
MOST = 500  # of one authority; 402 were tried with every client
_WIDEST = {4: 8, 6: 7}  # bits of a prefix: 10.0.0.0/8 and fc00::/7 are the widest private networks


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Top-level domains that a host may well be called by mistake, and those of countries (ISO 3166, and eu, su, uk). There
# is no list of public suffixes here: it has 10,000 lines, and changes every week.
_TOP = _words(
    "com org net edu gov mil int arpa info biz name pro aero coop museum jobs mobi travel cat tel asia post app dev"
    " cloud online site shop store tech xyz top club page blog ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb"
    " bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj"
    " dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk"
    " hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls"
    " lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu"
    " nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr"
    " ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf"
    " ws ye yt za zm zw"
)
_BELOW_A_COUNTRY = _words("ac co com edu gob gouv gov go gv ltd mil ne net nhs nom or org plc police sch")
# Domains below which strangers have names.
_SHARED = _words(
    "amazonaws.com azure.com azurewebsites.net cloudapp.net duckdns.org dyndns.org freeddns.org github.io"
    " googleusercontent.com hetzner.cloud linodeusercontent.com myfritz.net nip.io no-ip.org ngrok.io secureserver.net"
    " sslip.io vultrusercontent.com your-server.de"
)
# Top-level domains that no one can register (RFC 6761, RFC 6762 appendix G, RFC 9476, ICANN's .internal).
_PRIVATE = _words("alt corp example home internal intranet invalid lan local localdomain private test")


def parse(text: str) -> Constraint:
    """What `--allow` names: a domain with all below it, an address or a network. Raises ValueError."""
    if is_address(text.partition("/")[0]):
        try:
            network = ip_network(text)
        except ValueError as error:
            raise ValueError(f"{text[:60]!r} is not a network ({error}); write one such as 10.3.0.0/16") from None
        if network.prefixlen < _WIDEST[network.version]:
            raise ValueError(f"{network} is too wide: a prefix has {_WIDEST[network.version]} bits or more")
        return network
    name = text.removeprefix("*").removeprefix(".")
    try:
        name = (name if name.isascii() else name.encode("idna").decode()).lower()
    except UnicodeError:
        name = ""
    if not is_name(name) or "_" in name or name.startswith("*"):
        more = "give each an --allow of its own" if "," in text else "write one such as lab.example.org or 10.3.0.0/16"
        raise ValueError(f"{text[:60]!r} is neither a domain nor a network; {more}")
    if is_public(name):
        raise ValueError(f"{name} is a public suffix, below which strangers have names; allow your own part of it")
    return name


def is_public(name: str) -> bool:
    """Whether strangers have names directly below a domain, as far as is known here."""
    first, _, rest = name.partition(".")
    if not rest:
        return first in _TOP
    return name in _SHARED or (first in _BELOW_A_COUNTRY and len(rest) == 2 and rest in _TOP)


def is_local(name: str) -> bool:
    """Whether no one else in the world can have a name: it has one label, or is below a private domain."""
    name = canonical(name)
    return is_name(name) and not is_address(name) and ("." not in name or name.rpartition(".")[2] in _PRIVATE)


def covering(name: str) -> Constraint | None:
    """What an authority should be allowed for the sake of one name or address; None if no constraint fits.

    For gpu1.lab.example.org that is lab.example.org; but gpu1.example.org by itself, for the rest of example.org may be
    anything: the mail, the login pages. For an address it is that one.
    """
    if is_address(name):
        return None if "%" in name else ip_network(ip_address(name))
    name = canonical(name).removeprefix("*.")
    if not is_name(name) or "_" in name or is_public(name):
        return None
    parents = [name.split(".", number)[number] for number in range(1, name.count(".") + 1)]
    if not parents or any(parent in _SHARED for parent in parents):
        return name
    if len(parents) == 1:
        return parents[0] if parents[0] in _PRIVATE else name
    private = parents[-1] in _PRIVATE
    return name if (is_public(parents[1]) or "." not in parents[1]) and not private else parents[0]


def narrowed(constraints: Iterable[Constraint]) -> tuple[Constraint, ...]:
    """Those constraints without any that another covers, or that every authority has: domains first."""
    every = dict.fromkeys(constraints)
    kept = [of for of in every if not any(_covers(other, of) for other in (*every, *ALWAYS) if other != of)]
    kept = [of for of in kept if of not in ALWAYS]
    names = sorted((of for of in kept if isinstance(of, str)), key=lambda name: name.split(".")[::-1])
    return (*names, *sorted((of for of in kept if not isinstance(of, str)), key=lambda of: (of.version, of)))


def permits(constraints: Iterable[Constraint], name: str) -> bool:
    """Whether a certificate for a name or an address, as a certificate writes it, is within the constraints."""
    if is_address(name):
        address = ip_address(name)
        return any(address in of for of in constraints if not isinstance(of, str))
    base = name.removeprefix("*.")
    return any(base == of or base.endswith(f".{of}") for of in constraints if isinstance(of, str))


def is_strict(name: str) -> bool:
    """Whether every client takes a certificate that carries this name.

    An underscore makes strict ones refuse all of it; `*.test`, with one label under the star, most of them refuse.
    """
    return is_address(name) or ("_" not in name and (not name.startswith("*.") or "." in name[2:]))


def _covers(wide: Constraint, narrow: Constraint) -> bool:
    if isinstance(wide, str) or isinstance(narrow, str):
        return isinstance(wide, str) and isinstance(narrow, str) and narrow.endswith(f".{wide}")
    return wide.version == narrow.version and narrow.subnet_of(wide)  # type: ignore[arg-type]

"""The flags of tasks, beside the options that are settings."""

from collections.abc import Iterable
from typing import Any

from nbfab.settings import OPTIONS, Option

FLAGS = {
    "json": "Print one JSON document on standard output, and nothing else there.",
    "no_browser": "Start no browser; print the URL.",
    "background": "Go on without the terminal once the page is open; `open --list` shows what does, `close` ends it.",
    "lines": "How many lines of the log to show (100).",
    "follow": "Go on with what is added to the log, until Control-C; a link that is cut is made again.",
    "previous": "Show the log as it was before the server's last start, of a server that has crashed, say.",
    "all": "Also list your Jupyter servers there that nbfab did not start, and warn of one without a password.",
    "list": "`open`: show what is open, and contact no host. `install`: list every environment that is there.",
    "login": "Log the browser in also as root, and where it cannot be told who reads the page that does it.",
    "no_login": "Log in no one: the browser shows the login page.",
    "host_names": "Open https://HOST.localhost, with cookies of its own; `open` adds that name to the certificate.",
    "control": "Let what you type reach the server: Control-C twice ends it, and every kernel.",
    "direct": "Open the host's own URL, without a link: what is printed while the network is down may be lost.",
    "editor": "Print what VS Code and PyCharm ask for, with a token, which is a secret.",
    "quiet": "Print only what has changed or failed; nothing at all if that is nothing.",
    "accept_new_host_key": "Record the key of a host that is not known yet, and go on.",
    "ssh": "What makes the connection, openssh or paramiko (paramiko, where that has what the host needs).",
    "new": "Make a new password: of one host it is shown, of several it goes into the handout. `ca`: one more.",
    "handout": "CSV file for the passwords that are made for several hosts (INVENTORY-passwords.csv, beside it).",
    "password_stdin": "Read the password from standard input, one line.",
    "drop_name": "Name or address that the certificate is no longer for (may be repeated).",
    "new_key": "Make a new key for the certificate, even if the old one could be kept; its pin changes.",
    "certificate": "Certificate of your own to put in place, with its chain: the file that it is in here (PEM).",
    "key": "File with the key of that certificate, without a passphrase (the file of the certificate).",
    "reissue": "Have nbfab make a certificate in place of one that it did not make.",
    "now": "End every session at once, also what is being sent: a laptop is lost.",
    "reset": "Option that goes back to its default, whatever was chosen for the host (may be repeated).",
    "restart": "Restart a running server if needed, even if that ends live kernels.",
    "exact": "Leave out what was installed by hand into the environment of the notebooks.",
    "scheduler": "Host that the scheduler runs on, as the inventory calls it (the first one whose notebook runs).",
    "workers": "Workers on each host (1).",
    "threads": "Threads of each worker, or auto (its share of the host's CPUs).",
    "memory": "Memory of each worker, such as 4GiB, or auto (its share of the host's).",
    "plan": "Show what would change, and change nothing.",
    "rollback": "Go back to the environment that the notebooks had before.",
    "check": "Exit with status 3 if something would change. `list`: connect to each host, and see how its server is.",
    "allow": "Domain, address or network that the authority may sign, beside those of the inventory (may be repeated).",
    "passphrase": "Protect the authority's key by a passphrase, which you type twice.",
    "passphrase_file": "File that holds the passphrase of the authority's key, and that only you can read.",
    "days_left": "Exit with status 3 if the certificate, or one behind it, has fewer days left than that.",
    "foreground": "On this machine: run without tmux, until Control-C.",
    "forget": "Forget the servers of the hosts that -H names; on the hosts, nothing changes.",
    "force": "End the server even if that ends live kernels; of `kernels`, the kernel even if it is busy.",
    "interrupt": "Kernel to interrupt, by its id or how that begins: what it runs ends, and it goes on.",
    "shutdown": "Kernel to end, by its id or how that begins; a busy one takes a yes, or --force.",
    "linger_off": "Turn lingering off as well, if nbfab turned it on for this user and no other profile is left.",
    "inventory": "File that lists the hosts (hosts.yaml).",
    "limit": "Only these hosts: names, groups and globs, separated by commas; !NAME excludes.",
    "jobs": "How many hosts to work on at a time (64).",
    "failed": "Only hosts that failed or were not reached last time.",
    "fail_fast": "Start no more hosts once one has failed.",
    "yes": "Change things without asking first.",
    "remove": "Take the authorities out again, wherever they are on this machine.",
    "export": "Write what other machines need, and a page that explains it, into a folder (trust).",
    "output": "File to write (fleet.html; for slips INVENTORY-slips.html, beside it; for a client NAME-HOST.p12).",
    "bundle": "File to write for a report of a bug: what was found and seen, without secrets and names.",
    "bundle_names": "Keep the names and addresses of hosts and users in the bundle.",
    "client": "Name of the client: whose browser it is, or which.",
    "legacy": "Encrypt the .p12 as macOS before 15 and Windows before 10 1709 want it (3DES, SHA-1).",
    "replace": "Replace the client of that name: its old certificate is no longer admitted.",
}
EVERYWHERE = ("json", "quiet", "accept_new_host_key", "ssh")
CHOOSING = ("inventory", "limit", "jobs")  # which hosts of a fleet, and how many at a time
RUNNING = ("failed", "fail_fast", "yes")  # what a run over a fleet may do
GIVEN = ("certificate", "key")  # files that are to be given again if the task is called again
SIZES = ("scheduler", "workers", "threads", "memory")  # of a cluster
NAMING = ("interrupt", "shutdown")  # flags whose value is the id of a kernel
WHOLE = (*GIVEN, *SIZES, "lines", *NAMING)  # flags with one value that go with the task if it is called again
OPTIONAL = {"export"}  # flags whose value may be left out
# Flags that take a value.
_VALUES = {
    "handout",
    "inventory",
    "limit",
    "jobs",
    "output",
    "ssh",
    "days_left",
    "passphrase_file",
    "bundle",
    *WHOLE,
    *OPTIONAL,
}
POSITIONAL = {"client"}  # flags that have to be given; a word without a flag is one, too
LISTS = {"allow", "drop_name", "reset"}  # and those that take one each time they are given


def defaults(flags: Iterable[str], options: Iterable[Option] = OPTIONS) -> dict[str, Any]:
    """The parameters of a task with those flags and options, and the values they have unless given."""
    values: dict[str, Any] = {
        option.parameter: [] if option.repeatable else False if option.switch else None for option in options
    }
    values |= {option.off: False for option in options if option.switch}
    return values | {flag: None if flag in _VALUES else [] if flag in LISTS else False for flag in flags}


def helps(flags: Iterable[str], options: Iterable[Option] = OPTIONS) -> dict[str, str]:
    """The help for each of those parameters."""
    every = {option.flag: option.help for option in options}
    every |= {option.off: f"Turn --{option.flag} off again." for option in options if option.switch}
    return every | {flag: FLAGS[flag] for flag in flags}

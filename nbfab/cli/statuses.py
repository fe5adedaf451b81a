"""Exit statuses, and what each of them says; `docs/reference.md` has them from here."""

STATUSES = {
    0: "All is as it should be, or is now. `plan`: whether or not something would change.",
    1: "Something failed, was refused, or a host was not reached. `status`, `kernels`: the server does not run or"
    " answer. `doctor`: something was found. `list --check`: a server that should run does not, or was not reached.",
    2: "Wrong use, such as an unknown option.",
    3: "`plan --check`: something would change. `--days-left N`: the certificate has fewer than N days left."
    " `trust`: the rest takes an administrator.",
    4: "`open`: it takes a person to log in, and none is there.",
    130: "Stopped by Control-C; by another signal: 128 and its number.",
    141: "The reader of the output, such as head(1), has left.",
}
MANY = "On several hosts, 1 counts more than 3: of a host that failed, no one knows what would change there."

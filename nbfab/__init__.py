"""nbfab: a notebook server behind TLS and a password, on this machine or over SSH."""

__version__ = "0.2.0"

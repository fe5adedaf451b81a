"""Access to an index of packages, for a host through this machine: which index, which addresses, the proxy to them.

What it reads is of this machine alone, its own configuration and the pages of its own index: no host has a word in what
is lent. It knows neither notebooks nor SSH; where connections come from is the business of `nbfab.ssh.forward`.
"""

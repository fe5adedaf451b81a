"""Which hosts: nbfab's YAML inventory and Ansible's, each host with its settings, checked before any is contacted.

Nothing here connects to a host.
"""

"""How to reach a host: Fabric's connection, made as strict as OpenSSH, or OpenSSH itself.

The only package that uses paramiko. It knows nothing about notebooks.
"""

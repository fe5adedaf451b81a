"""Cluster: which host does what in a Dask cluster, what each of them runs, and the authority that keeps others out.

Nothing here contacts a host.
"""

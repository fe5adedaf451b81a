"""The near end of `open`: a link to a host that comes back by itself, and what goes over it.

A small process of its own, without Fabric: it lives as long as the page, and knows of nbfab only how to carry.
"""

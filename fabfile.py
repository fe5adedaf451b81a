"""For `fab`, which looks for this name: nbfab's tasks, on hosts."""

from nbfab.tasks import ns

__all__ = ["ns"]

"""For `fab`, which looks for this name: nbfab's tasks, on hosts."""

from nbfab.cli.tasks import ns

__all__ = ["ns"]

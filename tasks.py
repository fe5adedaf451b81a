"""For `inv`: nbfab's tasks, on this machine."""

from nbfab.tasks import ns

__all__ = ["ns"]

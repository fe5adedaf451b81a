"""For `inv`: nbfab's tasks, on this machine."""

from nbfab.cli.tasks import ns

__all__ = ["ns"]

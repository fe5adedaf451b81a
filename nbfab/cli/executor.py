"""How `fab -H` and `nbfab -H` get to their hosts: each by the name that was typed, none by accident."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fabric.executor import Executor as FabricExecutor
from invoke import Call, Context, Task

from nbfab.cli.report import Report
from nbfab.cli.task import reader_may_leave
from nbfab.errors import UsageError
from nbfab.names import HostString, split_hosts

if TYPE_CHECKING:
    from nbfab.ssh.early import Early


class HostsContext(Context):
    """A context that names hosts, and connects to nothing by itself."""

    def __init__(self, config: Any, hosts: Sequence[HostString], early: "Early | None") -> None:
        super().__init__(config)
        self._set(nbfab_hosts=hosts, nbfab_early=early)


class HostsCall(Call):
    """A call of a task for hosts."""

    def __init__(self, task: Task[Any], hosts: Sequence[HostString], early: "Early | None", **kwargs: Any) -> None:
        super().__init__(task, **kwargs)
        self.hosts = hosts
        self.early = early

    def make_context(self, config: Any) -> HostsContext:
        """The context that the task gets."""
        return HostsContext(config, self.hosts, self.early)


class Executor(FabricExecutor):  # type: ignore[misc]
    """Fabric's executor, with the hosts checked before anything else is done, and no connection of Fabric's own.

    `early` is what was begun before for one of them.
    """

    early: "Early | None" = None

    def expand_calls(self, calls: list[Any], apply_hosts: bool = True) -> list[Any]:
        """The calls, each for the hosts that -H names; without -H as they are."""
        given = self.core[0].args.hosts.value
        calls = [call if isinstance(call, Call) else Call(call) for call in calls]
        first = calls[0] if calls else None
        json = any(call.kwargs.get("json") for call in calls)
        with reader_may_leave(), Report(first.task.name if first else "", json).errors():
            if self.core.remainder:
                raise UsageError("nbfab runs its own tasks only", "commands of your own are for ssh itself")
            if json and len(calls) > 1:  # or there would be a document for each
                raise UsageError("--json takes one task at a time", "run them one after the other")
            hosts = [] if given is None else split_hosts(given)
        if not hosts:
            return list(super().expand_calls(calls, apply_hosts))
        return [
            HostsCall(call.task, hosts, self.early, args=call.args, kwargs=call.kwargs, called_as=call.called_as)
            for call in calls
        ]

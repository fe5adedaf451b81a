"""How `fab -H` and `nbfab -H` come to their hosts: each by the name that was typed, none by accident."""

from typing import Any

from fabric.executor import Executor as FabricExecutor
from invoke import Call, Context, Task

from nbfab.errors import UsageError
from nbfab.on_host import Group, exits
from nbfab.ssh_hosts import split_hosts


class HostContext(Context):
    """A context that names a host, and connects to nothing by itself."""

    def __init__(self, config: Any, host: str, group: Group) -> None:
        super().__init__(config)
        self._set(nbfab_host=host, nbfab_group=group)


class HostCall(Call):
    """A call of a task for one host."""

    def __init__(self, task: Task[Any], host: str, group: Group, **kwargs: Any) -> None:
        super().__init__(task, **kwargs)
        self.host = host
        self.group = group

    def make_context(self, config: Any) -> HostContext:
        """The context that the task gets."""
        return HostContext(config, self.host, self.group)


class Executor(FabricExecutor):  # type: ignore[misc]
    """Fabric's executor, with the hosts checked before anything else is done, and no connection of Fabric's own."""

    def expand_calls(self, calls: list[Any], apply_hosts: bool = True) -> list[Any]:
        """A call for each host that -H names; without -H the calls as they are."""
        given = self.core[0].args.hosts.value
        with exits():
            if self.core.remainder:
                raise UsageError("nbfab runs its own tasks only", "for a command of yours: ssh HOST COMMAND")
            hosts = [] if given is None else split_hosts(given)
        if not hosts:
            return list(super().expand_calls(calls, apply_hosts))
        expanded = []
        for call in (call if isinstance(call, Call) else Call(call) for call in calls):
            group = Group(len(hosts))
            values = {"args": call.args, "kwargs": call.kwargs, "called_as": call.called_as}
            expanded += [HostCall(call.task, host, group, **values) for host in hosts]
        return expanded

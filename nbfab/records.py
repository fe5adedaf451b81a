"""Records: the standard library's dataclasses, made in a quarter of the time. A task imports a hundred of them.

`dataclasses` writes the source of up to seven methods for each class and compiles them: with a hundred classes, that
is a sixth of the time until a task begins. Here `__init__` alone is made so; the others are functions that all classes
have in common.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any


def record(
    plain: type | None = None, /, *, frozen: bool = False, eq: bool = True, kw_only: bool = False
) -> type | Callable[[type], type]:
    """As `dataclasses.dataclass`; but only the type checker keeps what is `frozen` from being assigned to."""

    def made(plain: type) -> type:
        ready: type = dataclasses.dataclass(eq=False, repr=False, kw_only=kw_only)(plain)
        methods: dict[str, Any] = {"__repr__": _shown}
        if eq:
            names = [field.name for field in dataclasses.fields(ready) if field.compare]
            values = attrgetter(*names) if names else lambda each: ()
            methods |= {"__eq__": _equal_by(values), "__hash__": _hashed_by(values) if frozen else None}
        for name in methods.keys() - vars(plain).keys():
            setattr(ready, name, methods[name])
        return ready

    return made if plain is None else made(plain)


def _equal_by(values: Callable[[object], object]) -> Callable[[object, object], bool]:
    return lambda one, other: values(one) == values(other) if one.__class__ is other.__class__ else NotImplemented


def _hashed_by(values: Callable[[object], object]) -> Callable[[object], int]:
    return lambda each: hash(values(each))


def _shown(each: Any) -> str:
    shown = [f"{field.name}={getattr(each, field.name)!r}" for field in dataclasses.fields(each) if field.repr]
    return f"{each.__class__.__qualname__}({', '.join(shown)})"


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = record

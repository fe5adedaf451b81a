"""What was typed that is no task and no option of nbfab, and what may have been meant."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise

from invoke import ParseError
from invoke.parser import Parser, ParserContext

from nbfab.cli.called import called, program
from nbfab.errors import HostStringError, UsageError
from nbfab.fix import Command
from nbfab.names import nearest, parse_host

Tasks = Mapping[str, ParserContext]


def misread(parser: Parser, words: Sequence[str]) -> UsageError | None:
    """What is wrong with words that the parser has refused; None if nothing here explains it."""
    parser.ignore_unknown = True  # so it tells where it stopped
    try:
        result = parser.parse_argv(list(words))
    except ParseError as error:
        if error.context and error.context.missing_positional_args:
            return UsageError(f"{error.context.name} needs a name after it", helps(error.context))
        return _without_value(words, error.context)
    if not result.unparsed:
        return None
    word, context = result.unparsed[0], result[-1]
    if word.startswith("-"):
        return _option(_whole(word, words), context, parser.contexts, words)
    return unknown_task(word, parser, after=context.name or "")


def lacks_value(parser: Parser, words: Sequence[str]) -> UsageError | None:
    """That the last word is an option that may be repeated, and has no value: the parser takes that for none at all."""
    for word in reversed(words):
        if word in parser.contexts:
            context = parser.contexts[word]
            flag = context.flags.get(words[-1])
            return UsageError(f"{words[-1]} needs a value", helps(context)) if flag and flag.kind is list else None
    return None


def _without_value(words: Sequence[str], context: ParserContext | None) -> UsageError | None:
    """That an option has no value behind it; None if none lacks one."""
    flags = context.flags if context else {}
    for word, after in pairwise((*words, "")):
        takes = word in flags and flags[word].takes_value and not flags[word].optional
        if word.startswith("-") and (not after or (takes and after.startswith("-"))):
            return UsageError(f"{word} needs a value", helps(context))
    return None


def unknown_task(word: str, parser: Parser, after: str = "") -> UsageError:
    """That `word` is no task; it was typed `after` one, or first."""
    tasks = parser.contexts
    fix = _meant(word, tasks) or _core(word, parser.initial) or _host(word, after, tasks) or _choice(tasks)
    return UsageError(f"there is no task {word[:60]!r}", fix)


def _meant(word: str, tasks: Tasks) -> str:
    if f"fleet.{word}" in tasks:
        return f"did you mean fleet.{word}?"
    groups = {task.rpartition(".")[0] for task in tasks}
    group, dot, name = (f"{word}." if word in groups else word).rpartition(".")
    members = [task.removeprefix(f"{group}.") for task in tasks if task.rpartition(".")[0] == group]
    near = nearest(name, members)
    if group and members and not near:
        return f"choose from {group}.{f', {group}.'.join(members)}"
    return f"did you mean {group}{dot}{near}?" if near else ""


def _core(word: str, core: ParserContext | None) -> str:
    return f"did you mean --{word}?" if core and f"--{word}" in core.flags else ""


def _host(word: str, after: str, tasks: Tasks) -> str | Command:
    """How to name a host, if `word` looks like one: as all words that follow a task do, or by its form."""
    try:
        host = parse_host(word)
    except HostStringError:
        return ""
    if after and "--limit" in tasks[after].flags:
        return Command(shlex.join([*called(), after, "--limit", word]))
    if after and "--ssh" not in tasks[after].flags:
        return f"{after} takes no host"
    if not (after or host.user or "." in host.host):
        return ""
    return Command(shlex.join([*called(), "-H", word, after or "setup"]))


def _choice(tasks: Tasks) -> str:
    names = ", ".join(task for task in tasks if "." not in task)
    return f"choose from {names}"


def _option(word: str, context: ParserContext, tasks: Tasks, words: Sequence[str]) -> UsageError:
    """That `word` is no option of the task that this is the context of, or of nbfab itself if no task stands before."""
    option = word.partition("=")[0][:60]
    takers = [name for name, task in tasks.items() if option in task.flags]
    if takers and not context.name:
        task = next((word for word in words if word in takers), "setup" if "setup" in takers else takers[0])
        return UsageError(f"{option} stands before the task", f"put it after {task}")
    error = f"{context.name} has no option {option}" if context.name else f"there is no option {option}"
    if kin := [name for name in takers if name.rpartition(".")[0] == (context.name or "").rpartition(".")[0]]:
        return UsageError(error, f"these have it: {', '.join(kin)}")
    contexts = (context,) if context.name else (context, *tasks.values())
    flags = [flag for each in contexts for flag in (*each.flags, *each.flags.aliases) if flag.startswith("--")]
    near = nearest(option, flags)
    return UsageError(error, f"did you mean {near}?" if near else helps(context))


def _whole(flag: str, words: Sequence[str]) -> str:
    """The word that `flag` was in: Invoke takes one that begins with a single dash apart."""
    parts = (word for word in words if word.startswith("-") and word[1:2] != "-" and flag[1:] in word[1:])
    return flag if flag.startswith("--") else next(parts, flag)


def helps(context: ParserContext | None = None) -> Command:
    """The command that shows the options of a task, or of nbfab itself."""
    name = [context.name] if context and context.name else []
    return Command(shlex.join([*program(), "--help", *name]))

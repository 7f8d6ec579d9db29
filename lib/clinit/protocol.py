"""The words on the socket (SPEC 10). No I/O.

A request is one line: the version word, a command, its arguments.
    clinit/1 tell GROUP LEVEL       clinit/1 wait [GROUP [LEVEL]]
    clinit/1 reread                 clinit/1 restart GROUP:TAG
    clinit/1 halt                   clinit/1 signal SIGNAL GROUP[:TAG]
    clinit/1 replace                clinit/1 plan (tell GROUP LEVEL | reread | halt)
The answer is some lines of text, the last one `ok TEXT` or `error CODE TEXT`, CODE being the exit status.
Lines before it that begin with `warning ` are for stderr, others are what the command prints.
`wait` is answered when the group (or every group) is at rest, or when another command took over. `plan` does
nothing; its answer is a line for each process: what the command after it would do with it.
"""
from __future__ import annotations

from . import cltab

VERSION = "clinit/1"
MAX_REQUEST = 4096      # bytes, the newline included

# command: the numbers of arguments that it takes
COMMANDS = {"tell": (2,), "reread": (0,), "halt": (0,), "replace": (0,), "wait": (0, 1, 2), "restart": (1,),
            "signal": (2,)}
PLANNED = ("tell", "reread", "halt")


def request(*words: str) -> bytes:
    """The line that asks for the command WORDS."""
    return " ".join((VERSION, *words)).encode() + b"\n"


def parse(line: bytes) -> tuple[str, ...]:
    """The command and the arguments of a request, without its newline.

    Raises ValueError, saying what is wrong.
    """
    try:
        words = line.decode("ascii").split()
    except UnicodeDecodeError:
        raise ValueError("a request is ASCII") from None
    if not words or words[0] != VERSION:
        raise ValueError("a request begins with %s" % VERSION)
    if words[1:2] == ["plan"]:
        planned = _checked(words[2:])
        if planned[0] not in PLANNED:
            raise ValueError("plan takes %s, not %s" % (", ".join(PLANNED), planned[0]))
        return ("plan", *planned)
    return _checked(words[1:])


def _checked(words: list[str]) -> tuple[str, ...]:
    """WORDS, if they are a command and good arguments. Raises ValueError."""
    command, arguments = words[0] if words else "", words[1:]
    if command not in COMMANDS:
        raise ValueError("unknown command: %s" % (command or "none given"))
    if len(arguments) not in COMMANDS[command]:
        raise ValueError("%s takes %s arguments" % (command, " or ".join(map(str, COMMANDS[command]))))
    if command == "signal":
        arguments[0] = cltab.signal_name(arguments[0])
    for word in arguments:
        if not all(map(cltab.is_name, word.split(":", 1) if command in ("restart", "signal") else [word])):
            raise ValueError("bad name: %s" % word)
    return (command, *arguments)


def ok(text: str) -> str:
    """The last line of an answer that all is well."""
    return "ok " + text


def error(code: int, text: str) -> str:
    """The last line of an answer that something is not; TEXT is one line."""
    return "error %d %s" % (code, text)


def last_line(line: str) -> tuple[int, str] | None:
    """The code (0 for ok) and the text, where LINE ends an answer; None where more comes."""
    word, _, rest = line.partition(" ")
    if word == "ok":
        return 0, rest
    if word == "error":
        code, _, text = rest.partition(" ")
        return (int(code) if code.isdecimal() else 1), text
    return None

"""The cltab: text in, a table of entries and settings out, or every error that is in it (SPEC 1).

No I/O: whoever calls has read the bytes. A Cltab is never changed once it is made.
"""
from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from . import rules
from .errors import CltabError

MAX_BYTES = 4 * 1024 * 1024
MAX_SOCKET = 107            # bytes in sockaddr_un.sun_path, unix(7)
NAME = re.compile(r"[A-Za-z0-9_.@%+][A-Za-z0-9_.@%+-]{0,63}")
GLOBAL = ("", "")


class Settings:
    """What the settings say for one entry, resolved: the narrowest scope has won.

    limit: seconds that a wait or test may take, or None. reverse: a group is stopped one entry at a time.
    """
    __slots__ = ("kill", "respawn", "output", "ready", "limit", "reverse")

    def __init__(self) -> None:
        self.kill: rules.Ladder = rules.LADDER
        self.respawn: rules.Pace = rules.PACE
        self.output: str | None = None
        self.ready: rules.Ready | None = None
        self.limit: float | None = None
        self.reverse = False


class Entry:
    """One line of the cltab: a process of a group at some levels."""
    __slots__ = ("group", "tag", "levels", "mode", "command", "settings")

    def __init__(self, group: str, tag: str, levels: str, mode: str, command: str) -> None:
        self.group = group
        self.tag = tag
        self.levels = levels
        self.mode = mode
        self.command = command
        self.settings = Settings()

    @property
    def name(self) -> str:
        return self.group + ":" + self.tag

    @property
    def output(self) -> str | None:
        """The file that its output goes to; None where it goes to the daemon's."""
        return self.settings.output and "%s/%s.log" % (self.settings.output, self.name)

    @property
    def ready(self) -> rules.Ready | None:
        """When it counts as ready; None where that is at once."""
        return self.settings.ready if self.mode == "respawn" else None

    @property
    def sum(self) -> str:
        """What tells this entry from a changed one, for the status file: a checksum of mode and command."""
        return "%08x" % zlib.crc32(("%s:%s" % (self.mode, self.command)).encode())

    def same(self, other: Entry | None) -> bool:
        """Whether a process of this entry may go on under OTHER: group, mode and command are the same."""
        return (other is not None and self.group == other.group
                and self.mode == other.mode and self.command == other.command)

    def __str__(self) -> str:
        return ":".join((self.group, self.tag, self.levels, self.mode, self.command))


class Cltab:
    """A good cltab.

    groups:   {group: [Entry, ...]} in file order; `initdefault` entries are not among them
    owner:    {tag: group}
    defaults: {group: level} from `initdefault`
    top:      the global settings of the programs themselves: {"socket", "clstat", "log", "operators": value}
    scopes:   the other settings: {(group, tag): {attribute of Settings: value}}, "" for all
    """

    def __init__(self) -> None:
        self.groups: dict[str, list[Entry]] = {}
        self.owner: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.top: dict[str, str] = {}
        self.scopes: dict[tuple[str, str], dict[str, object]] = {GLOBAL: {}}
        self._made: dict[tuple[tuple[str, str], ...], Settings] = {}

    def settings_of(self, group: str, tag: str) -> Settings:
        """The settings for a process of this name; those that share all scopes share one object."""
        scopes = [scope for scope in (GLOBAL, (group, ""), ("", tag), (group, tag)) if scope in self.scopes]
        key = tuple(scopes)
        if key not in self._made:
            self._made[key] = settings = Settings()
            for scope in scopes:
                for name, value in self.scopes[scope].items():
                    setattr(settings, name, value)
        return self._made[key]

    def __str__(self) -> str:
        return "cltab of %d entries" % len(self.owner)


def level_of(entries: list[Entry], level: str | None) -> dict[str, Entry]:
    """The ENTRIES that are in LEVEL, in file order: {tag: Entry}; none where LEVEL is None."""
    if level is None:
        return {}
    return {entry.tag: entry for entry in entries if rules.in_level(entry.levels, level)}


def differ(old: dict[str, Entry], new: dict[str, Entry]) -> bool:
    """Whether two contents of a level differ in more than order, levels and settings."""
    return old.keys() != new.keys() or not all(old[tag].same(new[tag]) for tag in old)


# Reading lines --------------------------------------------------------------------------------------

def logical_lines(data: bytes) -> list[tuple[int, bytes]]:
    """The lines of DATA that say something, each with the number of its first physical line.

    Blank lines and comments are skipped; a line that ends in a backslash goes on in the next. A comment
    does not: else a backslash at its end would swallow an entry unseen.
    """
    lines: list[tuple[int, bytes]] = []
    start, pending = 0, b""
    for number, line in enumerate(data.split(b"\n"), 1):
        line = line[:-1] if line.endswith(b"\r") else line
        if not start and (not line.strip() or line.lstrip().startswith(b"#")):
            continue
        start = start or number
        if line.endswith(b"\\"):
            pending += line[:-1]
            continue
        lines.append((start, pending + line))
        start, pending = 0, b""
    if start:
        lines.append((start, pending))
    return lines


def parse(data: bytes, name: str) -> Cltab:
    """The table that DATA, the bytes of the file NAME, describes.

    Raises CltabError with every error of the file.
    """
    if len(data) > MAX_BYTES:
        raise CltabError(["%s: larger than 4 MiB" % name])
    reader = _Reader()
    errors = []
    for number, line in logical_lines(data):
        try:
            reader.line(number, line)
        except ValueError as error:
            errors.append("%s:%d: %s" % (name, number, error))
    if errors:
        raise CltabError(errors)
    return reader.finish()


def top_settings(data: bytes) -> dict[str, str]:
    """Those global settings of DATA that are good, whatever else is in it: for clients (SPEC 1)."""
    reader = _Reader()
    for number, line in logical_lines(data[:MAX_BYTES]):
        if line.lstrip().startswith(b":::"):
            try:
                reader.line(number, line)
            except ValueError:
                pass    # not a client's business: the daemon says it
    return reader.table.top


class _Reader:
    """Collects the lines of one file; what is wrong with a line is a ValueError that says so."""

    def __init__(self) -> None:
        self.table = Cltab()
        self.seen: dict[str, int] = {}              # tag: line
        self.defaulted: dict[str, int] = {}         # group: line of its initdefault

    def line(self, number: int, data: bytes) -> None:
        if b"\0" in data:
            raise ValueError("a NUL byte")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError("not UTF-8 at byte %d of the line" % (error.start + 1)) from None
        fields = text.strip().split(":", 4)
        if len(fields) < 5:
            raise ValueError("%d field%s, not the five of group:tag:runlevels:mode:command"
                             % (len(fields), "s"[len(fields) == 1:]))
        group, tag, levels, mode, command = fields
        if levels:
            self.entry(number, Entry(group, tag, levels, mode, command.strip()))
        else:
            self.setting(group, tag, mode, command.strip())

    def entry(self, number: int, entry: Entry) -> None:
        _check_name("group", entry.group)
        _check_name("tag", entry.tag)
        _check_levels(entry.levels)
        if entry.mode not in rules.MODES:
            raise ValueError("unknown mode: %s" % (_shown(entry.mode) or "none given"))
        if not entry.command and entry.mode not in ("off", "initdefault"):
            raise ValueError("%s: no command" % entry.name)
        if entry.tag in self.seen:
            raise ValueError("duplicate tag: %s (also in line %d)" % (entry.tag, self.seen[entry.tag]))
        self.seen[entry.tag] = number
        if entry.mode == "initdefault":
            self.initdefault(number, entry)
            return
        self.table.owner[entry.tag] = entry.group
        self.table.groups.setdefault(entry.group, []).append(entry)

    def initdefault(self, number: int, entry: Entry) -> None:
        parts = [part for part in entry.levels.split(",") if part]
        if len(parts) != 1:
            raise ValueError("%s: initdefault names one level, not %d" % (entry.name, len(parts)))
        if entry.group in self.defaulted:
            raise ValueError("two initdefaults for group %s (also in line %d)"
                             % (entry.group, self.defaulted[entry.group]))
        self.defaulted[entry.group] = number
        self.table.defaults[entry.group] = parts[0]
        self.table.groups.setdefault(entry.group, [])

    def setting(self, group: str, tag: str, name: str, value: str) -> None:
        if group:
            _check_name("group", group)
        if tag:
            _check_name("tag", tag)
        if name in TOP:
            if group or tag:
                raise ValueError("setting %s is global: it begins with `:::`" % name)
            self.table.top[name] = TOP[name](value)
        elif name in SCOPED:
            attribute, read = SCOPED[name]
            self.table.scopes.setdefault((group, tag), {})[attribute] = read(value)
        elif name.startswith("ready@"):
            within = _number(name[len("ready@"):], "ready@", 0.001)
            self.table.scopes.setdefault((group, tag), {})["ready"] = within, _ready(value)[1]
        else:
            raise ValueError("unknown setting: %s (a line without runlevels is a setting)"
                             % (_shown(name) or "none given"))

    def finish(self) -> Cltab:
        """The table, each entry with its settings."""
        for group, entries in self.table.groups.items():
            for entry in entries:
                entry.settings = self.table.settings_of(group, entry.tag)
        return self.table


# Names and values: each checker raises ValueError -----------------------------------------------------

def _shown(word: str) -> str:
    """WORD as it may be shown: quoted where a terminal would not print it as it is."""
    return word if word.isprintable() else ascii(word)


def _check_name(what: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError("bad %s name: %s (1 to 64 of A-Z a-z 0-9 _ . @ %% + -, not beginning with -)"
                         % (what, repr(name)))


def is_name(name: str) -> bool:
    """Whether NAME may be a group, a tag or a level."""
    return NAME.fullmatch(name) is not None


def _check_levels(field: str) -> None:
    parts = field.split(",") if "," in field else [field]
    for part in parts:
        if part:
            _check_name("level", part)
    if not any(parts):
        raise ValueError("no runlevel in %s" % repr(field))


def _number(text: str, what: str, least: float = 0.0) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number < 1e9:       # also refuses nan
        raise ValueError("%s is not a number of seconds" % (repr(text) if text else what))
    return number


def _kill(value: str) -> rules.Ladder:
    """`TERM 30 KILL`: signal, seconds, signal, ..., the last always KILL."""
    words = value.split()
    if not words or len(words) % 2 == 0 or words[-1] not in ("KILL", "SIGKILL"):
        raise ValueError("kill: %s is not SIGNAL SECONDS ... KILL" % repr(value))
    ladder = []
    for name, wait in zip(words[:-1:2], words[1::2]):
        ladder.append((signal_name(name), _number(wait, "kill")))
    return (*ladder, ("KILL", rules.KILL_PATIENCE))


def signal_name(name: str) -> str:
    """NAME, of a signal, without its SIG. Raises ValueError where there is none of that name."""
    import signal       # not for clients, who only read the settings of the programs
    short = name[3:] if name.startswith("SIG") else name
    if "SIG" + short not in signal.Signals.__members__:
        raise ValueError("unknown signal: %s" % _shown(name))
    return short


def _respawn(value: str) -> rules.Pace:
    """`N WINDOW PAUSE`."""
    words = value.split()
    if len(words) != 3 or not words[0].isascii() or not words[0].isdigit() or len(words[0]) > 9:
        raise ValueError("respawn: %s is not N WINDOW PAUSE" % repr(value))
    return int(words[0]), _number(words[1], "respawn"), _number(words[2], "respawn", 0.001)


def _ready(value: str) -> rules.Ready:
    """`notify`, or a command."""
    if not value:
        raise ValueError("ready: neither notify nor a command")
    return rules.READY_WITHIN, "" if value == "notify" else value


def _limit(value: str) -> float:
    return _number(value, "limit", 0.001)


def _stop(value: str) -> bool:
    """`reverse`, or `parallel`."""
    if value not in ("reverse", "parallel"):
        raise ValueError("stop: %s is neither reverse nor parallel" % repr(value))
    return value == "reverse"


def _output(value: str) -> str:
    if not value:
        raise ValueError("output: no folder")
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or value.endswith("/"):
        raise ValueError("%s is not the full path of a file" % repr(value))
    return value


def _socket(value: str) -> str:
    if len(value.encode()) > MAX_SOCKET:
        raise ValueError("socket: the path is over %d bytes" % MAX_SOCKET)
    return _path(value)


def _log(value: str) -> str:
    return value if value == "syslog" else _path(value)


def _operators(value: str) -> str:
    if not value or " " in value:
        raise ValueError("operators: %s is not the name of a group of users" % repr(value))
    return value


TOP = {"socket": _socket, "clstat": _path, "log": _log, "operators": _operators}
# by name: the attribute of Settings, and who reads the value
SCOPED: dict[str, tuple[str, Callable[[str], object]]] = {
    "kill": ("kill", _kill), "respawn": ("respawn", _respawn), "output": ("output", _output),
    "ready": ("ready", _ready), "limit": ("limit", _limit), "stop": ("reverse", _stop)}

"""clstat -w: the status as it changes, what is wrong first (SPEC 9). Imported for that alone.

It asks no daemon, and sleeps while nothing changes: the system tells of changes in the folder by a signal
(dnotify). Each second the file is looked at only where the system does not tell, as of files that other
hosts write, and while the seconds of a pause are counted.
"""
from __future__ import annotations

import fcntl
import os
import select
import signal
import termios
import time
import tty

from . import asking, cli, errors, people, rules, stat, statusline

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
OTHERS = (signal.SIGIO, signal.SIGWINCH, signal.SIGTSTP)
OFTEN, SELDOM = 1.0, 5.0        # seconds between two looks that nothing has asked for
SHARE = 10                      # so many times as long as a look took, there is no other
MOST_REST = 0.5                 # but no longer than this: somebody may press q

# What a terminal understands: the other screen, without a cursor; no line goes on in the next; and back
ENTER = "\033[?1049h\033[?25l\033[?7l\033[2J"
LEAVE = "\033[?7h\033[?25h\033[?1049l"
COLOURS = {errors.STUCK: "31", errors.FAILED: "31", errors.NO_DAEMON: "31", errors.NOT_YET: "33"}


def run(names: list[str], options: cli.Options) -> int:
    """Show the files NAMES, by the OPTIONS of clstat, until q or a signal; returns the exit status. Raises OSError."""
    full = os.isatty(0) and os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb"
    ears = Ears(names, keys=full)
    view = Screen(options) if full else Plain(options)
    view.enter()
    try:
        return follow(names, options, ears, view)
    finally:
        view.leave()


def follow(names: list[str], options: cli.Options, ears: Ears, view: Screen | Plain) -> int:
    """Show what there is whenever it has changed; returns when it is to end, with the exit status."""
    read = Reader().read
    seen, known, counts = stat.Seen([], [], 0), None, False
    while True:
        marks = [mark(name) for name in names]
        if (marks, ages(seen, options), int(time.time()) if counts else 0) != known:
            began = time.monotonic()
            seen = stat.look(names, options, read)
            view.show(seen)
            counts = view.counts and any(line.state == "PAUSED" for file in seen.files for line in file.chosen)
            known = marks, ages(seen, options), int(time.time()) if counts else 0
            often = counts or not ears.told or any(map(stat.foreign, seen.files))
            time.sleep(min(MOST_REST, SHARE * (time.monotonic() - began)))
        for number in ears.wait(OFTEN if often else SELDOM):
            if number in ENDING:
                return 128 + number
            if number == signal.SIGTSTP:
                view.leave()
                os.kill(os.getpid(), signal.SIGSTOP)
                view.enter()
            if number in (signal.SIGTSTP, signal.SIGWINCH):
                known = None
            if number == Ears.QUIT:
                return errors.DONE


def ages(seen: stat.Seen, options: cli.Options) -> list[tuple[bool, str]]:
    """What changes with time alone: which files are stale, and what is to be said of it."""
    return [stat.age(file, options) for file in seen.files]


def mark(path: str) -> tuple[int, ...]:
    """What differs when PATH was written anew; () where it is not."""
    try:
        facts = os.stat(path)
    except OSError:
        return ()
    return facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size


class Reader:
    """Reads status files, each once for each time that it was written."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[tuple[int, ...], list[statusline.Line]]] = {}

    def read(self, path: str) -> list[statusline.Line]:
        """The lines of PATH. Raises NoDaemon."""
        now = mark(path)
        if not now or self.known.get(path, ((), []))[0] != now:
            self.known[path] = now, statusline.parse(asking.read_status(path))
        return self.known[path][1]


class Ears:
    """Hears of changes, signals and keys. told: whether the system tells of changes in all folders of the files."""
    QUIT = 0        # beside the numbers of signals

    def __init__(self, names: list[str], keys: bool) -> None:
        self.keys = keys
        self.reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (*ENDING, *OTHERS):
            if signal.getsignal(number) != signal.SIG_IGN:      # by nohup(1), for one
                signal.signal(number, lambda *_: None)
        self.told = all([_listen(os.path.dirname(os.path.realpath(name))) for name in names])
        self.poll = select.poll()
        self.poll.register(self.reader, select.POLLIN)
        self.poll.register(1, 0)        # whether somebody still reads us
        if keys:
            self.poll.register(0, select.POLLIN)

    def wait(self, seconds: float) -> set[int]:
        """What is heard within SECONDS: numbers of signals, QUIT for q; HUP also where terminal or reader are gone."""
        heard: set[int] = set()
        for descriptor, what in self.poll.poll(seconds * 1000):
            if descriptor == self.reader:
                heard.update(os.read(self.reader, 512))
            elif what != select.POLLIN:
                heard.add(signal.SIGHUP)
            elif b"q" in os.read(0, 512):
                heard.add(self.QUIT)
        return heard


def _listen(folder: str) -> bool:
    """Have the system tell of files written or renamed in FOLDER, by SIGIO; returns whether it does."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)       # it tells as long as this is open
        fcntl.fcntl(descriptor, fcntl.F_NOTIFY,
                    fcntl.DN_MODIFY | fcntl.DN_RENAME | fcntl.DN_DELETE | fcntl.DN_CREATE | fcntl.DN_MULTISHOT)
    except (OSError, AttributeError):       # the latter: another Unix
        return False
    return True


class Plain:
    """Where there is no screen: lines of plain clstat, those that are new."""
    counts = False

    def __init__(self, options: cli.Options) -> None:
        self.options = options
        self.shown: set[str] = set()

    def enter(self) -> None:
        pass

    leave = enter

    def show(self, seen: stat.Seen) -> None:
        rows = stat.as_words(seen, self.options)
        print("".join(row + "\n" for row in rows if row not in self.shown), end="", flush=True)
        for text in seen.complaints:
            if text not in self.shown:
                cli.complain("clstat", text)
        self.shown = {*rows, *seen.complaints}


class Screen:
    """A full screen of a terminal."""
    counts = True

    def __init__(self, options: cli.Options) -> None:
        self.options = options
        self.coloured = not os.environ.get("NO_COLOR")
        self.before = termios.tcgetattr(0)

    def enter(self) -> None:
        try:
            tty.setcbreak(0, termios.TCSADRAIN)
        except termios.error as error:      # which is no OSError
            raise OSError(*error.args) from None
        self._write(ENTER)

    def leave(self) -> None:
        try:
            termios.tcsetattr(0, termios.TCSADRAIN, self.before)
            self._write(LEAVE)
        except (OSError, termios.error):
            pass    # it is gone

    def show(self, seen: stat.Seen) -> None:
        width, height = os.get_terminal_size(1)
        lines = picture(seen, self.options)
        if len(lines) > height:
            lines[height - 1:] = [("... %d more lines" % (len(lines) - height + 1), errors.DONE)]
        rows = ["\033[K" + self._colour(text[:width], code) for text, code in lines]
        self._write("\033[H" + "\r\n".join(rows) + "\033[J")

    def _colour(self, text: str, code: int) -> str:
        return "\033[%sm%s\033[m" % (COLOURS[code], text) if self.coloured and code in COLOURS else text

    def _write(self, text: str) -> None:
        print(text, end="", flush=True)


def picture(seen: stat.Seen, options: cli.Options) -> list[tuple[str, int]]:
    """The lines of a screen, each with the code that tells its colour: what is wrong first."""
    lines = [line for file in seen.files for line in file.chosen]
    groups = sum(line.kind == statusline.GROUP for line in lines)
    place = seen.files[0].host if len(seen.files) == 1 else "%d hosts" % len(seen.files)
    heading = "%s: %s, at %s (q: quit)" % (place, rules.extent(groups, len(lines) - groups), time.strftime("%H:%M:%S"))
    blocks: dict[tuple[str, str], list[people.Row]] = {}        # the rows of each group of each host
    for row in stat.people_rows(seen, options):
        blocks.setdefault((row.cells[0], row.cells[1].partition(":")[0]), []).append(row)
    rows = [row for block in sorted(blocks.values(), key=people.urgent)
            for row in (block[0], *sorted(block[1:], key=lambda row: people.urgent([row])))]
    return [(heading, errors.DONE), *((text, errors.NO_DAEMON) for text in seen.complaints),
            ("", errors.DONE), *people.table(rows, "GROUP, PROCESS")]

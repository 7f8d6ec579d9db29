"""All that stands between fork and exec, and no more (SPEC 3).

Everything is prepared before the fork; the child only calls the system, and leaves by exec or os._exit,
never by an exception into the code of its parent. Whether the exec succeeded comes back on a pipe that the
exec itself closes.

A fork copies the page tables of a Python interpreter, and both sides then copy what they touch: that is most of what
a start costs. posix_spawn(3) copies nothing, as the child runs in our memory, and we wait, until its exec; so what is
respawned, and may be by the thousand, is started by that. But no code of ours can run in the child then: it cannot
note by itself that it has begun, which is what keeps a `wait` or `once` from running twice.
"""
from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import stat
from collections.abc import Callable, Iterable

from . import lock

# A command with one of these is for the shell, any other is split at blanks (SPEC 3).
SHELL_CHARACTERS = frozenset("~!$^&*()=|{}[];\"'<>?\\`")
NOT_EXECUTABLE = 126    # sh(1): found, but no permission
NOT_FOUND = 127
MOST_SENT = 253         # descriptors in one datagram, unix(7)
MOST_OPEN = 1 << 20     # no descriptor of ours has a higher number


class CannotExecute(Exception):
    """The exec failed; code: what counts as its exit status, 126 or 127; str(): why."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__("cannot execute %s: %s" % (what, os.strerror(number)))
        self.code = NOT_EXECUTABLE if number in (errno.EACCES, errno.EPERM) else NOT_FOUND


def words(command: str) -> list[bytes]:
    """The argument vector that COMMAND means, in the bytes that the cltab has, whatever the locale."""
    if SHELL_CHARACTERS.isdisjoint(command):
        return command.encode().split()
    return [b"/bin/sh", b"-c", command.encode()]


def candidates(program: bytes, path: bytes) -> list[bytes]:
    """The files that execvp(3) would try for PROGRAM with this PATH."""
    if b"/" in program:
        return [program]
    return [os.path.join(folder, program) for folder in path.split(b":")]


def special_signals() -> list[int]:
    """The signals that are ignored or caught here, and must be at their default in a child.

    What is caught is reset by exec, what is ignored is not, and CPython ignores SIGPIPE and SIGXFSZ. The
    caught ones count as well: until its exec a child must not run the handlers of its parent.
    """
    return [int(number) for number in signal.valid_signals()
            if signal.getsignal(number) not in (signal.SIG_DFL, None)]


class Surroundings:
    """What all processes get alike.

    stdin: a descriptor; special: what special_signals() says; caught: those of it that have a handler. journal:
    the descriptor of a file where each notes that it began, before its exec, or None. limits: on open files, where
    ours are not theirs, or None.
    """
    __slots__ = ("stdin", "special", "caught", "journal", "limits")

    def __init__(self, stdin: int, special: list[int]) -> None:
        self.stdin = stdin
        self.special = special
        self.caught = [number for number in special if signal.getsignal(number) != signal.SIG_IGN]
        self.journal: int | None = None
        self.limits: tuple[int, int] | None = None


def spawn(argv: list[bytes], environ: dict[bytes, bytes], around: Surroundings, output: int | None,
          note: bytes = b"", quick: bool = False) -> int:
    """Start ARGV in a session of its own; returns its pid, which is its process group and session too.

    output: the descriptor for stdout and stderr; None: those of the caller. note: what is written to the journal,
    followed by its pid: by itself before its exec, or by us if QUICK. Raises CannotExecute, and OSError where the
    system has no process or pipe for it.
    """
    files = candidates(argv[0], environ.get(b"PATH", os.defpath.encode()))
    pid = _spawn_quickly(files, argv, environ, around, output, note) if quick and around.limits is None else 0
    return pid or _fork(files, argv, environ, around, output, note)


def _spawn_quickly(files: list[bytes], argv: list[bytes], environ: dict[bytes, bytes], around: Surroundings,
                   output: int | None, note: bytes) -> int:
    """By posix_spawn(3): the pid; 0 where that was not possible, as fork and exec can say better why.

    That it is about to begin is noted before, and its pid after it: were we killed between the two, it is found by
    its mark (recover.py).
    """
    file = next(filter(_is_program, files), b"")
    if not _shows_its_mark(file):
        return 0
    targets = {0: around.stdin} if output is None else {0: around.stdin, 1: output, 2: output}
    if around.journal is not None:
        lock.note(around.journal, note, 0)
    try:
        pid = os.posix_spawn(file, argv, environ, setsid=True, setsigmask=(), setsigdef=around.special,
                             file_actions=[(os.POSIX_SPAWN_DUP2, source, to) for to, source in targets.items()])
    except (AttributeError, NotImplementedError, OSError, ValueError):
        return 0
    if around.journal is not None:
        lock.note(around.journal, note, pid)
    return pid


def _is_program(file: bytes) -> bool:
    """Whether FILE is what execvp(3) would take."""
    return os.path.isfile(file) and os.access(file, os.X_OK)


def _shows_its_mark(file: bytes) -> bool:
    """Whether FILE is a program that does not hide the environment of its processes from who started them."""
    try:
        return os.access(file, os.R_OK) and not os.stat(file).st_mode & (stat.S_ISUID | stat.S_ISGID)
    except OSError:
        return False


def _fork(files: list[bytes], argv: list[bytes], environ: dict[bytes, bytes], around: Surroundings,
          output: int | None, note: bytes) -> int:
    # A signal that came between fork and exec would be written to the self-pipe of the parent. One that is ignored
    # must not be blocked: it would be kept, and come when it is at its default.
    pid, failure = _part(lambda writer: _child(files, argv, environ, around, output, note, writer), around.caught)
    if failure:
        os.waitpid(pid, 0)
        raise CannotExecute(int(failure), argv[0].decode())
    return pid


def _part(child: Callable[[int], None], blocked: Iterable[int]) -> tuple[int, bytes]:
    """Fork, with the signals BLOCKED; CHILD gets a pipe to write to, and never returns.

    Returns its pid and what it wrote, once it has, or the pipe is closed by its exec or its end. Raises OSError.
    """
    reader, writer = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        pid = os.fork()
        if pid == 0:
            child(writer)
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        return pid, os.read(reader, 16)
    finally:
        os.close(reader)


def take_away(datagrams: socket.socket) -> int:
    """Let a child receive the next of DATAGRAMS, with the descriptors in it, and exit; returns its pid.

    The last close of a descriptor that somebody else has opened may last as long as they like, by SO_LINGER or a file
    system of theirs. That is not to be ours; and who exits does not linger. Raises OSError.
    """
    return _part(lambda writer: _take(datagrams, writer), signal.valid_signals())[0]


def _take(datagrams: socket.socket, writer: int) -> None:
    try:
        kept = sorted((2, datagrams.fileno(), writer, MOST_OPEN))
        for one, following in zip(kept, kept[1:]):      # room for all, and nothing of ours that it would keep
            os.closerange(one + 1, following)
        datagrams.recvmsg(1, socket.CMSG_SPACE(4 * MOST_SENT) + socket.CMSG_SPACE(64))
        os.write(writer, b"x")
    finally:
        os._exit(0)


def _child(files: list[bytes], args: list[bytes], environ: dict[bytes, bytes], around: Surroundings,
           output: int | None, note: bytes, writer: int) -> None:
    failure = errno.ENOENT
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        if around.journal is not None:
            lock.note(around.journal, note, os.getpid())    # while SIGXFSZ is ignored still
        for number in around.special:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if around.limits is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, around.limits)
        os.dup2(around.stdin, 0)
        if output is not None:
            os.dup2(output, 1)
            os.dup2(output, 2)
        for file in files:
            try:
                os.execve(file, args, environ)
            except OSError as error:
                if error.errno == errno.ENOEXEC:    # a script without #!, says execvp(3)
                    os.execve(b"/bin/sh", [b"/bin/sh", file, *args[1:]], environ)
                # As execvp: the next folder may have it; but a refusal is the better reason
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    failure = error.errno or errno.EIO
                    if error.errno != errno.EACCES:
                        break
    except OSError as error:
        failure = error.errno or errno.EIO
    except ValueError:      # a NUL, or something else that the system call cannot be given
        failure = errno.EINVAL
    finally:
        try:
            os.write(writer, b"%d" % failure)
        finally:
            os._exit(NOT_FOUND)

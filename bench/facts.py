"""Facts and when they came true: a file is there, a process is gone, a command has ended. What processes cost.

Nothing is asked again and again: inotify and pidfds tell it. Times are those of time.monotonic().
"""
import ctypes
import os
import select
import struct
import time

PATIENCE = 90           # seconds for a fact to come true
IN_MOVED_TO = 0x80
EVENT = struct.Struct("iIII")   # of inotify(7); the name follows
TICK = 1 / os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None, use_errno=True)


class Arrivals:
    """The files that are renamed into FOLDER, from now on."""

    def __init__(self, folder):
        descriptor = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if descriptor < 0 or LIBC.inotify_add_watch(descriptor, os.fsencode(folder), IN_MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), "inotify cannot watch", folder)
        self.file = open(descriptor, "rb", buffering=0)
        self.poll = select.poll()
        self.poll.register(descriptor, select.POLLIN)

    def close(self):
        self.file.close()

    def take(self):
        """The names that have arrived and were not taken yet."""
        data = self.file.read(1 << 18) or b""      # None where there is nothing
        names, at = set(), 0
        while at < len(data):
            length = EVENT.unpack_from(data, at)[3]
            at += EVENT.size
            names.add(data[at:at + length].rstrip(b"\0").decode())
            at += length
        return names

    def wait(self, names):
        """Wait until all NAMES have arrived; returns when the last did. Raises TimeoutError."""
        missing, end = set(names), time.monotonic() + PATIENCE
        while missing:
            if not self.poll.poll(max(0, 1000 * (end - time.monotonic()))):
                raise TimeoutError("%d of %d services did not come up" % (len(missing), len(names)))
            missing -= self.take()
        return time.monotonic()


class Departures:
    """The ends of the processes PIDS, all alive now."""

    def __init__(self, pids):
        self.poll = select.epoll()
        self.left = set()
        for pid in pids:
            descriptor = os.pidfd_open(pid)
            self.left.add(descriptor)
            self.poll.register(descriptor, select.EPOLLIN)

    def wait(self):
        """Wait until all are gone; returns when the last went. Raises TimeoutError."""
        end = time.monotonic() + PATIENCE
        while self.left:
            gone = [descriptor for descriptor, _ in self.poll.poll(max(0, end - time.monotonic()))]
            if not gone:
                raise TimeoutError("%d services did not end" % len(self.left))
            for descriptor in gone:
                self.left.remove(descriptor)
                os.close(descriptor)
        when = time.monotonic()
        self.poll.close()
        return when


class Command:
    """A command that was begun; began: when."""

    def __init__(self, argv, environ, output=os.devnull):
        self.argv = argv
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                   (os.POSIX_SPAWN_DUP2, 1, 2)]
        self.began = time.monotonic()
        self.pid = os.posix_spawn(argv[0], argv, environ, file_actions=actions)

    def end(self):
        """Wait for its end; returns the seconds that it took. Raises RuntimeError where its exit status is not 0."""
        _, status = os.waitpid(self.pid, 0)
        took = time.monotonic() - self.began
        if status:
            raise RuntimeError("%s: exit status %d" % (" ".join(self.argv)[:200], os.waitstatus_to_exitcode(status)))
        return took


# What processes cost -----------------------------------------------------------------------------------

def _numbers(pid, file, *names):
    """The sum of the numbers that the lines NAMES of a file of /proc/PID begin with."""
    with open("/proc/%d/%s" % (pid, file)) as lines:
        return sum(int(line.split()[1]) for line in lines if line.partition(":")[0] in names)


def memory(pids):
    """The bytes of memory of PIDS: of what they share with others a part (PSS)."""
    return sum(1024 * _numbers(pid, "smaps_rollup", "Pss") for pid in pids)


def wakeups(pids):
    """How often PIDS have gone to sleep."""
    return sum(_numbers(pid, "status", "voluntary_ctxt_switches") for pid in pids)


def cpu(pids):
    """The seconds of CPU that PIDS have used, theirs and the kernel's for them."""
    total = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid) as file:
            total += sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    return total * TICK

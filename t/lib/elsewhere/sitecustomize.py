"""Another Unix, as far as Python shows it: what Linux alone has is taken away before a program of clinit's starts.

On the PYTHONPATH of a test: its own process is spared, for it looks at /proc to see what became of the others.
"""
import builtins
import ctypes
import errno
import os
import select
import signal
import socket
import time

LINUX = ("/proc", "/sys", "/dev/fd")
ABSENT = {
    os: "pidfd_open memfd_create getxattr eventfd copy_file_range sendfile setns unshare splice O_PATH O_TMPFILE",
    signal: "pidfd_send_signal",
    select: "epoll EPOLLIN EPOLLHUP",
    socket: "SO_PEERCRED SOCK_CLOEXEC SOCK_NONBLOCK AF_NETLINK",
    time: "CLOCK_BOOTTIME",
}
PATHS = "open stat lstat readlink listdir scandir access chmod mkdir rmdir rename"


def without(call):
    """CALL, for which there are no such paths as LINUX."""
    def called(path, *args, **more):
        name = os.fsdecode(path) if isinstance(path, (str, bytes)) else ""
        if name.startswith(LINUX):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return call(path, *args, **more)
    return called


class Library:
    """The C library, of which nothing that is asked for by name is there."""

    def __init__(self, *_, **__):
        pass


def mask():
    ctypes.CDLL = Library
    for module, names in ABSENT.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    for name in PATHS.split():
        setattr(os, name, without(getattr(os, name)))
    builtins.open = without(builtins.open)


with open("/proc/self/cmdline") as file:
    words = [os.path.basename(word) for word in file.read().split("\0")[:2]]
if {"clinitd", "clinit", "clstat"} & set(words):
    mask()

#!/usr/bin/env python3
"""What 060 has found of crashes, each with the fewest steps that show it (SPEC 5). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import Mortal, parse
from tap import done, same


def crash(kernel, text=None):
    kernel.crash(kernel.cltab if text is None else parse(text))


def handle_one(kernel, *event):
    """A turn of the daemon that has time for one event."""
    kernel.perform(kernel.init.handle(event or kernel.queue.pop(0), kernel.now))
    kernel.write()


# The status was written, and the notes were cleared, between a start and the heart's knowing of it
kernel = Mortal("g:a:1:once:x\n")
handle_one(kernel, "tell", None, "g", "1", kernel.cltab)
pid = kernel.alive["g:a"]
crash(kernel)
same((kernel.took(), kernel.alive), (["start g:a"], {"g:a": pid}), "what the file calls STARTING and has a pid is not started again")
same(kernel.state("g"), "1 DONE", "its group is at its level")

# A group rests, FAILED; a reread has changed why, and what is new has run, when clinitd is killed before it could write that
kernel = Mortal("g:a:1:test:x\n")
kernel.tell("g", "1")
kernel.exit("g:a", "exit:1")
text = "g:a:1:wait:x\n"
kernel.lag = True
kernel.event("reread", None, parse(text))
kernel.exit("g:a")
crash(kernel, text)
same(kernel.state("g"), "1 DONE", "a group does not stay FAILED by what the cltab does not have any more")

# A process of both levels is respawned while the old level is left: that is no word about where the group goes
kernel = Mortal("g:a:1,2:respawn:x\ng:b:1:once:y\n", obey=())
kernel.tell("g", "1")
kernel.tell("g", "2")
kernel.lag = True
kernel.exit("g:a", "exit:1")
crash(kernel)
kernel.lag = False
kernel.exit("g:b")
same(kernel.state("g"), "2 DONE", "a level that was told is not lost")

# A respawn is being started, with something of an earlier run alive
kernel = Mortal("g:a:1:respawn:x\n")
kernel.tell("g", "1")
kernel.apart.add("g:a")
kernel.refuse = 2
kernel.alive.pop("g:a")
handle_one(kernel, "exited", "g:a", "exit:1", False)
crash(kernel)
kernel.took()
kernel.tell("g", "0")
same((kernel.took(), kernel.apart), (["INT g:a"], set()), "it is stopped with it")
done()

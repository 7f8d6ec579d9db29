#!/usr/bin/env python3
"""Completion in bash and zsh: real shells, in terminals of their own, and a Tab pressed for each case."""
import glob
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from clinit import clinitd, cltab, ctl, errors, paths, stat
from tap import cleanup, done, note, ok, same, skip
from world import ROOT, wait_for

BASH, ZSH = ROOT + "/completion/bash/clinit", ROOT + "/completion/zsh/_clinit"
PACKAGE = os.environ.get("BASH_COMPLETION", "/usr/share/bash-completion/bash_completion")
USAGE = {"clinit": ctl.USAGE, "clinitd": clinitd.USAGE, "clstat": stat.USAGE}
folder = tempfile.mkdtemp(prefix="clinit-t-")
cleanup(lambda: shutil.rmtree(folder))
os.chmod(folder, 0o755)     # for an ordinary user


def write(name, text):
    os.makedirs(os.path.dirname(folder + "/" + name), exist_ok=True)
    with open(folder + "/" + name, "w") as file:
        file.write(text)
    return folder + "/" + name


table = write("cltab", r"""# no:entry:of:once:true \
foo:prepare:run,maint:wait:true
  foo:gate:run:test:test -s www
foo:server:run:respawn:exec server \
no:entry:either:once:true
foo:debug:debug:off:true
foo:::output:logs
bar:tick:234:respawn:true
bar:start:45:initdefault:
:::kill:TERM 10 KILL
idle:at:up:initdefault:
web@1:www@1:long3,:respawn:true
web@1:www@2:long3,:respawn:true
too:few:fields
b$d:name:run:respawn:true
host:alone:here,there:once:true
""")
other = write("other dir/cltab", "else:where:far,away:once:true\n")
write("here/a-file", "")
base = {"PATH": os.environ["PATH"], "HOME": folder, "TERM": "dumb", "LC_ALL": "C.UTF-8", "CLINIT_CLTAB": table,
        "ELSE": folder + "/other dir", "XDG_DATA_DIRS": folder + "/share", "ZDOTDIR": folder + "/zdot"}
os.makedirs(folder + "/share/bash-completion")
os.symlink(ROOT + "/completion/bash", folder + "/share/bash-completion/completions")


class Shell:
    """An interactive shell in a terminal. It writes what a Tab offered, and the line after it, to the file out."""

    def __init__(self, *command):
        self.out = folder + "/out"
        open(self.out, "w").close()
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.chdir(folder + "/here")
            os.execvpe(command[0], command, base)
        cleanup(self.end)
        self.screen = b""
        self.prompt()

    def prompt(self):
        """Wait for the prompt: what is typed before it goes through the terminal's own line editing, and a ^D is lost."""
        self.read("ready\n")
        wait_for(lambda: not termios.tcgetattr(self.terminal)[3] & termios.ICANON, "the prompt")

    def read(self, end):
        """What is in the file when it ends in END."""
        until = time.monotonic() + 20
        while True:
            if select.select([self.terminal], [], [], 0.01)[0]:
                self.screen += os.read(self.terminal, 65536)
            with open(self.out) as file:
                text = file.read()
            if text.endswith(end):
                open(self.out, "w").close()
                return text
            if time.monotonic() > until:
                note(self.screen.decode(errors="replace"))
                raise TimeoutError("no answer of the shell: " + text)

    def tab(self, line, back=0):
        """Type LINE, go BACK, press Tab: the words that are offered, and the line as it is then."""
        os.write(self.terminal, line.encode() + b"\x02" * back + b"\t\x18\x04\x05\x15")
        *offered, last = self.read(" end\n").splitlines()
        return sorted(set(offered)), last[:-len(" end")]

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def options(program):
    return {option for line in re.findall(r"^  (-.*?)(?:  |$)", USAGE[program], re.M)
            for option in re.findall(r"(?<![\w-])--?\w[\w-]*", line)}


def offers(shell, name):
    """What both shells do. zsh writes whole words, bash what readline is to replace: what is behind the last colon."""
    def case(line, want, then, what, back=0):
        got, line = shell.tab(line, back)
        if not want and name == "zsh":      # which has the options when there is nothing else
            got, line = [word for word in got if word[0] != "-"], line[:-1] if line.endswith(" -") else line
        same(({word.split(":")[-1].split("=")[-1].strip() for word in got}, line.rstrip().replace("  ", " ")),
             ({word.split(":")[-1] for word in want.split()}, then), "%s: %s" % (name, what))

    for program in USAGE:
        got = set(shell.tab(program + " -")[0])
        if name == "zsh":       # as there is something behind it, or both
            got = {word.rstrip("=") for word in got}
            got |= {word for word in set(shell.tab(program + " --")[0]) if word.rstrip("=") in options(program)}
        same({word.rstrip("=") for word in got}, options(program), "%s: the options of %s are those of its -h" % (name, program))
    case("clinit ", "foo bar idle web@1 host here there", "clinit", "groups, and levels of the group that is named as this host")
    case("clinit fo", "foo", "clinit foo", "a group")
    case("clinit w", "web@1", "clinit web@1", "with an @ in its name")
    case("clinit web@", "web@1" if name == "zsh" else "@1", "clinit web@1", "and from there on")
    case("clinit foo ", "run maint debug", "clinit foo", "its levels, whole words")
    case("clinit -w foo m", "maint", "clinit -w foo maint", "after an option")
    case("clinit bar ", "2 3 4 45", "clinit bar", "levels of one character; the one of an initdefault is one")
    case("clinit idle ", "up", "clinit idle up", "a group that has nothing else")
    case("clinit web@1 ", "long3", "clinit web@1 long3", "a level with a comma")
    case("clinit -t 5 ba", "bar", "clinit -t 5 bar", "the value of an option is no group")
    case("clinit -t ", "", "clinit -t", "nothing for seconds")
    case("clinit foo run ", "", "clinit foo run", "nothing is third")
    case("clinit -k ", "", "clinit -k", "nor with -k")
    case("clinit none ", "", "clinit none", "no such group")
    case("clinit -r foo:", "foo:prepare foo:gate foo:server", "clinit -r foo:", "names, but of what is off")
    case("clinit -r foo:s", "foo:server", "clinit -r foo:server", "behind a colon")
    case("clinit -r f", "foo:prepare foo:gate foo:server", "clinit -r foo:", "before it")
    case("clinit -r b", "bar:tick", "clinit -r bar:tick", "at once, if there is one")
    case("clinit -r web@1:www@2", "web@1:www@2" if name == "zsh" else "@2", "clinit -r web@1:www@2", "with @, too")
    case("clinit -wr foo:g", "foo:gate", "clinit -wr foo:gate", "options in one word")
    case("clinit -rfoo:g", "foo:gate" if name == "zsh" else "gate", "clinit -rfoo:gate", "and their value in it")
    case("clinit --restart foo:g", "foo:gate", "clinit --restart foo:gate", "the long option")
    case("clinit --restart=foo:g", "foo:gate", "clinit --restart=foo:gate", "with a =")
    case("clinit -r 'foo:g", "foo:gate", "clinit -r 'foo:gate'", "in quotes")
    case("clinit -S HU", "HUP", "clinit -S HUP", "a signal")
    case("clinit -S SIGHU", "SIGHUP", "clinit -S SIGHUP", "with SIG")
    case("clinit -S HUP f", "foo foo:prepare foo:gate foo:server", "clinit -S HUP foo", "then a group or a name")
    case("clinit -S HUP foo:s", "foo:server", "clinit -S HUP foo:server", "then a group or a name")
    case("clinit -S HUP foo ", "", "clinit -S HUP foo", "no level follows")
    case("clinit -c '%s' " % other, "else", "clinit -c '%s' else" % other, "-c names the cltab")
    case("clinit -c ~/other\\ dir/cltab else ", "far away", "clinit -c ~/other\\ dir/cltab else", "with a ~ and a \\")
    case('clinit -c "$ELSE/cltab" e', "else", 'clinit -c "$ELSE/cltab" else', "with a variable")
    case("clinit -c $(touch\\ ../evil) e", "", "clinit -c $(touch\\ ../evil) e", "but nothing is executed")
    ok(not os.path.exists(folder + "/evil"), "%s: indeed" % name)
    case("clinit f -c '%s'" % table, "foo", "clinit foo -c '%s'" % table, "with something behind the cursor", len(" -c ''" + table))
    case("clinit e -c ~/other\\ dir/cltab", "else", "clinit else -c ~/other\\ dir/cltab", "a -c there counts", len(" -c ~/other\\ dir/cltab"))
    case("/usr/local/bin/clinit fo", "foo", "/usr/local/bin/clinit foo", "a program with its path")
    case("clstat -g f", "foo", "clstat -g foo", "clstat -g")
    case("clstat -g foo -l ", "run maint debug", "clstat -g foo -l", "clstat -l, of the group")
    case("clstat -l ", "run maint debug 2 3 4 45 up long3 here there", "clstat -l", "or of all")
    case("clinitd -x i", "idle", "clinitd -x idle", "clinitd -x")
    case("clinitd i", "", "clinitd i", "nothing without it")
    case("clinit", "", "clinit", "the name of the program is not ours")
    for line in ("clinit -c a-", "clinitd -s a-", "clstat -w a-"):
        same(shell.tab(line)[1].rstrip(), line + "file", "%s: files for %s" % (name, line[:-2]))
    signals = [word for word in shell.tab("clinit -S ")[0] if not is_signal(word)]
    same(signals, [], "%s: clinit knows all the signals that are offered" % name)
    os.write(shell.terminal, b"CLINIT_CLTAB=/nowhere; echo ready >>../out\r")
    shell.prompt()
    case("clinit ", "", "clinit", "no cltab, nothing offered")


def is_signal(name):
    try:
        return cltab.signal_name(name.strip())
    except ValueError:
        return False


# What is in a cltab, as the parser sees it, by each awk that is here
with open(BASH) as file:
    bash_text = file.read()
with open(ZSH) as file:
    zsh_text = file.read()
shared = bash_text[bash_text.index("# Sets `cltab`"):bash_text.index("# Sets `plain`")]
ok(shared in zsh_text, "both files read the cltab in the same words")
for program in USAGE:
    same(os.path.realpath("%s/completion/bash/%s" % (ROOT, program)), BASH, "bash-completion finds it for %s" % program)


def shell_words(shell, code, *args, **more):
    call = subprocess.run([shell, "-c", shared + code, shell, *args], capture_output=True, text=True, **more)
    same(call.stderr, "", "no complaint") if call.stderr else None
    return call.stdout.split("\n")[:-1]


good = []
for path in sorted([ROOT + "/etc/cltab.example", *glob.glob(ROOT + "/t/corpus/cltab/*")]):
    try:
        with open(path, "rb") as file:
            good.append((path, cltab.parse(file.read(), path)))
    except errors.CltabError:
        good.append((path, None))
shells = [shell for shell in ("bash", "zsh", "dash") if shutil.which(shell)]
for shell in shells:
    for awk in filter(shutil.which, ("gawk", "mawk", "original-awk", "busybox")):
        place = folder + "/awk-" + awk
        os.makedirs(place, exist_ok=True)
        if not os.path.islink(place + "/awk"):
            os.symlink(shutil.which(awk), place + "/awk")
        environ = {**base, "PATH": place + ":" + base["PATH"]}
        found = shell_words(shell, 'for file; do for what in group name; do _clinit_cltab "$file" $what; echo :; done; done',
                            *[path for path, _ in good], env=environ)
        answers = [set(text.split()) for text in " ".join(["", *found]).split(" :")[:-1]]
        wrong = [(path, got) for (path, read), *got in zip(good, answers[::2], answers[1::2]) if read is not None and got != [
            set(read.groups), {entry.name for entries in read.groups.values() for entry in entries if entry.mode != "off"}]]
        same((wrong, len(answers)), ([], 2 * len(good)), "%s, %s: the groups and names of %d cltabs" % (shell, awk, len(good)))
big = write("big", "".join("g%d:t%d:run:respawn:sleep 1000\n" % (i // 10, i) for i in range(10000)))
began = time.monotonic()
same(len(shell_words("bash", '_clinit_cltab "$1" group', big)), 1000, "ten thousand entries")
took = time.monotonic() - began
ok(took < 1, "in %.2f s" % took)

# Which cltab it is
def programs_paths(environ, given, uid):
    """What clinit and clinitd take for the cltab."""
    saved, getuid = dict(os.environ), os.getuid
    os.environ.clear()
    os.environ.update(environ)
    os.getuid = lambda: uid
    try:
        return [paths.for_client(given).cltab, paths.for_daemon(given).cltab]
    finally:
        os.getuid = getuid
        os.environ.clear()
        os.environ.update(saved)


own = write("home/.config/clinit/cltab", "")
for uid in (0, 65534) if os.getuid() == 0 else (os.getuid(),):
    wrong = []
    for home in (folder + "/home", folder):
        for xdg in (None, "", "relative", folder + "/home/.config"):
            for told in (None, "", "/some/cltab", "/etc/cltab"):
                for given in ("", "/given"):
                    environ = {"HOME": home, "PATH": base["PATH"]}
                    environ.update({name: value for name, value in (("XDG_CONFIG_HOME", xdg), ("CLINIT_CLTAB", told)) if value is not None})
                    user = {"user": uid, "group": uid, "extra_groups": []} if os.getuid() == 0 else {}
                    want = programs_paths(environ, given, uid)
                    for shell in [shell for shell in shells if shell != "dash"]:
                        got = shell_words(shell, '_clinit_path clinit "$1"; echo "$cltab"; _clinit_path clinitd "$1"; echo "$cltab"',
                                          given, env=environ, **user)
                        if got != want:
                            wrong.append((environ, given, got, want))
    same(wrong, [], "the cltab is that of the programs, for uid %d" % uid)

if shutil.which("bash"):
    common = "PS1='$ '; HOSTNAME=host.example; bind 'set bell-style none' 'set completion-query-items 0' 'set page-completions off'\n" \
        "bind -x '\"\\C-x\\C-d\": printf \"%%s end\\n\" \"$READLINE_LINE\" >>%s/out'\n" % folder
    ready = "echo ready >>%s/out\n" % folder
    hook = 'spy() { _clinit "$@"; ((${#COMPREPLY[@]} == 0)) || printf "%%s\\n" "${COMPREPLY[@]}" >>%s/out; }\n' \
        "complete -F spy clinit clinitd clstat\n" % folder
    rc = write("bashrc", "set -u\n" + common + ". %s\n" % BASH + hook + ready)
    offers(Shell("bash", "--noprofile", "--rcfile", rc, "-i"), "bash")
    colonless = write("bashrc2", "COMP_WORDBREAKS=${COMP_WORDBREAKS//[:=@]}\n" + common + ". %s\n" % BASH + ready)
    shell = Shell("bash", "--noprofile", "--rcfile", colonless, "-i")
    same(shell.tab("clinit -r foo:s")[1], "clinit -r foo:server ", "bash: where COMP_WORDBREAKS has no colon")
    same(shell.tab("clinit --restart=web@1:www@")[1], "clinit --restart=web@1:www@", "nor anything else")
    if os.path.exists(PACKAGE):
        shell = Shell("bash", "--noprofile", "--rcfile", write("bashrc3", common + ". %s\n" % PACKAGE + ready), "-i")
        same(shell.tab("clinit -r foo:s")[1], "clinit -r foo:server ", "bash-completion loads it for clinit")
        same(shell.tab("clstat -g i")[1], "clstat -g idle ", "and for clstat")
        same(shell.tab("clinitd -x i")[1], "clinitd -x idle ", "and for clinitd")
    else:
        skip("bash-completion", "the package is not here")
else:
    skip("bash", "it is not here")
if shutil.which("zsh"):
    write("zdot/.zshrc", r"""PS1='$ ' HOST=host.example LISTMAX=10000 fpath=(%s/completion/zsh $fpath)
setopt no_beep no_auto_menu
autoload -Uz compinit && compinit -D -u
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a spied
    builtin compadd -A spied "$@"
    (( ! $#spied )) || print -rl -- $spied >>%s/out
    builtin compadd "$@"
}
told() { print -r -- "$BUFFER end" >>%s/out }
zle -N told; bindkey -e; bindkey '^X^D' told; bindkey '^I' complete-word
echo ready >>%s/out
""" % (ROOT, folder, folder, folder))
    offers(Shell("zsh", "-d", "-i"), "zsh")
else:
    skip("zsh", "it is not here")
done()

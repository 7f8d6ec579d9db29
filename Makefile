# clinit. `make demo` and `make test` need python3, and prove; README.md tells what they do.

PYTHON = python3
PREFIX = /usr/local
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/clinit
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
OCFDIR = $(PREFIX)/lib/ocf/resource.d
UNITDIR = $(PREFIX)/lib/systemd
DESTDIR =
JOBS = 4

PROGRAMS = clinitd clinit clstat
EXAMPLES = check_clinit clinit.logrotate clinit-metrics.service clinit-metrics.timer

all:
	@echo "make demo: see it run. make test: test it. make install: PREFIX, MANDIR, UNITDIR and DESTDIR say where to."

demo:
	@PYTHON=$(PYTHON) t/lib/with-env "docopt setproctitle" t/lib/demo

test:
	@PYTHON=$(PYTHON) t/lib/with-env "docopt setproctitle hypothesis jsonschema prometheus_client" sh -c 'prove -j$(JOBS) --failures --comments --exec "$$PYTHON" t/'

# A real cluster, in namespaces of this machine: needs root, and Pacemaker, Corosync and resource-agents. About a minute.
cluster-test:
	@PYTHON=$(PYTHON) t/lib/with-env "docopt setproctitle" \
	    sh -c 'prove --exec "timeout -k 10 300 $$PYTHON" --failures --comments t/cluster/'

# The first line of each program names the interpreter that was found now, whatever PATH says later.
install:
	python=$$($(PYTHON) -c 'import sys; print(sys.executable)') && \
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/clinit $(DESTDIR)$(DOCDIR)/examples \
	    $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(OCFDIR)/clinit \
	    $(DESTDIR)$(UNITDIR)/system $(DESTDIR)$(UNITDIR)/user \
	    $(foreach section,3 5 7 8,$(DESTDIR)$(MANDIR)/man$(section)) && \
	for program in $(PROGRAMS); do \
	    sed "1s|.*|#!$$python|" bin/$$program >$(DESTDIR)$(PREFIX)/bin/$$program && \
	    chmod 755 $(DESTDIR)$(PREFIX)/bin/$$program || exit 1; \
	done && \
	install -m 644 lib/clinit/*.py lib/clinit/py.typed $(DESTDIR)$(PREFIX)/lib/clinit && \
	sed "s|/usr/local/bin|$(PREFIX)/bin|" ocf/group >$(DESTDIR)$(OCFDIR)/clinit/group && \
	chmod 755 $(DESTDIR)$(OCFDIR)/clinit/group && \
	"$$python" -m compileall -q -d $(PREFIX)/lib/clinit $(DESTDIR)$(PREFIX)/lib/clinit && \
	for page in man/*.[3578]; do \
	    install -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.} || exit 1; \
	done && \
	install -m 644 completion/bash/* $(DESTDIR)$(BASHDIR) && \
	install -m 644 completion/zsh/_clinit $(DESTDIR)$(ZSHDIR) && \
	for example in $(EXAMPLES); do \
	    sed "s|/usr/local/bin|$(PREFIX)/bin|" etc/$$example >$(DESTDIR)$(DOCDIR)/examples/$$example || exit 1; \
	done && \
	chmod 755 $(DESTDIR)$(DOCDIR)/examples/check_clinit && \
	sed 's|/usr/local/bin|$(PREFIX)/bin|' etc/clinitd.service >$(DESTDIR)$(UNITDIR)/system/clinitd.service && \
	sed 's|/usr/local/bin|$(PREFIX)/bin|' etc/clinitd-user.service >$(DESTDIR)$(UNITDIR)/user/clinitd.service && \
	chmod 644 $(DESTDIR)$(UNITDIR)/*/clinitd.service && \
	install -m 644 etc/cltab.example etc/clstat.schema.json etc/inittab.example etc/Containerfile \
	    README.md NEWS LICENSE $(DESTDIR)$(DOCDIR)

uninstall:
	cd $(DESTDIR)$(PREFIX)/bin && rm -f $(PROGRAMS)
	rm -rf $(DESTDIR)$(PREFIX)/lib/clinit $(DESTDIR)$(DOCDIR) $(DESTDIR)$(OCFDIR)/clinit
	cd $(DESTDIR)$(BASHDIR) && rm -f $(PROGRAMS)
	rm -f $(DESTDIR)$(ZSHDIR)/_clinit
	for page in man/*.[3578]; do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page#man/}; done
	cd $(DESTDIR)$(UNITDIR) && rm -f system/clinitd.service user/clinitd.service

# Needs ruff and mypy (PyPI), mandoc and shellcheck.
check:
	ruff check .
	mypy --strict lib/clinit
	MYPYPATH=lib mypy --strict t/lib/api_user.py
	mandoc -T lint -W warning man/*.[3578]
	shellcheck ocf/group etc/check_clinit t/lib/with-env t/lib/demo t/lib/deb-test bench/fetch .ci/run completion/bash/clinit

# The three tables, drawn by graphviz.
dot:
	for name in daemon group process; do man/graphs dot $$name | dot -Tsvg -o $$name.svg || exit 1; done

# The tables changed one cell at a time: how many of how many changes the tests notice.
mutants:
	$(PYTHON) t/lib/mutants

# What others write, mutated: until interrupted, or for SECONDS. What crashes is put into t/corpus.
SEED = 1
fuzz:
	@PYTHON=$(PYTHON) t/lib/with-env docopt sh -c '"$$PYTHON" t/lib/fuzz.py "$(SECONDS)" "$(SEED)"'

# clinit beside its peers: BENCH="-n 100 -p clinit,runit -m up,old" for a part. It needs a C compiler.
bench:
	@PYTHON=$(PYTHON) bench/fetch
	@PYTHON=$(PYTHON) t/lib/with-env "docopt setproctitle" sh -c '"$$PYTHON" bench/bench $(BENCH)'

dist:
	mkdir -p dist && name=clinit-$$($(PYTHON) -c 'import sys; sys.path.insert(0, "lib"); import clinit; print(clinit.__version__)') && \
	git archive --prefix=$$name/ HEAD | gzip -9 >dist/$$name.tar.gz && echo dist/$$name.tar.gz

# An sdist, and a wheel made from it; needs build and twine (PyPI).
wheel:
	mkdir -p dist && rm -f dist/clinit-*.whl && \
	$(PYTHON) -m build --outdir dist . && $(PYTHON) -m twine check --strict dist/clinit-*.whl dist/clinit-*.tar.gz

# The Debian package, of what is committed; needs debhelper and dh-python. The system's Python, whatever PATH says.
deb:
	rm -rf build/deb && mkdir -p build/deb dist && git archive --prefix=clinit/ HEAD | tar -xC build/deb && \
	cd build/deb/clinit && PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg-buildpackage -us -uc -b && \
	cp ../clinit_*.deb ../../../dist

# As root; needs lintian, too.
deb-test: deb
	lintian --fail-on error build/deb/clinit_*.changes
	t/lib/deb-test build/deb/clinit_*.deb

.PHONY: all demo test cluster-test install uninstall check dot mutants fuzz bench dist wheel deb deb-test

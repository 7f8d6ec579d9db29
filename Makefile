# clinit. `make demo` and `make test` need python3, and prove; README.md tells what they do.

PYTHON = python3
PREFIX = /usr/local
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/clinit
DESTDIR =
JOBS = 4

PROGRAMS = clinitd clinit clstat

all:
	@echo "make demo: see it run. make test: test it. make install: PREFIX, MANDIR and DESTDIR say where to."

demo:
	@PYTHON=$(PYTHON) t/lib/with-env "docopt setproctitle" t/lib/demo

test:
	@PYTHON=$(PYTHON) t/lib/with-env "docopt setproctitle hypothesis" sh -c 'prove -j$(JOBS) --exec "$$PYTHON" t/'

# The first line of each program names the interpreter that was found now, whatever PATH says later.
install:
	python=$$($(PYTHON) -c 'import sys; print(sys.executable)') && \
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/clinit $(DESTDIR)$(DOCDIR) \
	    $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 && \
	for program in $(PROGRAMS); do \
	    sed "1s|.*|#!$$python|" bin/$$program >$(DESTDIR)$(PREFIX)/bin/$$program && \
	    chmod 755 $(DESTDIR)$(PREFIX)/bin/$$program || exit 1; \
	done && \
	install -m 644 lib/clinit/*.py $(DESTDIR)$(PREFIX)/lib/clinit && \
	"$$python" -m compileall -q -d $(PREFIX)/lib/clinit $(DESTDIR)$(PREFIX)/lib/clinit && \
	install -m 644 man/*.5 $(DESTDIR)$(MANDIR)/man5 && \
	install -m 644 man/*.8 $(DESTDIR)$(MANDIR)/man8 && \
	install -m 644 etc/cltab.example README.md NEWS LICENSE $(DESTDIR)$(DOCDIR)

uninstall:
	cd $(DESTDIR)$(PREFIX)/bin && rm -f $(PROGRAMS)
	rm -rf $(DESTDIR)$(PREFIX)/lib/clinit $(DESTDIR)$(DOCDIR)
	cd $(DESTDIR)$(MANDIR) && rm -f man5/cltab.5 man8/clinitd.8 man8/clinit.8 man8/clstat.8

.PHONY: all demo test install uninstall

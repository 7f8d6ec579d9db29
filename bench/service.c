/* The service that all supervisors of the bench run: it writes its pid to the file WORLD/up/NAME, which comes there
 * whole by a rename, and pauses until a signal ends it. NAME is its argument; without one, as the `run` of a service
 * folder is started, the name of the folder that it runs in. */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char folder[4096], new[4096], file[4096];
    const char *world = getenv("WORLD"), *name = argc > 1 ? argv[1] : basename(getcwd(folder, sizeof folder));
    int pid = getpid();

    if (!world || !name)
        return 1;
    snprintf(new, sizeof new, "%s/new.%d", world, pid);
    snprintf(file, sizeof file, "%s/up/%s", world, name);
    int descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (descriptor < 0 || dprintf(descriptor, "%d\n", pid) < 0 || close(descriptor) || rename(new, file))
        return 1;
    for (;;)
        pause();
}

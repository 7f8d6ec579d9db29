/* The floor of `all up`: a loop that starts N services and does nothing else. loop vfork|fork N SERVICE
 * It pauses then, until a signal ends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char name[32];

    if (argc != 4)
        return 2;
    for (int n = 0; n < atoi(argv[2]); n++) {
        snprintf(name, sizeof name, "p%d", n);
        pid_t pid = strcmp(argv[1], "vfork") ? fork() : vfork();
        if (pid == 0) {
            execl(argv[3], argv[3], name, (char *)NULL);
            _exit(127);
        }
        if (pid < 0)
            return 1;
    }
    for (;;)
        pause();
}

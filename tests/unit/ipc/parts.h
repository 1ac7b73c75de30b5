/* The parts a test program plays under a supervisor. */
#ifndef TEST_IPC_PARTS_H
#define TEST_IPC_PARTS_H

/* main() of signet-key, signet-core or signet-front */
int parts_play(const char *name, int argc, char **argv);
/* main() of signetd */
int parts_play_signetd(int argc, char **argv);

#endif

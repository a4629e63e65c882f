// A tool that misbehaves in the way its first argument says; each is one that real tools have shown.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void wait_forever(void) {
  for (;;) pause();
}

// A grandchild that keeps our output open; in a session of its own if asked.
static void leave_grandchild(int own_session) {
  if (fork() != 0) return;
  if (own_session) setsid();
  wait_forever();
}

static void flood(unsigned long long bytes) {
  static char chunk[64000];  // whole lines of 100
  memset(chunk, 'x', sizeof(chunk));
  for (size_t i = 99; i < sizeof(chunk); i += 100) chunk[i] = '\n';
  for (unsigned long long left = bytes; left > 0;) {
    const ssize_t put = write(1, chunk, left < sizeof(chunk) ? (size_t)left : sizeof(chunk));
    if (put < 0) exit(9);
    left -= (unsigned long long)put;
  }
}

// `megabytes` of memory, each page touched.
static void grow(unsigned long megabytes) {
  const size_t size = megabytes << 20;
  char *block = malloc(size);
  if (block == NULL) exit(8);
  for (size_t i = 0; i < size; i += 4096) block[i] = 1;
  printf("%d\n", block[size / 2]);
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "fine";
  const char *word = argc > 2 ? argv[2] : "0";
  if (strcmp(how, "fine") == 0) {
    puts("main;work 3");
  } else if (strcmp(how, "hang") == 0) {
    wait_forever();
  } else if (strcmp(how, "ignore-sigterm") == 0) {
    signal(SIGTERM, SIG_IGN);
    puts("deaf");
    fflush(stdout);
    wait_forever();
  } else if (strcmp(how, "setsid") == 0) {
    leave_grandchild(1);
    wait_forever();
  } else if (strcmp(how, "grandchild") == 0) {
    leave_grandchild(0);
    puts("done");
  } else if (strcmp(how, "escaped") == 0) {
    leave_grandchild(1);
    puts("done");
  } else if (strcmp(how, "flood") == 0) {
    flood(strtoull(word, NULL, 10));
  } else if (strcmp(how, "close-early") == 0) {
    close(0);
    close(1);
    close(2);
    usleep(20000);
  } else if (strcmp(how, "half-line") == 0) {
    fputs("whole line\nhalf a li", stdout);
  } else if (strcmp(how, "exit-137") == 0) {
    fputs("first\nthe reason\n", stderr);
    return 137;
  } else if (strcmp(how, "segfault") == 0) {
    raise(SIGSEGV);
  } else if (strcmp(how, "vanish") == 0) {
    raise(SIGKILL);
  } else if (strcmp(how, "stop") == 0) {
    raise(SIGSTOP);
    wait_forever();
  } else if (strcmp(how, "grow") == 0) {
    grow(strtoul(word, NULL, 10));
  } else if (strcmp(how, "burn") == 0) {
    const clock_t end = clock() + (clock_t)strtoul(word, NULL, 10) * (CLOCKS_PER_SEC / 1000);
    while (clock() < end)
      for (volatile unsigned i = 0; i < 20000; ++i) continue;  // most of it in main itself
  } else {
    return 2;
  }
  return 0;
}

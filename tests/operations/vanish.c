/*
 * Preloaded into the profiler: every other process vanishes from /proc after VANISH_AFTER looks at it, a look being an
 * open, a read, a link, a stat or a read of its memory. With 0, 1, 2, … each look of the profiler is one time the first
 * that finds nobody there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIDS = 1 << 16, FDS = 1 << 16 };

static atomic_int looks[PIDS];  /* by pid modulo PIDS */
static atomic_int owner[FDS];   /* of a descriptor opened below /proc/PID: PID */
static int limit = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The pid in "/proc/PID/…", 0 for all else and for ourselves. */
static int pid_of(const char *path)
{
	if (strncmp(path, "/proc/", 6) != 0) return 0;
	char *end;
	long pid = strtol(path + 6, &end, 10);
	return end != path + 6 && *end == '/' && pid > 0 && pid != getpid() ? (int)pid : 0;
}

/* Counts a look; 1: nobody is there any more. */
static int gone(int pid)
{
	if (pid <= 0) return 0;
	if (limit < 0) {
		const char *text = getenv("VANISH_AFTER");
		limit = text ? atoi(text) : 1 << 30;
	}
	return atomic_fetch_add(&looks[pid % PIDS], 1) >= limit;
}

static int opened(int fd, int pid)
{
	if (fd >= 0 && fd < FDS) owner[fd] = pid;
	return fd;
}

#define OPEN_BODY(real)                                    \
	va_list list;                                      \
	va_start(list, flags);                             \
	mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0; \
	va_end(list);                                      \
	int pid = pid_of(path);                            \
	if (gone(pid)) return errno = ENOENT, -1;          \
	return opened(real, pid)

int open(const char *path, int flags, ...)
{
	OPEN_BODY(REAL(open)(path, flags, mode));
}

int open64(const char *path, int flags, ...)
{
	OPEN_BODY(REAL(open64)(path, flags, mode));
}

ssize_t read(int fd, void *into, size_t bytes)
{
	if (fd >= 0 && fd < FDS && gone(owner[fd])) return errno = ESRCH, -1;
	return REAL(read)(fd, into, bytes);
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS) owner[fd] = 0;
	return REAL(close)(fd);
}

DIR *opendir(const char *path)
{
	if (gone(pid_of(path))) return errno = ENOENT, NULL;
	return REAL(opendir)(path);
}

ssize_t readlink(const char *path, char *into, size_t bytes)
{
	if (gone(pid_of(path))) return errno = ENOENT, -1;
	return REAL(readlink)(path, into, bytes);
}

int stat(const char *path, struct stat *into)
{
	if (gone(pid_of(path))) return errno = ENOENT, -1;
	return REAL(stat)(path, into);
}

int stat64(const char *path, struct stat64 *into)
{
	if (gone(pid_of(path))) return errno = ENOENT, -1;
	return REAL(stat64)(path, into);
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long locals, const struct iovec *remote,
			 unsigned long remotes, unsigned long flags)
{
	if (pid != getpid() && gone(pid)) return errno = ESRCH, -1;
	return REAL(process_vm_readv)(pid, local, locals, remote, remotes, flags);
}

/* Serves one file, FILE, as MOUNTPOINT/program over the FUSE protocol (linux/fuse.h; no library needed), so that a test
 * can stop the server while a process runs what it serves. Usage: fuse_file MOUNTPOINT FILE; ends when unmounted. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kRoot = FUSE_ROOT_ID, kFile = 2, kBufferSize = 256 * 1024 };

static int fuse_fd, file_fd;

static void reply(uint64_t unique, int error, const void *data, size_t size) {
	struct fuse_out_header header = {.len = (uint32_t)(sizeof(header) + size), .error = -error, .unique = unique};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)data, size}};
	if (writev(fuse_fd, parts, size > 0 ? 2 : 1) < 0 && errno != ENOENT) perror("fuse_file: reply");
}

static struct fuse_attr attributes(uint64_t node) {
	struct stat st;
	fstat(file_fd, &st);
	const struct fuse_attr root = {.ino = kRoot, .mode = S_IFDIR | 0755, .nlink = 2};
	const struct fuse_attr file = {.ino = kFile, .mode = S_IFREG | 0755, .nlink = 1, .size = (uint64_t)st.st_size,
				       .blocks = (uint64_t)st.st_blocks, .blksize = 4096};
	return node == kRoot ? root : file;
}

static void read_file(const struct fuse_in_header *in, const struct fuse_read_in *read_in) {
	static char buffer[kBufferSize];
	const size_t wanted = read_in->size < kBufferSize ? read_in->size : kBufferSize;
	const ssize_t got = pread(file_fd, buffer, wanted, (off_t)read_in->offset);
	reply(in->unique, got < 0 ? errno : 0, buffer, got < 0 ? 0 : (size_t)got);
}

static void serve(const struct fuse_in_header *in, const void *body) {
	switch (in->opcode) {
	case FUSE_INIT: {
		const struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = 65536,
						  .max_write = 65536};
		reply(in->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_GETATTR: {
		const struct fuse_attr_out out = {.attr_valid = 60, .attr = attributes(in->nodeid)};
		reply(in->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_LOOKUP: {
		const struct fuse_entry_out out = {.nodeid = kFile, .entry_valid = 60, .attr_valid = 60,
						   .attr = attributes(kFile)};
		const int found = in->nodeid == kRoot && strcmp(body, "program") == 0;
		reply(in->unique, found ? 0 : ENOENT, &out, found ? sizeof(out) : 0);
		return;
	}
	case FUSE_OPEN: {
		const struct fuse_open_out out = {.open_flags = FOPEN_KEEP_CACHE};
		reply(in->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_READ:
		read_file(in, body);
		return;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(in->unique, 0, NULL, 0);
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		reply(in->unique, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv) {
	if (argc != 3) return 2;
	file_fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (file_fd < 0 || fuse_fd < 0) {
		perror("fuse_file");
		return 1;
	}
	char options[128];
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse_fd);
	if (mount("fuse_file", argv[1], "fuse", MS_NODEV | MS_NOSUID, options) != 0) {
		perror("fuse_file: mount");
		return 1;
	}
	static char request[kBufferSize];
	for (;;) {
		const ssize_t got = read(fuse_fd, request, sizeof(request));
		if (got < (ssize_t)sizeof(struct fuse_in_header)) {
			if (got < 0 && (errno == EINTR || errno == ENOENT)) continue;
			return 0; /* ENODEV: unmounted */
		}
		const struct fuse_in_header *in = (const struct fuse_in_header *)request;
		serve(in, in + 1);
	}
}

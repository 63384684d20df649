// An LD_PRELOAD library that records what a process does to one folder, and injects disk faults into it.
//
// DISK_ROOT     the folder, as an absolute path without symbolic links
// DISK_JOURNAL  a file outside of it; every change is appended as a record (journal.ts reads them)
// DISK_CONTROL  a file of `struct control` outside of it; the test changes it while the process runs (disk.ts writes it)
//
// A record is appended after the call succeeded and before it returns, with one exception: SYNC_BEGIN is appended before
// an fsync, so that SYNC_END covers exactly what was recorded before SYNC_BEGIN. The journal is written with O_APPEND
// by one write(2) a record, so it survives SIGKILL of the process.
//
// Not seen: writes through a memory map (SQLite maps only `-shm`, which is left out), stdio, copy_file_range and sendfile.
// shim.spec.ts compares a replay of the journal with the folder, so an unhooked call shows.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// The same numbers as in journal.ts.
enum { OPEN = 1, CREATE, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, SYNC_FAILED, UNLINK, RENAME, MKDIR, RMDIR, LINK };

struct record {
  uint32_t length; // of the whole record
  uint32_t kind;
  uint64_t inode;
  uint64_t at; // the offset of a write, or the new size
  uint32_t thread;
  uint32_t check; // tells a torn record from a whole one
};

// The same order as in disk.ts.
struct control {
  int64_t room; // bytes by which files may still grow; negative: no limit
  int32_t room_error;
  int32_t write_error;
  int32_t sync_error;
  int32_t change_error; // for what changes a folder or opens for writing
  int32_t read_error;
  int32_t sync_delay; // microseconds
  int32_t write_delay;
  int32_t frozen;
};

enum { FILES = 1 << 16 };
enum { NONE, RECORDED, FAULTS_ONLY };

static char root[PATH_MAX];
static size_t root_length;
static int journal = -1;
static struct control *control;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t kinds[FILES];
static uint64_t inodes[FILES];
static uint64_t devices[FILES];

#define REAL(type, name, ...) \
  static type (*real_##name)(__VA_ARGS__); \
  if (!real_##name) real_##name = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static void die(const char *what) {
  dprintf(2, "disk shim: %s: %s\n", what, strerror(errno));
  _exit(70);
}

// Raw system calls: our own files must not pass through the hooks.
__attribute__((constructor)) static void start(void) {
  const char *folder = getenv("DISK_ROOT"), *records = getenv("DISK_JOURNAL"), *faults = getenv("DISK_CONTROL");
  if (!folder || !records || !faults) return;
  int fd = syscall(SYS_openat, AT_FDCWD, records, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) die(records);
  journal = fcntl(fd, F_DUPFD_CLOEXEC, 500);
  if (journal < 0) die(records);
  syscall(SYS_close, fd);
  fd = syscall(SYS_openat, AT_FDCWD, faults, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) die(faults);
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (control == MAP_FAILED) die(faults);
  syscall(SYS_close, fd);
  snprintf(root, sizeof root, "%s", folder);
  root_length = strlen(root);
}

static void append(uint32_t kind, uint64_t inode, uint64_t at, const void *data, size_t size) {
  struct record head = {sizeof head + size, kind, inode, at, syscall(SYS_gettid), 0};
  head.check = head.length ^ (head.kind * 2654435761u) ^ 0x5d15c0deu;
  struct iovec parts[] = {{&head, sizeof head}, {(void *)data, size}};
  if (syscall(SYS_writev, journal, parts, 2) != (ssize_t)head.length) die("the journal cannot be written");
}

// The part of a path below the root ("" for the root itself), or NULL for a path elsewhere.
static const char *locate(int folder, const char *path, char *buffer) {
  if (!root_length || !path) return NULL;
  if (path[0] != '/') {
    char link[64];
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, buffer, PATH_MAX - 1);
    if (length < 0 || length + strlen(path) + 2 > PATH_MAX) return NULL;
    while (!strncmp(path, "./", 2)) path += 2;
    sprintf(buffer + length, "/%s", strcmp(path, ".") ? path : "");
    path = buffer;
  }
  if (strncmp(path, root, root_length) || (path[root_length] && path[root_length] != '/')) return NULL;
  path += root_length;
  while (*path == '/') path++;
  if (path != buffer) memmove(buffer, path, strlen(path) + 1);
  for (size_t end = strlen(buffer); end && buffer[end - 1] == '/'; end--) buffer[end - 1] = 0;
  return buffer;
}

static int is_recorded(const char *path) {
  size_t length = strlen(path);
  return length < 4 || strcmp(path + length - 4, "-shm");
}

// Compares the inode: libuv closes by syscall(2), unseen, and the number may be a socket's since.
static int kind_of(int fd) {
  if (fd < 0 || fd >= FILES || !kinds[fd]) return NONE;
  struct stat now;
  if (fstat(fd, &now) || now.st_ino != inodes[fd] || now.st_dev != devices[fd]) kinds[fd] = NONE;
  return kinds[fd];
}

static void sleep_for(int32_t microseconds) {
  if (microseconds <= 0) return;
  struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000L};
  while (nanosleep(&time, &time) && errno == EINTR) {}
}

static void wait_while_frozen(void) {
  while (__atomic_load_n(&control->frozen, __ATOMIC_ACQUIRE)) sleep_for(2000);
}

// -1, with errno set, where this fault is on.
static int fails(const int32_t *fault) {
  int32_t error = __atomic_load_n(fault, __ATOMIC_ACQUIRE);
  if (!error) return 0;
  errno = error;
  return -1;
}

// How many of `size` bytes may be written at an offset: fewer where the disk becomes full, -1 where it is.
static ssize_t grant(int fd, off_t at, size_t size) {
  wait_while_frozen();
  sleep_for(control->write_delay);
  if (fails(&control->write_error)) return -1;
  if (__atomic_load_n(&control->room, __ATOMIC_ACQUIRE) < 0) return size;
  struct stat now;
  if (fstat(fd, &now)) return size;
  off_t growth = at + (off_t)size - now.st_size;
  if (growth <= 0) return size;
  pthread_mutex_lock(&lock);
  int64_t room = control->room;
  int64_t taken = room < 0 || growth < room ? growth : room;
  if (room >= 0) control->room = room - taken;
  pthread_mutex_unlock(&lock);
  ssize_t granted = size - (growth - taken);
  if (granted > 0 || taken > 0) return granted;
  errno = control->room_error;
  return -1;
}

// --- opening and closing -------------------------------------------------------------------------------------------

static int open_file(int folder, const char *path, int flags, mode_t mode) {
  REAL(int, openat, int, const char *, int, ...);
  char buffer[PATH_MAX];
  const char *name = locate(folder, path, buffer);
  if (!name) return real_openat(folder, path, flags, mode);
  int writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
  if (writes && fails(&control->change_error)) return -1;
  if (flags & O_CREAT) pthread_mutex_lock(&lock);
  struct stat now;
  int existed = !(flags & O_CREAT) || !fstatat(folder, path, &now, 0);
  int fd = real_openat(folder, path, flags, mode);
  if (fd >= 0 && fd < FILES && !fstat(fd, &now)) {
    inodes[fd] = now.st_ino;
    devices[fd] = now.st_dev;
    kinds[fd] = is_recorded(name) ? RECORDED : FAULTS_ONLY;
    if (kinds[fd] == RECORDED) append(existed ? OPEN : CREATE, now.st_ino, 0, name, strlen(name));
    if (kinds[fd] == RECORDED && existed && flags & O_TRUNC) append(TRUNCATE, now.st_ino, 0, NULL, 0);
  }
  if (flags & O_CREAT) {
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
  }
  return fd;
}

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

#define HOOK_OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = mode_of(flags, rest); \
    va_end(rest); \
    return open_file(AT_FDCWD, path, flags, mode); \
  }
#define HOOK_OPENAT(name) \
  int name(int folder, const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = mode_of(flags, rest); \
    va_end(rest); \
    return open_file(folder, path, flags, mode); \
  }
HOOK_OPEN(open)
HOOK_OPEN(open64)
HOOK_OPENAT(openat)
HOOK_OPENAT(openat64)

int creat(const char *path, mode_t mode) { return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
  REAL(int, close, int);
  if (fd >= 0 && fd < FILES) kinds[fd] = NONE; // before: afterwards the number may be another thread's
  return real_close(fd);
}

static int copy_kind(int from, int to) {
  if (to < 0 || to >= FILES) return to;
  int kind = kind_of(from);
  if (kind) inodes[to] = inodes[from], devices[to] = devices[from];
  kinds[to] = kind;
  return to;
}
int dup(int fd) {
  REAL(int, dup, int);
  return copy_kind(fd, real_dup(fd));
}
int dup2(int fd, int to) {
  REAL(int, dup2, int, int);
  return copy_kind(fd, real_dup2(fd, to));
}
int dup3(int fd, int to, int flags) {
  REAL(int, dup3, int, int, int);
  return copy_kind(fd, real_dup3(fd, to, flags));
}

// --- contents ------------------------------------------------------------------------------------------------------

static off_t write_offset(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return lseek(fd, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR);
}

static ssize_t record_write(int fd, off_t at, const void *data, ssize_t written) {
  if (written > 0 && kind_of(fd) == RECORDED) append(WRITE, inodes[fd], at, data, written);
  return written;
}

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (!kind_of(fd)) return real_write(fd, data, size);
  off_t at = write_offset(fd);
  ssize_t granted = grant(fd, at, size);
  if (granted < 0) return -1;
  return record_write(fd, at, data, real_write(fd, data, granted));
}

static ssize_t write_at(int fd, const void *data, size_t size, off_t at) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
  if (!kind_of(fd)) return real_pwrite64(fd, data, size, at);
  ssize_t granted = grant(fd, at, size);
  if (granted < 0) return -1;
  return record_write(fd, at, data, real_pwrite64(fd, data, granted, at));
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return write_at(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { return write_at(fd, data, size, at); }

// A gathered write to the folder becomes several plain ones; a short count is what the caller sees where one of them fails.
ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (!kind_of(fd)) return real_writev(fd, parts, count);
  ssize_t total = 0;
  for (int part = 0; part < count; part++) {
    ssize_t written = write(fd, parts[part].iov_base, parts[part].iov_len);
    if (written < 0) return total ? total : -1;
    total += written;
    if ((size_t)written < parts[part].iov_len) break;
  }
  return total;
}

static ssize_t writev_at(int fd, const struct iovec *parts, int count, off_t at) {
  REAL(ssize_t, pwritev64, int, const struct iovec *, int, off_t);
  if (!kind_of(fd)) return real_pwritev64(fd, parts, count, at);
  ssize_t total = 0;
  for (int part = 0; part < count; part++) {
    ssize_t written = write_at(fd, parts[part].iov_base, parts[part].iov_len, at + total);
    if (written < 0) return total ? total : -1;
    total += written;
    if ((size_t)written < parts[part].iov_len) break;
  }
  return total;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return writev_at(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return writev_at(fd, parts, count, at); }

static int resize(int fd, off_t size) {
  REAL(int, ftruncate64, int, off_t);
  if (!kind_of(fd)) return real_ftruncate64(fd, size);
  if (grant(fd, size, 0) < 0) return -1;
  int result = real_ftruncate64(fd, size);
  if (!result && kind_of(fd) == RECORDED) append(TRUNCATE, inodes[fd], size, NULL, 0);
  return result;
}
int ftruncate(int fd, off_t size) { return resize(fd, size); }
int ftruncate64(int fd, off_t size) { return resize(fd, size); }

static int truncate_path(const char *path, off_t size) {
  int fd = open_file(AT_FDCWD, path, O_WRONLY, 0);
  if (fd < 0) return -1;
  int result = resize(fd, size), error = errno;
  close(fd);
  errno = error;
  return result;
}
int truncate(const char *path, off_t size) { return truncate_path(path, size); }
int truncate64(const char *path, off_t size) { return truncate_path(path, size); }

static int allocate(int fd, int mode, off_t at, off_t size) {
  REAL(int, fallocate64, int, int, off_t, off_t);
  if (!kind_of(fd)) return real_fallocate64(fd, mode, at, size);
  if (mode) { // punching holes and the like: SQLite does not
    errno = EOPNOTSUPP;
    return -1;
  }
  struct stat now;
  if (fstat(fd, &now)) return -1;
  return at + size > now.st_size ? resize(fd, at + size) : 0;
}
int fallocate(int fd, int mode, off_t at, off_t size) { return allocate(fd, mode, at, size); }
int fallocate64(int fd, int mode, off_t at, off_t size) { return allocate(fd, mode, at, size); }
int posix_fallocate(int fd, off_t at, off_t size) { return allocate(fd, 0, at, size) ? errno : 0; }
int posix_fallocate64(int fd, off_t at, off_t size) { return allocate(fd, 0, at, size) ? errno : 0; }

static int sync_file(int fd, int (*real)(int)) {
  if (!kind_of(fd)) return real(fd);
  int recorded = kind_of(fd) == RECORDED;
  uint64_t inode = inodes[fd];
  if (recorded) append(SYNC_BEGIN, inode, 0, NULL, 0);
  wait_while_frozen();
  sleep_for(control->sync_delay);
  int result = fails(&control->sync_error) ? -1 : real(fd), error = errno;
  // A cut during a freeze loses what this fsync was to keep: it has not returned yet.
  wait_while_frozen();
  if (recorded) append(result ? SYNC_FAILED : SYNC_END, inode, 0, NULL, 0);
  errno = error;
  return result;
}
int fsync(int fd) {
  REAL(int, fsync, int);
  return sync_file(fd, real_fsync);
}
int fdatasync(int fd) {
  REAL(int, fdatasync, int);
  return sync_file(fd, real_fdatasync);
}

ssize_t read(int fd, void *data, size_t size) {
  REAL(ssize_t, read, int, void *, size_t);
  return kind_of(fd) && fails(&control->read_error) ? -1 : real_read(fd, data, size);
}
ssize_t pread64(int fd, void *data, size_t size, off_t at) {
  REAL(ssize_t, pread64, int, void *, size_t, off_t);
  return kind_of(fd) && fails(&control->read_error) ? -1 : real_pread64(fd, data, size, at);
}
ssize_t pread(int fd, void *data, size_t size, off_t at) { return pread64(fd, data, size, at); }

// --- folders -------------------------------------------------------------------------------------------------------

// Makes one change to a folder, unless a fault is on, and records it.
#define CHANGE(name, call, kind) \
  if (!(name)) return call; \
  wait_while_frozen(); \
  if (fails(&control->change_error)) return -1; \
  int result = call, error = errno; \
  if (!result && is_recorded(name)) append(kind, 0, 0, name, strlen(name)); \
  errno = error; \
  return result

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  char buffer[PATH_MAX];
  const char *name = locate(AT_FDCWD, path, buffer);
  CHANGE(name, real_unlink(path), UNLINK);
}
int unlinkat(int folder, const char *path, int flags) {
  REAL(int, unlinkat, int, const char *, int);
  char buffer[PATH_MAX];
  const char *name = locate(folder, path, buffer);
  CHANGE(name, real_unlinkat(folder, path, flags), flags &AT_REMOVEDIR ? RMDIR : UNLINK);
}
int rmdir(const char *path) {
  REAL(int, rmdir, const char *);
  char buffer[PATH_MAX];
  const char *name = locate(AT_FDCWD, path, buffer);
  CHANGE(name, real_rmdir(path), RMDIR);
}
int remove(const char *path) {
  struct stat now;
  return !lstat(path, &now) && S_ISDIR(now.st_mode) ? rmdir(path) : unlink(path);
}
int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t);
  char buffer[PATH_MAX];
  const char *name = locate(AT_FDCWD, path, buffer);
  CHANGE(name, real_mkdir(path, mode), MKDIR);
}

// Both names in one record, with a zero byte between them. Moving something into or out of the folder is not supported.
static int change_two(uint32_t kind, int (*real)(const char *, const char *), const char *from, const char *to) {
  char first[PATH_MAX], second[PATH_MAX], names[2 * PATH_MAX];
  const char *old = locate(AT_FDCWD, from, first), *new = locate(AT_FDCWD, to, second);
  if (!old && !new) return real(from, to);
  if (!old || !new) {
    errno = EXDEV;
    return -1;
  }
  wait_while_frozen();
  if (fails(&control->change_error)) return -1;
  int result = real(from, to), error = errno;
  size_t length = strlen(old);
  memcpy(names, old, length + 1);
  strcpy(names + length + 1, new);
  if (!result) append(kind, 0, 0, names, length + 1 + strlen(new));
  errno = error;
  return result;
}
int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  return change_two(RENAME, real_rename, from, to);
}
int link(const char *from, const char *to) {
  REAL(int, link, const char *, const char *);
  return change_two(LINK, real_link, from, to);
}

/* A power cut for one process and one folder, to be preloaded (LD_PRELOAD) by the test `power`.
 *
 * It keeps, for every page of 4,096 bytes that was written since its file's last fsync, what the page held at that
 * fsync. At the POWERCUT_AFTER-th write it puts a random half of those pages back, some of them only in part (sectors
 * of 512 bytes), and kills the process: what was fsynced stays, of the rest a random part is forgotten.
 *
 * POWERCUT_DIR    files under this folder are watched (the WAL index, -shm, is no content and is not)
 * POWERCUT_AFTER  how many writes until the cut
 * POWERCUT_SEED   which part is forgotten
 *
 * A truncation counts as durable at once, as the journal of a file system makes it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <stdio.h>

enum { PAGE = 4096, SECTOR = 512, FILES = 64, BUCKETS = 1 << 14 };

struct page { uint64_t number; struct page *next; unsigned char held[PAGE]; };
struct file { dev_t dev; ino_t ino; int watched, fd; off_t durable_size; struct page *pages[BUCKETS]; };

static struct file files[FILES];
static int file_count;
static long writes_left = -1;
static uint64_t random_state = 88172645463325252ull;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int started;

static uint64_t random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static long raw_pread(int fd, void *to, size_t n, off_t at) { return syscall(SYS_pread64, fd, to, n, at); }
static long raw_pwrite(int fd, const void *from, size_t n, off_t at) { return syscall(SYS_pwrite64, fd, from, n, at); }

static void start(void) {
    if (started) return;
    started = 1;
    const char *after = getenv("POWERCUT_AFTER"), *seed = getenv("POWERCUT_SEED");
    if (after) writes_left = atol(after);
    if (seed) random_state ^= strtoull(seed, NULL, 10) * 0x9E3779B97F4A7C15ull;
    if (!random_state) random_state = 1;
}

static int is_watched(int fd) {
    const char *dir = getenv("POWERCUT_DIR");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (!dir || n <= 0) return 0;
    path[n] = 0;
    size_t length = strlen(path);
    if (length > 4 && !strcmp(path + length - 4, "-shm")) return 0;
    return !strncmp(path, dir, strlen(dir));
}

/* The watched file behind fd, or NULL. */
static struct file *file_of(int fd) {
    struct stat st;
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) return NULL;
    for (int i = 0; i < file_count; i++)
        if (files[i].dev == st.st_dev && files[i].ino == st.st_ino) return files[i].watched ? &files[i] : NULL;
    if (file_count == FILES) return NULL;
    struct file *file = &files[file_count];
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    file->watched = is_watched(fd);
    file->durable_size = st.st_size;
    file->fd = file->watched ? dup(fd) : -1;
    file_count++;
    return file->watched ? file : NULL;
}

/* Remembers what the pages of [at, at + n) held at the last fsync, where that is not known yet. */
static void before_write(struct file *file, off_t at, size_t n) {
    if (!n) return;
    for (uint64_t number = at / PAGE; number <= (uint64_t)(at + n - 1) / PAGE; number++) {
        struct page **bucket = &file->pages[number % BUCKETS], *page = *bucket;
        while (page && page->number != number) page = page->next;
        if (page) continue;
        page = calloc(1, sizeof *page);
        if (!page) abort();
        page->number = number;
        raw_pread(file->fd, page->held, PAGE, number * PAGE);
        page->next = *bucket;
        *bucket = page;
    }
}

static void forget_pages(struct file *file) {
    for (int i = 0; i < BUCKETS; i++)
        for (struct page *page = file->pages[i], *next; page; page = next) { next = page->next; free(page); }
    memset(file->pages, 0, sizeof file->pages);
}

/* What lies beyond a new end is gone: later writes there begin from nothing. */
static void forget_beyond(struct file *file, off_t size) {
    for (int i = 0; i < BUCKETS; i++)
        for (struct page **at = &file->pages[i]; *at;) {
            struct page *page = *at;
            if ((off_t)(page->number * PAGE) >= size) { *at = page->next; free(page); } else at = &page->next;
        }
}

static void put_back(struct file *file, struct page *page) {
    uint64_t coin = random_next() % 4;
    if (coin < 2) return;
    for (int sector = 0; sector < PAGE / SECTOR; sector++)
        if (coin == 2 || random_next() % 2)
            raw_pwrite(file->fd, page->held + sector * SECTOR, SECTOR, page->number * PAGE + sector * SECTOR);
}

static void cut(void) {
    for (int i = 0; i < file_count; i++) {
        struct file *file = &files[i];
        if (!file->watched) continue;
        struct stat st;
        off_t size = fstat(file->fd, &st) ? 0 : st.st_size;
        for (int b = 0; b < BUCKETS; b++)
            for (struct page *page = file->pages[b]; page; page = page->next) put_back(file, page);
        /* Growth that was not fsynced stays or goes; putting pages back must not grow the file. */
        off_t keep = size > file->durable_size && random_next() % 2 ? file->durable_size : size;
        if (syscall(SYS_ftruncate, file->fd, keep)) abort();
    }
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void count_write(void) {
    if (writes_left > 0 && --writes_left == 0) cut();
}

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

static ssize_t watched_write(int fd, const void *from, size_t n, off_t at, int moves) {
    pthread_mutex_lock(&lock);
    start();
    struct file *file = file_of(fd);
    if (file) {
        if (moves) at = lseek(fd, 0, SEEK_CUR);
        before_write(file, at, n);
    }
    ssize_t done = moves ? syscall(SYS_write, fd, from, n) : raw_pwrite(fd, from, n, at);
    if (file) count_write();
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *from, size_t n) {
    /* Sockets and pipes must not wait for each other. */
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) return syscall(SYS_write, fd, from, n);
    return watched_write(fd, from, n, 0, 1);
}
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) { return watched_write(fd, from, n, at, 0); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) { return watched_write(fd, from, n, at, 0); }

static int watched_truncate(int fd, off_t size) {
    pthread_mutex_lock(&lock);
    start();
    struct file *file = file_of(fd);
    int done = syscall(SYS_ftruncate, fd, size);
    if (file && !done) {
        if (size < file->durable_size) file->durable_size = size;
        forget_beyond(file, size);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
int ftruncate(int fd, off_t size) { return watched_truncate(fd, size); }
int ftruncate64(int fd, off64_t size) { return watched_truncate(fd, size); }

static int watched_sync(int fd, int (*real)(int)) {
    pthread_mutex_lock(&lock);
    start();
    struct file *file = file_of(fd);
    int done = real(fd);
    struct stat st;
    if (file && !done && !fstat(fd, &st)) {
        forget_pages(file);
        file->durable_size = st.st_size;
    }
    pthread_mutex_unlock(&lock);
    return done;
}
int fsync(int fd) { return watched_sync(fd, REAL(fsync)); }
int fdatasync(int fd) { return watched_sync(fd, REAL(fdatasync)); }

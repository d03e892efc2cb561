/* WebSockets over epoll, in one thread: many that listen, one that sends. No extension is offered, so frames are plain. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OPENING = 20, EVENTS = 512, NAP_US = 100, CONNECT_S = 120, LARGEST = 4 << 20 };
enum state { NEW, CONNECTING, HANDSHAKE, OPEN, GONE };

struct connection {
    enum state state;
    int fd, number, wants_out;
    char *in, *out;                    /* a frame that has not come whole; what the kernel did not take yet */
    size_t in_size, in_room, out_size, out_room;
};

int sockets_gone;
uint64_t sockets_bytes, sockets_reads;

static const struct target *target;
static struct connection *connections;
static int poller, total, opening, opened, next_to_open;
static char buffer[1 << 18];

static void watch(struct connection *c, int how) {
    struct epoll_event event = { EPOLLET | EPOLLIN | (c->wants_out ? EPOLLOUT : 0), { .ptr = c } };
    epoll_ctl(poller, how, c->fd, &event);
}

static void lose(struct connection *c, const char *why) {
    if (c->state == GONE) return;
    if (c->state != OPEN) die("socket %d could not be opened: %s", c->number, why);
    if (!sockets_gone++) fprintf(stderr, "socket %d is gone: %s\n", c->number, why);
    c->state = GONE;
    close(c->fd);
}

static void want_out(struct connection *c, int wants) {
    if (c->wants_out != wants) { c->wants_out = wants; watch(c, EPOLL_CTL_MOD); }
}

static void put(struct connection *c, const char *bytes, size_t size) {
    if (!c->out_size) {
        ssize_t sent = send(c->fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) { lose(c, strerror(errno)); return; }
        if (sent > 0) { bytes += sent; size -= sent; }
        if (!size) return;
    }
    if (c->out_size + size > c->out_room) c->out = realloc(c->out, c->out_room = (c->out_size + size) * 2);
    memcpy(c->out + c->out_size, bytes, size);
    c->out_size += size;
    want_out(c, 1);
}

static void send_rest(struct connection *c) {
    ssize_t sent = send(c->fd, c->out, c->out_size, MSG_NOSIGNAL);
    if (sent < 0) { if (errno != EAGAIN) lose(c, strerror(errno)); return; }
    memmove(c->out, c->out + sent, c->out_size -= sent);
    if (!c->out_size) want_out(c, 0);
}

static void send_frame(struct connection *c, int opcode, const char *payload, size_t size) {
    static const unsigned char mask[4] = { 0x3a, 0x91, 0x5c, 0xe7 };
    static char frame[65536 + 8];
    size_t head = 2;
    if (size > 65535) die("a frame of %zu bytes is too large", size);
    frame[0] = 0x80 | opcode;
    if (size < 126) frame[1] = 0x80 | size;
    else { frame[1] = 0x80 | 126; frame[2] = size >> 8; frame[3] = size; head = 4; }
    memcpy(frame + head, mask, 4);
    head += 4;
    for (size_t i = 0; i < size; i++) frame[head + i] = payload[i] ^ mask[i & 3];
    put(c, frame, head + size);
}

static void take_frame(struct connection *c, int opcode, const char *payload, size_t size, uint64_t now) {
    char why[64];
    switch (opcode) {
    case 1: take_text(c->number, payload, size, now); break;
    case 8:
        snprintf(why, sizeof why, "closed with %d", size < 2 ? 1005 : (payload[0] & 255) << 8 | (payload[1] & 255));
        lose(c, why);
        break;
    case 9: send_frame(c, 10, payload, size); break;
    case 10: break;
    default: die("socket %d got a frame with opcode %d", c->number, opcode);
    }
}

/* Take the whole frames at the beginning of `bytes`; answers how many bytes they were. */
static size_t take_frames(struct connection *c, const char *bytes, size_t size, uint64_t now) {
    size_t used = 0;
    while (c->state == OPEN && size - used >= 2) {
        const unsigned char *frame = (const unsigned char *)bytes + used;
        uint64_t length = frame[1] & 127;
        size_t head = length < 126 ? 2 : length == 126 ? 4 : 10;
        if (!(frame[0] & 0x80) || frame[0] & 0x70) die("socket %d got a frame that is not whole and plain", c->number);
        if (size - used < head) break;
        if (head > 2) length = 0;
        for (size_t i = 2; i < head; i++) length = length << 8 | frame[i];
        if (length > LARGEST) die("socket %d got a frame of %llu bytes", c->number, (unsigned long long)length);
        if (size - used < head + length) break;
        take_frame(c, frame[0] & 15, (const char *)frame + head, length, now);
        used += head + length;
    }
    return used;
}

static size_t take_handshake(struct connection *c, const char *bytes, size_t size) {
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(bytes, "HTTP/1.1 101", 12)) die("socket %d was refused: %.*s", c->number, (int)(end - bytes), bytes);
    c->state = OPEN;
    opening--;
    opened++;
    return end + 4 - bytes;
}

static void keep(struct connection *c, const char *rest, size_t size) {
    if (size > c->in_room) {
        char *larger = malloc(c->in_room = size + 1024);
        memcpy(larger, rest, size);
        free(c->in);
        c->in = larger;
    } else if (size) {
        memmove(c->in, rest, size);
    }
    c->in_size = size;
}

static void read_on(struct connection *c) {
    ssize_t got;
    do {
        got = recv(c->fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) { lose(c, got ? strerror(errno) : "closed without a word"); return; }
        sockets_bytes += got;
        sockets_reads++;
        const char *bytes = buffer;
        size_t size = got, used = 0;
        if (c->in_size) {
            if (c->in_size + size > c->in_room) c->in = realloc(c->in, c->in_room = (c->in_size + size) * 2);
            memcpy(c->in + c->in_size, buffer, size);
            bytes = c->in;
            size += c->in_size;
        }
        if (c->state == HANDSHAKE) used = take_handshake(c, bytes, size);
        if (c->state == OPEN) used += take_frames(c, bytes + used, size - used, now_us());
        if (c->state == GONE) return;
        keep(c, bytes + used, size - used);
    } while (got == sizeof buffer); /* edge-triggered: more may be there */
}

static void connect_to(struct connection *c) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(target->port) };
    int one = 1;
    if (inet_pton(AF_INET, target->address, &to.sin_addr) != 1) die("%s is no IPv4 address", target->address);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("no socket: %s (raise `ulimit -n`)", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (void *)&to, sizeof to) && errno != EINPROGRESS) die("cannot connect: %s", strerror(errno));
    c->state = CONNECTING;
    c->wants_out = 1;
    opening++;
    watch(c, EPOLL_CTL_ADD);
}

static void shake_hands(struct connection *c) {
    char request[2048];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) die("socket %d cannot connect: %s", c->number, strerror(error));
    const char *path = c->number < target->subscribers ? target->path : target->publish_path;
    int length = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nOrigin: http://%s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
        path, target->address, target->port, target->address, target->port,
        target->protocol ? "Sec-WebSocket-Protocol: " : "", target->protocol ? target->protocol : "",
        target->protocol ? "\r\n" : "");
    c->state = HANDSHAKE;
    want_out(c, 0);
    put(c, request, length);
}

static void handle(struct connection *c, uint32_t what) {
    if (c->state == CONNECTING) { shake_hands(c); return; }
    if (c->state != GONE && what & EPOLLOUT && c->out_size) send_rest(c);
    if (c->state != GONE && what & (EPOLLIN | EPOLLERR | EPOLLHUP)) read_on(c);
}

static int poll_for(uint64_t us) {
    struct epoll_event events[EVENTS];
    struct timespec timeout = { us / 1000000, us % 1000000 * 1000 };
    int count = epoll_pwait2(poller, events, EVENTS, &timeout, NULL);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr) handle(events[i].data.ptr, events[i].events);
        else take_input();
    }
    return count;
}

void sockets_wait(uint64_t until) {
    uint64_t now = now_us();
    poll_for(until > now ? until - now : 0);
}

/* While we wait on the sockets, every write to one of them makes the server wake us up, on another core: a cost that
 * it would not have with clients elsewhere. So we sleep without waiting, and look. */
void sockets_nap(uint64_t until) {
    static int count;
    uint64_t now = now_us(), us = until > now ? until - now : 0;
    struct timespec nap = { 0, (us < NAP_US ? us : NAP_US) * 1000 };
    if (count < EVENTS && us) nanosleep(&nap, NULL);
    count = poll_for(0);
}

int sockets_open(const struct target *to, int (*is_ready)(void)) {
    struct rlimit limit;
    struct epoll_event input = { EPOLLIN, { .ptr = NULL } };
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    prctl(PR_SET_TIMERSLACK, 1000);
    target = to;
    total = to->subscribers + (to->publish_path != NULL);
    poller = epoll_create1(0);
    connections = calloc(total, sizeof *connections);
    uint64_t late = now_us() + CONNECT_S * 1000000ull;
    while (opened < total || !is_ready()) {
        for (; opening < OPENING && next_to_open < total; next_to_open++) {
            connections[next_to_open].number = next_to_open;
            connect_to(&connections[next_to_open]);
        }
        sockets_wait(now_us() + 50000);
        if (now_us() > late || sockets_gone) die("only %d of %d sockets are open and ready", opened - sockets_gone, total);
    }
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    return to->publish_path ? to->subscribers : 0;
}

void sockets_send(int socket, const char *text, size_t size) {
    if (connections[socket].state == OPEN) send_frame(&connections[socket], 1, text, size);
}

size_t sockets_unsent(int socket) { return connections[socket].out_size; }

/* The physical limit: a broadcaster that checks nothing, stores nothing and knows one room.
 *
 *   fan PORT one-by-one   a message costs each socket a send()
 *   fan PORT together     all messages that one recv() brought cost each socket one send()
 *
 * A socket that does not take what it is sent loses it; the load generator would notice. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 65536, EVENTS = 512, IN = 1 << 16, OUT = 1 << 20 };

static int members[SOCKETS], count; /* file descriptors */
static struct { unsigned char *in; int size, is_member; } clients[SOCKETS];
static unsigned char out[OUT];
static int out_size, poller, together;

static void fail(const char *what) { perror(what); exit(1); }

static void broadcast(void) {
    for (int i = 0; i < count; i++) (void)!send(members[i], out, out_size, MSG_NOSIGNAL | MSG_DONTWAIT);
    out_size = 0;
}

static void leave(int fd) {
    for (int i = 0; i < count; i++)
        if (members[i] == fd) { members[i] = members[--count]; break; }
    free(clients[fd].in);
    close(fd);
}

static void enter(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= SOCKETS) { close(fd); continue; }
        struct epoll_event event = { EPOLLIN, { .fd = fd } };
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        clients[fd].in = malloc(IN);
        clients[fd].size = clients[fd].is_member = 0;
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

/* Copy one masked frame to `out` as a server sends it; answers its size, 0 if it has not come whole. */
static int take_frame(const unsigned char *frame, int size) {
    int length = frame[1] & 127, head = 2;
    if (size < 6) return 0;
    if (length == 126) { head = 4; length = frame[2] << 8 | frame[3]; }
    if (size < head + 4 + length) return 0;
    memcpy(out + out_size, frame, head);
    out[out_size + 1] &= 127;
    for (int i = 0; i < length; i++) out[out_size + head + i] = frame[head + 4 + i] ^ frame[head + (i & 3)];
    out_size += head + length;
    return head + 4 + length;
}

static void hear(int fd) {
    unsigned char *in = clients[fd].in;
    int got = recv(fd, in + clients[fd].size, IN - clients[fd].size, 0), used = 0, taken;
    if (got <= 0) { if (got == 0 || errno != EAGAIN) leave(fd); return; }
    clients[fd].size += got;
    if (!clients[fd].is_member) {
        static const char answer[] =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; /* the generator's key is always the same */
        if (!memmem(in, clients[fd].size, "\r\n\r\n", 4)) return;
        (void)!write(fd, answer, sizeof answer - 1);
        clients[fd].is_member = 1;
        clients[fd].size = 0;
        members[count++] = fd;
        return;
    }
    while ((taken = take_frame(in + used, clients[fd].size - used))) {
        used += taken;
        if (!together) broadcast();
    }
    memmove(in, in + used, clients[fd].size -= used);
    if (out_size) broadcast();
}

int main(int argc, char **words) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    if (argc != 3) { fputs("fan PORT one-by-one|together\n", stderr); return 2; }
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(words[1])) };
    struct epoll_event event = { EPOLLIN, { .fd = listener } }, events[EVENTS];
    together = !strcmp(words[2], "together");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) fail("listen");
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener) enter(listener);
            else hear(events[i].data.fd);
        }
    }
}

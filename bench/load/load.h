/* The parts of the load generator: sockets carry texts, the ledger knows who must get what, load.c sets the pace. */
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <stdint.h>

struct target {
    const char *address, *path, *publish_path, *protocol;
    int port, subscribers;
};

/* sockets.c: N subscribers, and one publisher: a socket of its own if it has a path, the first subscriber otherwise. */
int sockets_open(const struct target *target, int (*is_ready)(void));
void sockets_wait(uint64_t until_us);  /* handle what comes; returns early when something did */
void sockets_nap(uint64_t until_us);   /* the same, but sleeping first: see the comment there */
void sockets_send(int socket, const char *text, size_t size);
size_t sockets_unsent(int socket);
extern int sockets_gone;
extern uint64_t sockets_bytes, sockets_reads;

/* Called by sockets.c. */
void take_text(int socket, const char *text, size_t size, uint64_t now_us);
void take_input(void);                 /* standard input has something */

/* ledger.c: every subscriber must get every message once, all in one order. */
struct delays { uint64_t count, sum_us, most, buckets[64 << 5]; };
extern uint64_t published, refused, delivered, misplaced;
extern struct delays delivery_delays, ack_delays;
void ledger_begin(int subscribers);
uint32_t ledger_publish(uint64_t due_us);
void ledger_deliver(int socket, uint32_t number, uint64_t now_us);
void ledger_ack(uint32_t number, uint64_t now_us);
void ledger_measure(uint64_t first);   /* count delays anew, of messages from this number on; UINT64_MAX for no more */
uint64_t ledger_missing(void);
double delay_ms(const struct delays *delays, double share);

uint64_t now_us(void);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif

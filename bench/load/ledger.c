/* What was published, and what came to whom.
 *
 * The order is that of whoever is ahead: the first subscriber to get its k-th message says which one the k-th is, and
 * everybody else's k-th must be the same. A message that is lost, doubled or swapped for anybody is so noticed, at
 * the cost of one comparison a delivery, also with servers that do not keep the order in which one socket posted. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t published, refused, delivered, misplaced;
struct delays delivery_delays, ack_delays;

static uint64_t *due_us;      /* by number */
static uint32_t *order;       /* numbers, in the order of whoever is ahead */
static uint8_t *is_ordered;   /* by number */
static uint32_t *came;        /* by subscriber: how many */
static uint64_t ordered, room, first_measured = UINT64_MAX;
static int subscribers;

void ledger_begin(int count) {
    subscribers = count;
    came = calloc(count, sizeof *came);
}

static void grow(void) {
    uint64_t before = room;
    room = room ? room * 2 : 1 << 16;
    due_us = realloc(due_us, room * sizeof *due_us);
    order = realloc(order, room * sizeof *order);
    is_ordered = realloc(is_ordered, room);
    if (!due_us || !order || !is_ordered) die("out of memory");
    memset(is_ordered + before, 0, room - before);
}

uint32_t ledger_publish(uint64_t due) {
    if (published == room) grow();
    due_us[published] = due;
    return published++;
}

/* Log-linear: 32 steps for each power of two, so 3 % wide. */
static int bucket(uint64_t value) {
    if (value < 32) return value;
    int power = 63 - __builtin_clzll(value);
    return ((power - 4) << 5) | ((value >> (power - 5)) & 31);
}

static uint64_t middle(int bucket) {
    if (bucket < 32) return bucket;
    int shift = (bucket >> 5) - 1;
    return (((uint64_t)(bucket & 31) | 32) << shift) + ((1ull << shift) >> 1);
}

static void count_delay(struct delays *delays, uint32_t number, uint64_t now) {
    if (number < first_measured) return;
    uint64_t delay = now > due_us[number] ? now - due_us[number] : 0;
    delays->buckets[bucket(delay)]++;
    delays->count++;
    delays->sum_us += delay;
    if (delay > delays->most) delays->most = delay;
}

double delay_ms(const struct delays *delays, double share) {
    uint64_t before = 0;
    for (int i = 0; i < 64 << 5; i++)
        if ((before += delays->buckets[i]) > delays->count * share) return middle(i) / 1e3;
    return delays->most / 1e3;
}

static void misplace(int socket, uint32_t number, uint32_t place) {
    if (!misplaced++) fprintf(stderr, "subscriber %d got message %u in place %u, which is wrong\n", socket, number, place);
}

void ledger_deliver(int socket, uint32_t number, uint64_t now) {
    if (socket >= subscribers) { misplace(socket, number, 0); return; }
    uint32_t place = came[socket]++;
    delivered++;
    if (number >= published || place >= published) { misplace(socket, number, place); return; }
    if (place < ordered) {
        if (order[place] != number) misplace(socket, number, place);
    } else if (is_ordered[number]) {
        misplace(socket, number, place);
    } else {
        is_ordered[number] = 1;
        order[ordered++] = number;
    }
    count_delay(&delivery_delays, number, now);
}

void ledger_ack(uint32_t number, uint64_t now) {
    if (number < published) count_delay(&ack_delays, number, now);
}

void ledger_measure(uint64_t first) {
    first_measured = first;
    if (first == UINT64_MAX) return;
    memset(&delivery_delays, 0, sizeof delivery_delays);
    memset(&ack_delays, 0, sizeof ack_delays);
}

uint64_t ledger_missing(void) {
    uint64_t missing = 0, expected = published - refused;
    for (int i = 0; i < subscribers; i++)
        if (came[i] < expected) missing += expected - came[i];
    return missing;
}

/* The load generator: opens sockets, then carries out what standard input says, a line a phase:
 *
 *   closed IN_FLIGHT WARM_UP_S SECONDS   publish as soon as fewer than so many messages are not yet with everybody
 *   rate PER_SECOND WARM_UP_S SECONDS    publish on time, whatever comes back
 *
 * It says `ready`, then for each phase `begin` and `end DELIVERIES` (so that others can measure between them), and a
 * line of JSON. A delivery is a message that came to one subscriber, and its delay counts from when it was due.
 *
 * In `rate`, the end is when everything has come to everybody; in `closed`, after the seconds, and what is on its way is
 * waited for behind it. Delays are, in `rate`, of what was published between them, and in `closed` of what came. It exits
 * when its input ends. */
#define _GNU_SOURCE
#include "load.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static const char USAGE[] =
    "load --port PORT --subscribers N --path PATH --post TEXT [--protocol NAME] [--publish-path PATH] [--ready TEXT]\n"
    "     [--patience SECONDS]\n"
    "  --post   what a client sends, with {text} for the message and {number} for its number, if it is acknowledged\n"
    "  --ready  what a server says to a subscriber when it will hear everything from then on\n"
    "  --patience  when nothing has come for so long, what is missing is lost (5)\n";
static const char MARK[] = "bench:"; /* then 16 digits: when it was due in µs; and 8: its number */
enum { TEXT = 100, MARK_SIZE = sizeof MARK - 1, UNSENT = 1 << 20, HOPELESS_US = 1500000 };

static struct target target = { .address = "127.0.0.1", .path = "/" };
static const char *post, *ready;
static int publisher, acknowledged, readied, input_waits;
static uint64_t moved_us, last_us, patience_us = 5000000;

uint64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000ull + time.tv_nsec / 1000;
}

void die(const char *format, ...) {
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    exit(1);
}

void take_input(void) { input_waits = 1; }

static int contains(const char *text, size_t size, const char *part) { return memmem(text, size, part, strlen(part)) != NULL; }

static uint64_t digits(const char *text, int count) {
    uint64_t value = 0;
    while (count--) value = value * 10 + (*text++ - '0');
    return value;
}

static void take_answer(const char *text, size_t size, uint64_t now) {
    if (contains(text, size, "\"type\":\"error\"") && !refused++) fprintf(stderr, "refused: %.*s\n", (int)size, text);
    if (ready && contains(text, size, ready)) readied++;
    if (acknowledged && contains(text, size, "\"type\":\"posted\"")) {
        const char *id = memmem(text, size, "\"id\":", 5);
        if (id) ledger_ack(strtoul(id + 5, NULL, 10), now);
    }
}

void take_text(int socket, const char *text, size_t size, uint64_t now) {
    static size_t usual; /* where the mark was in the last message: mostly it is there again */
    const char *mark = text + usual;
    if (size < usual + TEXT || memcmp(mark, MARK, MARK_SIZE)) mark = memmem(text, size, MARK, MARK_SIZE);
    if (!mark || text + size < mark + TEXT) { take_answer(text, size, now); return; }
    usual = mark - text;
    uint32_t number = digits(mark + MARK_SIZE + 17, 8);
    last_us = now;
    ledger_deliver(socket, number, now);
    if (socket == publisher && !acknowledged) ledger_ack(number, now);
}

static void publish(uint64_t due) {
    static char frame[4096];
    uint32_t number = ledger_publish(due);
    char text[TEXT + 1], *end = frame;
    memset(text, 'x', TEXT);
    text[TEXT] = 0;
    text[snprintf(text, sizeof text, "%s%016llu:%08u:", MARK, (unsigned long long)due, number)] = 'x';
    for (const char *from = post; *from;) {
        if (!strncmp(from, "{text}", 6)) { end = stpcpy(end, text); from += 6; }
        else if (!strncmp(from, "{number}", 8)) { end += sprintf(end, "%u", number); from += 8; }
        else *end++ = *from++;
    }
    sockets_send(publisher, frame, end - frame);
}

static double in_flight(void) { return (double)(published - refused) - (double)delivered / target.subscribers; }

/* Whether nothing has come for long, though something should. */
static int is_stuck(void) {
    static uint64_t before;
    if (before != delivered) { before = delivered; moved_us = now_us(); }
    return now_us() - moved_us > patience_us || sockets_gone;
}

static void wait_for_all(void) {
    moved_us = now_us();
    while (delivered < (published - refused) * target.subscribers && !is_stuck()) sockets_nap(now_us() + 1000000);
}

static void drain(void) {
    wait_for_all();
    uint64_t grace = now_us() + 20000; /* for what comes though nothing is missing any more */
    while (now_us() < grace) sockets_nap(grace);
}

static void run_closed(double most, uint64_t until) {
    moved_us = now_us();
    while (now_us() < until && !is_stuck()) {
        while (in_flight() < most && sockets_unsent(publisher) < UNSENT) publish(now_us());
        sockets_nap(until);
    }
}

/* Answers whether it was hopeless: much more was behind than there is time to catch up with. */
static int run_rate(double per_s, uint64_t from, uint64_t until) {
    uint64_t sent = 0, due = from;
    for (;;) {
        for (; due < until && due <= now_us(); due = from + ++sent / per_s * 1e6) publish(due);
        if (due >= until) return 0;
        if (now_us() - from > HOPELESS_US && in_flight() > per_s * HOPELESS_US / 1e6) return 1;
        sockets_nap(due);
    }
}

struct counts { uint64_t us, published, delivered, bytes, reads; };

static struct counts count(uint64_t us) {
    return (struct counts){ us, published, delivered, sockets_bytes, sockets_reads };
}

static struct counts begin(uint64_t first) {
    ledger_measure(first);
    printf("begin\n");
    fflush(stdout);
    return count(now_us());
}

static void end(uint64_t deliveries) {
    ledger_measure(UINT64_MAX);
    printf("end %llu\n", (unsigned long long)deliveries);
    fflush(stdout);
}

static void tell(struct counts since, struct counts until, int hopeless) {
    printf(
        "{\"took_s\": %.6f, \"published\": %llu, \"deliveries\": %llu, \"bytes\": %llu, \"reads\": %llu, "
        "\"mean_ms\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"most_ms\": %.3f, \"ack_p50_ms\": %.3f, \"ack_p99_ms\": %.3f, "
        "\"hopeless\": %d, \"missing\": %llu, \"misplaced\": %llu, \"refused\": %llu, \"gone\": %d}\n",
        (until.us - since.us) / 1e6, (unsigned long long)(until.published - since.published),
        (unsigned long long)(until.delivered - since.delivered), (unsigned long long)(until.bytes - since.bytes),
        (unsigned long long)(until.reads - since.reads),
        delivery_delays.count ? delivery_delays.sum_us / 1e3 / delivery_delays.count : 0, delay_ms(&delivery_delays, 0.5), delay_ms(&delivery_delays, 0.99),
        delivery_delays.most / 1e3, delay_ms(&ack_delays, 0.5), delay_ms(&ack_delays, 0.99), hopeless,
        (unsigned long long)ledger_missing(), (unsigned long long)misplaced, (unsigned long long)refused, sockets_gone);
    fflush(stdout);
}

static void measure_closed(double most, double warm_up_s, double seconds) {
    run_closed(most, now_us() + warm_up_s * 1e6);
    struct counts since = begin(0);
    run_closed(most, since.us + seconds * 1e6);
    struct counts until = count(now_us());
    end(until.delivered - since.delivered);
    drain();
    tell(since, until, 0);
}

static void measure_rate(double per_s, double warm_up_s, double seconds) {
    uint64_t from = now_us(), then = from + warm_up_s * 1e6;
    run_rate(per_s, from, then);
    wait_for_all();
    struct counts since = begin(published);
    then = since.us + seconds * 1e6;
    int hopeless = run_rate(per_s, since.us, then);
    wait_for_all();
    struct counts until = count(last_us > then ? last_us : then);
    end(until.delivered - since.delivered);
    drain();
    tell(since, until, hopeless);
}

static int is_ready(void) { return !ready || readied >= target.subscribers; }

static void read_options(int count, char **words) {
    static const struct option options[] = {
        { "port", 1, 0, 'p' }, { "subscribers", 1, 0, 'n' }, { "path", 1, 0, 'u' }, { "post", 1, 0, 't' },
        { "protocol", 1, 0, 'S' }, { "publish-path", 1, 0, 'U' }, { "ready", 1, 0, 'r' },
        { "patience", 1, 0, 'w' }, { 0, 0, 0, 0 },
    };
    for (int which; (which = getopt_long(count, words, "", options, NULL)) != -1;) switch (which) {
        case 'p': target.port = atoi(optarg); break;
        case 'n': target.subscribers = atoi(optarg); break;
        case 'u': target.path = optarg; break;
        case 'U': target.publish_path = optarg; break;
        case 'S': target.protocol = optarg; break;
        case 't': post = optarg; break;
        case 'r': ready = optarg; break;
        case 'w': patience_us = atof(optarg) * 1e6; break;
        default: die("%s", USAGE);
    }
    if (target.port < 1 || target.subscribers < 1 || !post || strlen(post) > 2048 || optind < count) die("%s", USAGE);
    acknowledged = strstr(post, "{number}") != NULL;
}

int main(int argc, char **words) {
    char line[256];
    double pace, warm_up_s, seconds;
    read_options(argc, words);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ledger_begin(target.subscribers);
    publisher = sockets_open(&target, is_ready);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        while (!input_waits) sockets_wait(now_us() + 1000000);
        input_waits = 0;
        ssize_t size = read(STDIN_FILENO, line, sizeof line - 1); /* a line at a time is written to us */
        if (size <= 0) return 0;
        line[size] = 0;
        if (sscanf(line, "closed %lf %lf %lf", &pace, &warm_up_s, &seconds) == 3) measure_closed(pace, warm_up_s, seconds);
        else if (sscanf(line, "rate %lf %lf %lf", &pace, &warm_up_s, &seconds) == 3) measure_rate(pace, warm_up_s, seconds);
        else die("not understood: %s", line);
    }
}

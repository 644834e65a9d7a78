/* A network of many nodes in one process, for bench/crawl.py: cheap, so that it is not what is measured.
 *
 *   crawl_fleet PORT LIVE DEAD OTHER SEED
 *
 * Every address of 127.0.0.0/8 is this machine, so one socket serves all nodes. LIVE nodes listen at PORT;
 * of the DEAD addresses every second one refuses (PORT + 1, nobody listens) and the others are silent
 * (PORT + 2, a socket whose queue of connections is full, so that the kernel drops what comes). OTHER more
 * entries are onion and I2P addresses. Each node answers getaddr with 1,000 of the table, always the same
 * ones, as addrv2, in v1 on regtest. Prints `ready` and the first node; at the end of standard input the
 * number of connections accepted, of nodes that were connected to, and the most connections of one node.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER 1000
#define FIRST_HOST 0x7f010001u
#define MAX_ENTRY 48

static const uint8_t MAGIC[4] = {0xfa, 0xbf, 0xb5, 0xda};
static uint32_t live, dead, other, port, seed, now;
static uint16_t *connections;

/* --- SHA-256 ------------------------------------------------------------------------------------ */

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))

static void block(uint32_t h[8], const uint8_t *p) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (ROTR(w[i - 15], 7) ^ ROTR(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (ROTR(w[i - 2], 17) ^ ROTR(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, h, 32);
    for (int i = 0; i < 64; i++) {
        uint32_t a = s[7] + (ROTR(s[4], 6) ^ ROTR(s[4], 11) ^ ROTR(s[4], 25)) +
                     ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
        uint32_t b = (ROTR(s[0], 2) ^ ROTR(s[0], 13) ^ ROTR(s[0], 22)) +
                     ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 28);
        s[4] += a;
        s[0] = a + b;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

static void sha256(const uint8_t *p, size_t n, uint8_t out[32]) {
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t end[128] = {0};
    size_t i = 0;
    for (; i + 64 <= n; i += 64) block(h, p + i);
    memcpy(end, p + i, n - i);
    end[n - i] = 0x80;
    size_t total = n - i + 9 <= 64 ? 64 : 128;
    for (int j = 0; j < 8; j++) end[total - 1 - j] = (uint8_t)((uint64_t)n * 8 >> 8 * j);
    block(h, end);
    if (total == 128) block(h, end + 64);
    for (int j = 0; j < 32; j++) out[j] = (uint8_t)(h[j / 4] >> (24 - 8 * (j % 4)));
}

/* --- messages ----------------------------------------------------------------------------------- */

static size_t message(uint8_t *out, const char *type, const uint8_t *payload, size_t n) {
    uint8_t digest[32];
    memcpy(out, MAGIC, 4);
    memset(out + 4, 0, 12);
    memcpy(out + 4, type, strlen(type));
    for (int i = 0; i < 4; i++) out[16 + i] = (uint8_t)(n >> 8 * i);
    sha256(payload, n, digest);
    sha256(digest, 32, digest);
    memcpy(out + 20, digest, 4);
    memmove(out + 24, payload, n);
    return 24 + n;
}

static uint64_t next(uint64_t *s) { /* splitmix64 */
    uint64_t z = (*s += 0x9e3779b97f4a7c15ull);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static size_t entry(uint8_t *p, uint32_t index, uint64_t chance) {
    uint32_t age = index < live ? chance % (3 * 86400) : chance % (20 * 86400);
    uint32_t t = now - age;
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(t >> 8 * i);
    p[4] = 0xfd, p[5] = 0x09, p[6] = 0x0c;
    uint16_t where = (uint16_t)port;
    if (index < live + dead) {
        uint32_t host = FIRST_HOST + index;
        if (index >= live) where += index % 2 ? 1 : 2;
        p[7] = 1, p[8] = 4;
        for (int i = 0; i < 4; i++) p[9 + i] = (uint8_t)(host >> (24 - 8 * i));
        p[13] = (uint8_t)(where >> 8), p[14] = (uint8_t)where;
        return 15;
    }
    uint64_t s = seed + index;
    p[7] = index % 4 ? 4 : 5, p[8] = 32;
    for (int i = 0; i < 4; i++) {
        uint64_t z = next(&s);
        memcpy(p + 9 + 8 * i, &z, 8);
    }
    if (p[7] == 5) where = 0;
    p[41] = (uint8_t)(where >> 8), p[42] = (uint8_t)where;
    return 43;
}

static size_t answer(uint8_t *out, uint32_t node) {
    static uint8_t payload[3 + ANSWER * MAX_ENTRY];
    uint32_t total = live + dead + other, count = total * 23ull / 100 < ANSWER ? (uint32_t)(total * 23ull / 100) : ANSWER;
    uint64_t s = ((uint64_t)seed << 32) + node;
    size_t n = 0;
    if (count < 253) payload[n++] = (uint8_t)count;
    else payload[n++] = 0xfd, payload[n++] = (uint8_t)count, payload[n++] = (uint8_t)(count >> 8);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t z = next(&s);
        n += entry(payload + n, i ? (uint32_t)(z % total) : node, z >> 32);
    }
    return message(out, "addrv2", payload, n);
}

static uint8_t hello[512];
static size_t hello_len;

static void make_hello(void) {
    uint8_t v[128] = {0};
    const char *agent = "/Satoshi:28.1.0/";
    size_t n = 0;
    v[0] = 0x80, v[1] = 0x11, v[2] = 0x01; /* 70016 */
    v[4] = 0x09, v[5] = 0x0c;
    for (int i = 0; i < 4; i++) v[12 + i] = (uint8_t)(now >> 8 * i);
    n = 80;
    v[n++] = (uint8_t)strlen(agent);
    memcpy(v + n, agent, strlen(agent));
    n += strlen(agent);
    v[72] = 1; /* nonce */
    n += 4;
    v[n++] = 1;
    hello_len = message(hello, "version", v, n);
    hello_len += message(hello + hello_len, "wtxidrelay", v, 0);
    hello_len += message(hello + hello_len, "sendaddrv2", v, 0);
    hello_len += message(hello + hello_len, "verack", v, 0);
}

/* --- connections -------------------------------------------------------------------------------- */

typedef struct {
    int fd;
    uint32_t node;
    size_t have, sent, out_len;
    uint8_t in[1024];
    uint8_t *out;
} Peer;

static int epoll;

static void drop(Peer *p) {
    close(p->fd);
    free(p->out);
    free(p);
}

static int flush_out(Peer *p) {
    while (p->sent < p->out_len) {
        ssize_t n = send(p->fd, p->out + p->sent, p->out_len - p->sent, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN) return -1;
            struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = p};
            epoll_ctl(epoll, EPOLL_CTL_MOD, p->fd, &e);
            return 0;
        }
        p->sent += (size_t)n;
    }
    return 0;
}

static int take(Peer *p) {
    static uint8_t made[ANSWER * MAX_ENTRY + 64];
    for (;;) {
        ssize_t n = recv(p->fd, p->in + p->have, sizeof p->in - p->have, 0);
        if (n == 0) return -1;
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        p->have += (size_t)n;
        size_t at = 0;
        while (p->have - at >= 24) {
            const uint8_t *m = p->in + at;
            size_t len = m[16] | m[17] << 8 | m[18] << 16 | (size_t)m[19] << 24;
            if (len > 512) return -1;
            if (p->have - at < 24 + len) break;
            if (!memcmp(m + 4, "version", 8)) {
                if (send(p->fd, hello, hello_len, MSG_NOSIGNAL) < 0) return -1;
            } else if (!memcmp(m + 4, "getaddr", 8) && !p->out) {
                p->out_len = answer(made, p->node);
                p->out = malloc(p->out_len);
                memcpy(p->out, made, p->out_len);
                if (flush_out(p)) return -1;
            }
            at += 24 + len;
        }
        memmove(p->in, p->in + at, p->have - at);
        p->have -= at;
    }
}

static int listen_at(uint32_t where, int backlog) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)where)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, backlog)) perror("listen"), exit(1);
    return fd;
}

static void fill(uint32_t where) { /* the queue of the silent port */
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)where), .sin_addr = {htonl(0x7f000001)}};
        if (connect(fd, (struct sockaddr *)&a, sizeof a) && errno != EINPROGRESS) perror("connect");
    }
}

static void accept_all(int server) {
    for (;;) {
        struct sockaddr_in a;
        socklen_t size = sizeof a;
        int fd = accept4(server, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) return;
        getsockname(fd, (struct sockaddr *)&a, &size);
        Peer *p = calloc(1, sizeof *p);
        p->fd = fd;
        p->node = ntohl(a.sin_addr.s_addr) - FIRST_HOST;
        if (p->node < live) connections[p->node]++;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    port = (uint32_t)atoi(argv[1]), live = (uint32_t)atoi(argv[2]), dead = (uint32_t)atoi(argv[3]);
    other = (uint32_t)atoi(argv[4]), seed = (uint32_t)atoi(argv[5]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    now = (uint32_t)time(NULL);
    connections = calloc(live, sizeof *connections);
    make_hello();
    epoll = epoll_create1(0);
    int server = listen_at(port, 65535);
    listen_at(port + 2, 0);
    fill(port + 2);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &server};
    epoll_ctl(epoll, EPOLL_CTL_ADD, server, &e);
    e.data.ptr = NULL;
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &e);
    struct in_addr first = {htonl(FIRST_HOST)};
    printf("ready %s:%u\n", inet_ntoa(first), port);
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            Peer *p = events[i].data.ptr;
            if (!p) {
                char c;
                if (read(0, &c, 1) > 0) continue;
                uint32_t total = 0, nodes = 0, most = 0;
                for (uint32_t j = 0; j < live; j++) {
                    total += connections[j], nodes += connections[j] > 0;
                    if (connections[j] > most) most = connections[j];
                }
                printf("%u %u %u\n", total, nodes, most);
                return 0;
            }
            if ((void *)p == (void *)&server) {
                accept_all(server);
            } else if (events[i].events & EPOLLOUT && flush_out(p)) {
                drop(p);
            } else if (take(p)) {
                drop(p);
            }
        }
    }
}

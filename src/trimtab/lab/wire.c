/* The delay relay: joins pairs of interfaces of the fabric, each pair with its own one-way delay, jitter and loss.
 *
 * Commands on standard input, one a line; every line is answered on standard output by "ok" or "error TEXT":
 *     pair ID IFNAME_A IFNAME_B DELAY_US JITTER_US LOSS_PPM     a new pair, ID counts up from 0
 *     set ID DELAY_US JITTER_US LOSS_PPM                        from the next packet on
 *     port ID SIDE IFNAME                                       side 0 or 1 has a new interface (a node was powered on)
 * End of input ends the relay.
 *
 * PACKET_VNET_HDR carries GSO and unfinished checksums across as they are; PACKET_IGNORE_OUTGOING keeps a port from
 * hearing what we send. Packets of one direction never overtake each other. A heap holds the directions that have
 * packets waiting, ordered by when the first of them is due, so idle pairs cost nothing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define MAX_WAITING 16384  /* packets a direction holds; more are dropped, as by a full line */
#define BATCH 64
#define FRAME 70000        /* a GSO frame and its header */
#define COMMANDS UINT32_MAX
#define TIMER (UINT32_MAX - 1)

typedef struct packet {
  struct packet *next;
  long long due; /* ns, CLOCK_MONOTONIC */
  int length;
  char bytes[];
} packet;

typedef struct {
  int in, out; /* sockets; direction 2*ID goes from side 0 to side 1, 2*ID+1 back */
  double delay, jitter, loss; /* ns, ns, probability */
  packet *head, *tail;
  int waiting, slot; /* slot: place in the heap, -1 if none */
  long long last;
} direction;

static direction *dirs;
static int *heap, ndirs, room, nheap, epoll_fd;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* ---- the heap of directions with waiting packets ---- */

static int before(int a, int b) { return dirs[heap[a]].head->due < dirs[heap[b]].head->due; }

static void swap(int a, int b) {
  int keep = heap[a];
  heap[a] = heap[b], heap[b] = keep;
  dirs[heap[a]].slot = a, dirs[heap[b]].slot = b;
}

static void sink(int i) {
  for (int child; (child = 2 * i + 1) < nheap; i = child) {
    if (child + 1 < nheap && before(child + 1, child)) child++;
    if (!before(child, i)) return;
    swap(child, i);
  }
}

static void push(int id) {
  int i = nheap++;
  heap[i] = id, dirs[id].slot = i;
  for (; i && before(i, (i - 1) / 2); i = (i - 1) / 2) swap(i, (i - 1) / 2);
}

static void pop(void) {
  dirs[heap[0]].slot = -1;
  if (--nheap) {
    heap[0] = heap[nheap], dirs[heap[0]].slot = 0;
    sink(0);
  }
}

/* ---- packets ---- */

static void hold(int id, const char *bytes, int length) {
  direction *d = &dirs[id];
  if (d->waiting >= MAX_WAITING || (d->loss > 0 && drand48() < d->loss)) return;
  packet *p = malloc(sizeof *p + length);
  if (!p) return;
  memcpy(p->bytes, bytes, length);
  p->length = length, p->next = NULL;
  p->due = now() + (long long)(d->delay + (d->jitter > 0 ? d->jitter * drand48() : 0));
  if (p->due < d->last) p->due = d->last;
  d->last = p->due, d->waiting++;
  if (d->tail) {
    d->tail->next = p, d->tail = p;
  } else {
    d->head = d->tail = p;
    push(id);
  }
}

static void receive(int id) {
  static char frame[FRAME];
  for (int i = 0; i < BATCH; i++) {
    int length = recv(dirs[id].in, frame, sizeof frame, 0);
    if (length < 0) return; /* nothing more, or the port is down: it may come up again */
    hold(id, frame, length);
  }
}

static void deliver(long long until) {
  while (nheap && dirs[heap[0]].head->due <= until) {
    direction *d = &dirs[heap[0]];
    packet *p = d->head;
    if (d->out >= 0 && send(d->out, p->bytes, p->length, 0) < 0) { /* a dead port or a full queue: lost, as on a wire */ }
    d->waiting--;
    if ((d->head = p->next)) {
      sink(0);
    } else {
      d->tail = NULL;
      pop();
    }
    free(p);
  }
}

/* ---- ports and commands ---- */

static int attach(const char *name) {
  int one = 1, size = 8 << 20;
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  struct packet_mreq all = {.mr_type = PACKET_MR_PROMISC};
  at.sll_ifindex = all.mr_ifindex = if_nametoindex(name);
  if (fd < 0 || !at.sll_ifindex) goto failed;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one)) goto failed;
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one)) goto failed;
  if (bind(fd, (void *)&at, sizeof at)) goto failed;
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all)) goto failed;
  return fd;
failed:
  if (fd >= 0) close(fd);
  return -1;
}

static void listen_on(int id, int fd) {
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = id};
  dirs[id].in = fd;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

static int set(int pair, double delay_us, double jitter_us, double loss_ppm) {
  if (pair < 0 || 2 * pair >= ndirs) return -1;
  for (int id = 2 * pair; id < 2 * pair + 2; id++)
    dirs[id].delay = delay_us * 1e3, dirs[id].jitter = jitter_us * 1e3, dirs[id].loss = loss_ppm / 1e6;
  return 0;
}

static int join(int pair, const char *a, const char *b) {
  if (2 * pair != ndirs) return errno = EINVAL, -1;
  if (ndirs + 2 > room) {
    int larger = room ? 2 * room : 64;
    direction *more = realloc(dirs, larger * sizeof *dirs);
    if (!more) return -1;
    dirs = more;
    int *taller = realloc(heap, larger * sizeof *heap);
    if (!taller) return -1;
    heap = taller, room = larger;
  }
  int fa = attach(a), fb = fa < 0 ? -1 : attach(b);
  if (fb < 0) return fa >= 0 ? close(fa), -1 : -1;
  dirs[ndirs] = (direction){.in = fa, .out = fb, .slot = -1};
  dirs[ndirs + 1] = (direction){.in = fb, .out = fa, .slot = -1};
  listen_on(ndirs, fa), listen_on(ndirs + 1, fb);
  ndirs += 2;
  return 0;
}

static int replace(int pair, int side, const char *name) {
  if (pair < 0 || 2 * pair >= ndirs || side < 0 || side > 1) return errno = EINVAL, -1;
  int fd = attach(name), id = 2 * pair + side;
  if (fd < 0) return -1;
  close(dirs[id].in); /* closing takes it out of the epoll set */
  listen_on(id, fd);
  dirs[id ^ 1].out = fd;
  return 0;
}

static int obey(const char *line) {
  char a[32], b[32];
  int pair, side;
  double delay, jitter, loss;
  if (sscanf(line, "pair %d %31s %31s %lf %lf %lf", &pair, a, b, &delay, &jitter, &loss) == 6)
    return join(pair, a, b) ? -1 : set(pair, delay, jitter, loss);
  if (sscanf(line, "port %d %d %31s", &pair, &side, a) == 3) return replace(pair, side, a);
  if (sscanf(line, "set %d %lf %lf %lf", &pair, &delay, &jitter, &loss) == 4) {
    errno = EINVAL;
    return set(pair, delay, jitter, loss);
  }
  return errno = EINVAL, -1;
}

static void commands(void) {
  static char line[4096];
  static size_t used;
  ssize_t got = read(0, line + used, sizeof line - 1 - used);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) exit(0);
  used += got, line[used] = 0;
  for (char *end; (end = strchr(line, '\n')); used = strlen(line)) {
    *end = 0;
    errno = 0;
    if (obey(line)) printf("error %s: %s\n", line, strerror(errno));
    else printf("ok\n");
    memmove(line, end + 1, strlen(end + 1) + 1);
  }
  fflush(stdout);
  if (used == sizeof line - 1) exit(2); /* a line longer than any command */
}

int main(void) {
  struct epoll_event found[BATCH], e = {.events = EPOLLIN, .data.u32 = COMMANDS};
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  long long armed = 0;
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &e);
  e.data.u32 = TIMER;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer, &e);
  for (;;) {
    deliver(now());
    long long next = nheap ? dirs[heap[0]].head->due : 0;
    if (next != armed) {
      struct itimerspec at = {.it_value = {next / 1000000000, next % 1000000000}};
      timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
      armed = next;
    }
    int n = epoll_wait(epoll_fd, found, BATCH, -1);
    for (int i = 0; i < n; i++) {
      uint32_t who = found[i].data.u32;
      unsigned long long ticks;
      if (who == COMMANDS) commands();
      else if (who == TIMER) armed = read(timer, &ticks, sizeof ticks) > 0 ? 0 : armed;
      else if (found[i].events & (EPOLLIN | EPOLLERR)) receive(who);
    }
  }
}

/* traffic serve PORT CPU: sends back each byte that comes, or only reads on connections whose first
 * byte is 'b'; prints its process id.
 * traffic exchange|connect|bulk ADDRESS[,ADDRESS]... PORT CONNECTIONS MILLISECONDS PID[,PID]...:
 * bytes there and back over standing connections, or one over a connection of its own, or as many
 * as go through one connection in one direction. The addresses are taken in turn. Prints as JSON
 * how many in a second of the CPU time of this and the given processes, which packets are moved in;
 * how many in a second of the clock; and the microseconds of half and of 99 in 100 of them.
 *
 * The client runs on the first CPU. A server on the same one has the path measured and not how CPUs
 * wake each other.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX	256
#define TARGETS_MAX	8
#define TIMES_MAX	(1 << 20)
#define BULK		'b'
/* Seconds that an answer may take, beyond which there is none. */
#define PATIENCE	10

static struct addrinfo *targets[TARGETS_MAX];
static clockid_t servers[TARGETS_MAX];
static int target_count, server_count;
/* Nanoseconds of each exchange, of the first TIMES_MAX. */
static unsigned int times[TIMES_MAX];
static long done;
static char block[1 << 17];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time))
		fail("clock_gettime");
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double now(void)
{
	return seconds(CLOCK_MONOTONIC);
}

static double cpu_time(void)
{
	double used = seconds(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < server_count; i++)
		used += seconds(servers[i]);
	return used;
}

static void run_on(int cpu)
{
	cpu_set_t only;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	if (sched_setaffinity(0, sizeof(only), &only))
		fail("sched_setaffinity");
}

static void watch(int epoll, int fd, unsigned int data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = data };
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fail("epoll_ctl");
}

/* Waits. Who waits for a sockmap's message is told to try again when the stack has one instead. */
static ssize_t receive(int fd, void *to, size_t size)
{
	double end = now() + PATIENCE;
	ssize_t count;

	do {
		count = read(fd, to, size);
	} while (count < 0 && errno == EAGAIN && now() < end);
	return count;
}

static void swallow(int fd)
{
	while (receive(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

static void answer(int fd)
{
	char byte;

	if (receive(fd, &byte, 1) != 1)
		close(fd);
	else if (byte == BULK)
		swallow(fd);
	else if (write(fd, &byte, 1) != 1)
		close(fd);
}

static _Noreturn void serve(int port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0), epoll = epoll_create1(0);
	struct epoll_event events[CONNECTIONS_MAX];

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 512))
		fail("listen");
	watch(epoll, listener, listener);
	printf("%d\n", getpid());
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, CONNECTIONS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.u32;

			if (fd != listener) {
				answer(fd);
				continue;
			}
			fd = accept(listener, NULL, NULL);
			/* It may have been reset meanwhile. */
			if (fd >= 0)
				watch(epoll, fd, fd);
		}
	}
}

/* Each call to the next of the targets. */
static int dial(void)
{
	static int turn;
	const struct addrinfo *to = targets[turn++ % target_count];
	struct timeval patience = { .tv_sec = PATIENCE };
	int fd = socket(to->ai_family, SOCK_STREAM, 0), tries = 2;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &tries, sizeof(tries));
	if (connect(fd, to->ai_addr, to->ai_addrlen))
		fail("connect");
	return fd;
}

static void reset(int fd)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void note(double took)
{
	if (done < TIMES_MAX)
		times[done] = (unsigned int)(took * 1e9);
	done++;
}

static void exchange_byte(int fd)
{
	char byte = 'x';

	if (write(fd, &byte, 1) != 1 || receive(fd, &byte, 1) != 1)
		fail("exchange");
}

static int fds[CONNECTIONS_MAX];

static void open_connections(int connections)
{
	for (int i = 0; i < connections; i++) {
		fds[i] = dial();
		exchange_byte(fds[i]);
	}
}

static void exchange(int connections, double end)
{
	struct epoll_event events[CONNECTIONS_MAX];
	double sent[CONNECTIONS_MAX], time;
	int epoll = epoll_create1(0);
	char byte = 'x';

	for (int i = 0; i < connections; i++) {
		watch(epoll, fds[i], i);
		sent[i] = now();
		if (write(fds[i], &byte, 1) != 1)
			fail("write");
	}
	do {
		int count = epoll_wait(epoll, events, CONNECTIONS_MAX, PATIENCE * 1000);

		if (count <= 0) {
			errno = ETIMEDOUT;
			fail("exchange");
		}
		for (int i = 0; i < count; i++) {
			unsigned int which = events[i].data.u32;

			if (receive(fds[which], &byte, 1) != 1)
				fail("exchange");
			time = now();
			note(time - sent[which]);
			sent[which] = time;
			if (write(fds[which], &byte, 1) != 1)
				fail("exchange");
		}
	} while (now() < end);
	for (int i = 0; i < connections; i++)
		reset(fds[i]);
}

/* Closed by a reset: what waits for its time to end would take ports and slow down the next. */
static void connect_each(double end)
{
	double start, time = now();

	do {
		int fd = dial();

		start = time;
		exchange_byte(fd);
		reset(fd);
		time = now();
		note(time - start);
	} while (time < end);
}

/* Ends when the server has read all: it closes then. */
static void send_bulk(double end)
{
	int fd = dial();
	char first = BULK;

	if (write(fd, &first, 1) != 1)
		fail("write");
	do {
		ssize_t written = write(fd, block, sizeof(block));

		if (written < 0)
			fail("write");
		done += written;
	} while (now() < end);
	shutdown(fd, SHUT_WR);
	if (receive(fd, &first, 1) < 0)
		fail("bulk");
	close(fd);
}

static int compare(const void *a, const void *b)
{
	unsigned int first = *(const unsigned int *)a, second = *(const unsigned int *)b;

	return (first > second) - (first < second);
}

static void report(double used, double took, int timed)
{
	size_t count = done < TIMES_MAX ? done : TIMES_MAX;

	printf("{\"perCpuSecond\":%.0f,\"perSecond\":%.0f", (double)done / used, (double)done / took);
	if (timed) {
		qsort(times, count, sizeof(*times), compare);
		printf(",\"p50\":%.3f,\"p99\":%.3f", times[count / 2] / 1e3, times[count * 99 / 100] / 1e3);
	}
	printf("}\n");
}

static int read_targets(char *addresses, const char *port, char *processes)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	char *next;

	for (next = strtok(addresses, ","); next && target_count < TARGETS_MAX; next = strtok(NULL, ","))
		if (getaddrinfo(next, port, &hints, &targets[target_count++]))
			return 0;
	for (next = strtok(processes, ","); next && server_count < TARGETS_MAX; next = strtok(NULL, ","))
		if (clock_getcpuclockid(atoi(next), &servers[server_count++]))
			return 0;
	return target_count > 0;
}

int main(int argc, char **argv)
{
	double used, start, length;
	int connections;

	if (argc == 4 && !strcmp(argv[1], "serve")) {
		run_on(atoi(argv[3]));
		serve(atoi(argv[2]));
	}
	if (argc != 7 || !read_targets(argv[2], argv[3], argv[6]))
		return 2;
	connections = atoi(argv[4]);
	if (connections < 1 || connections > CONNECTIONS_MAX)
		return 2;
	run_on(0);
	length = atoi(argv[5]) / 1000.0;
	if (!strcmp(argv[1], "exchange"))
		open_connections(connections);

	used = cpu_time();
	start = now();
	if (!strcmp(argv[1], "exchange"))
		exchange(connections, start + length);
	else if (!strcmp(argv[1], "connect"))
		connect_each(start + length);
	else if (!strcmp(argv[1], "bulk"))
		send_bulk(start + length);
	else
		return 2;
	report(cpu_time() - used, now() - start, strcmp(argv[1], "bulk") != 0);
	return 0;
}

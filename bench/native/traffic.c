/* traffic serve PORT: sends back each byte that comes; prints its process id.
 * traffic exchange|connect ADDRESS PORT CONNECTIONS MILLISECONDS SERVER: bytes there and back over
 * standing connections, or one over a connection of its own; prints how many in a second of both
 * processes' CPU time, which packets are moved in.
 *
 * Both run on the first CPU, so that what is measured is the path and not how CPUs wake each other.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
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

#define CONNECTIONS_MAX 256

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

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fail("epoll_ctl");
}

static _Noreturn void serve(int port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0), epoll = epoll_create1(0);
	struct epoll_event events[CONNECTIONS_MAX];

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 512))
		fail("listen");
	watch(epoll, listener);
	printf("%d\n", getpid());
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, CONNECTIONS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			char byte;

			if (fd == listener) {
				watch(epoll, accept(listener, NULL, NULL));
			} else if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1) {
				close(fd);
			}
		}
	}
}

static int dial(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, SOCK_STREAM, 0);

	if (connect(fd, to->ai_addr, to->ai_addrlen))
		fail("connect");
	return fd;
}

static long exchange(const struct addrinfo *to, int connections, double end)
{
	struct epoll_event events[CONNECTIONS_MAX];
	int epoll = epoll_create1(0);
	char byte = 'x';
	long done = 0;

	for (int i = 0; i < connections; i++) {
		int fd = dial(to);

		watch(epoll, fd);
		if (write(fd, &byte, 1) != 1)
			fail("write");
	}
	while (now() < end) {
		int count = epoll_wait(epoll, events, CONNECTIONS_MAX, 1000);

		if (count <= 0)
			fail("no answer");
		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
				fail("exchange");
			done++;
		}
	}
	return done;
}

/* Closed by a reset: ports would run out otherwise. */
static long connect_each(const struct addrinfo *to, double end)
{
	struct linger reset = { .l_onoff = 1 };
	char byte = 'x';
	long done = 0;

	while (now() < end) {
		int fd = dial(to);

		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			fail("exchange");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
		done++;
	}
	return done;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *to;
	double used, end;
	clockid_t server;
	cpu_set_t first;
	long done;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first))
		fail("sched_setaffinity");
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc != 7 || clock_getcpuclockid(atoi(argv[6]), &server) ||
	    getaddrinfo(argv[2], argv[3], &hints, &to))
		return 2;
	used = seconds(server) + seconds(CLOCK_PROCESS_CPUTIME_ID);
	end = now() + atoi(argv[5]) / 1000.0;
	done = strcmp(argv[1], "exchange") ? connect_each(to, end)
					   : exchange(to, atoi(argv[4]), end);
	used = seconds(server) + seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
	printf("%.0f\n", (double)done / used);
	return 0;
}

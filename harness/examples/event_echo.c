/* SPDX-License-Identifier: MIT
 *
 * An ordinary libevent program: an echo server and its clients in one loop, on bufferevents, with a
 * timer between a client's messages and one that ticks all along. A client whose connection breaks,
 * or that gets none, tries again. Exits with 0 when every message came back whole and in order and
 * no timer was early. Knows nothing of Pollux:
 *
 *   pollux exec --seeds 0..10000 --audit --profile no-emfile -- event_echo
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { kClients = 4, kMessages = 8, kLargest = 3000, kTickMs = 2, kAgainUs = 5000 };

static struct event_base* base;
static struct evconnlistener* listener;
static struct event* ticker;
static struct sockaddr_in address;
static int clients_done, connections, ticks;

static void check(int good, const char* what) {
  if (good) return;
  fprintf(stderr, "event_echo: %s\n", what);
  exit(1);
}

/* At the limit of descriptors: as many as the administrator allows. */
static int when_descriptors_ran_out(int error) {
  struct rlimit limit;
  if (error != EMFILE) return 0;
  check(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  return 1;
}

/* The loop's own time: timers start from it. */
static long long microseconds(void) {
  struct timeval now;
  event_base_gettimeofday_cached(base, &now);
  return now.tv_sec * 1000000LL + now.tv_usec;
}

/* The loop ends by itself when nothing is left in it. */
static void stop_when_done(void) {
  if (clients_done < kClients || connections > 0 || listener == NULL) return;
  evconnlistener_free(listener);
  listener = NULL;
  event_del(ticker);
}

/* --- The server. */

static void on_received(struct bufferevent* peer, void* unused) {
  (void)unused;
  check(bufferevent_write_buffer(peer, bufferevent_get_input(peer)) == 0, "the server's write");
}

static void on_peer_event(struct bufferevent* peer, short what, void* unused) {
  (void)unused;
  if ((what & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) == 0) return;
  bufferevent_free(peer);
  --connections;
  stop_when_done();
}

static void on_connection(struct evconnlistener* of, evutil_socket_t socket, struct sockaddr* from,
                          int length, void* unused) {
  (void)of, (void)from, (void)length, (void)unused;
  struct bufferevent* peer = bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE);
  check(peer != NULL, "bufferevent_socket_new");
  ++connections;
  bufferevent_setcb(peer, on_received, NULL, on_peer_event, NULL);
  check(bufferevent_enable(peer, EV_READ | EV_WRITE) == 0, "bufferevent_enable");
}

static void on_accept_error(struct evconnlistener* of, void* unused) {
  (void)of, (void)unused;
  check(when_descriptors_ran_out(EVUTIL_SOCKET_ERROR()), "accept");
}

/* --- A client sends a message, waits until it is back, rests, and sends the next. What it sent on
 * a connection that broke it sends again on the next one. */

typedef struct {
  struct bufferevent* connection; /* NULL while there is none */
  struct event* rest;
  char message[kLargest];
  size_t size, back;
  int number, answered;
  long long rests_until;
} Client;

static Client clients[kClients];

static void connect_client(Client* client);

static void send_message(Client* client) {
  client->size = (size_t)(1 + (client->number * 991 + client->answered * 577) % kLargest);
  client->back = 0;
  for (size_t i = 0; i < client->size; ++i)
    client->message[i] = (char)(client->number + client->answered + (int)i);
  check(bufferevent_write(client->connection, client->message, client->size) == 0,
        "a client's write");
}

static void rest(Client* client, int us) {
  struct timeval time = {0, us};
  client->rests_until = microseconds() + us;
  check(event_add(client->rest, &time) == 0, "event_add");
}

static void on_rested(evutil_socket_t socket, short what, void* argument) {
  (void)socket, (void)what;
  Client* client = argument;
  check(microseconds() >= client->rests_until, "a timer was early");
  if (client->connection != NULL) {
    send_message(client);
  } else {
    connect_client(client);
  }
}

static void on_back(struct bufferevent* connection, void* argument) {
  Client* client = argument;
  char bytes[kLargest];
  size_t size;
  while ((size = bufferevent_read(connection, bytes, sizeof bytes)) > 0) {
    check(client->back + size <= client->size, "more came back than was sent");
    check(memcmp(client->message + client->back, bytes, size) == 0, "other bytes came back");
    client->back += size;
  }
  if (client->back < client->size) return;
  if (++client->answered == kMessages) {
    bufferevent_free(connection);
    event_free(client->rest);
    ++clients_done;
    stop_when_done();
    return;
  }
  rest(client, 700 * ((client->number + client->answered) % 4));
}

static void try_again(Client* client) {
  if (client->connection != NULL) bufferevent_free(client->connection);
  client->connection = NULL;
  event_del(client->rest);
  rest(client, kAgainUs);
}

static void on_client_event(struct bufferevent* connection, short what, void* argument) {
  (void)connection;
  if ((what & BEV_EVENT_CONNECTED) != 0) send_message(argument);
  if ((what & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) != 0) try_again(argument);
}

static void connect_client(Client* client) {
  struct bufferevent* connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  check(connection != NULL, "bufferevent_socket_new");
  client->connection = connection;
  bufferevent_setcb(connection, on_back, NULL, on_client_event, client);
  check(bufferevent_enable(connection, EV_READ | EV_WRITE) == 0, "bufferevent_enable");
  if (bufferevent_socket_connect(connection, (struct sockaddr*)&address, sizeof address) == 0)
    return;
  when_descriptors_ran_out(errno);
  /* Some failures have been told as events by now. */
  if (client->connection == connection) try_again(client);
}

static void start(Client* client, int number) {
  client->number = number;
  client->rest = evtimer_new(base, on_rested, client);
  check(client->rest != NULL, "a client's timer");
  connect_client(client);
}

static void on_tick(evutil_socket_t socket, short what, void* argument) {
  (void)socket, (void)what, (void)argument;
  ++ticks;
}

int main(void) {
  /* The coarse clock, which is libevent's first choice, is milliseconds behind. */
  struct event_config* config = event_config_new();
  check(config != NULL, "event_config_new");
  event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
  base = event_base_new_with_config(config);
  check(base != NULL, "event_base_new_with_config");
  event_config_free(config);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  do {
    listener = evconnlistener_new_bind(base, on_connection, NULL,
                                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
                                       (struct sockaddr*)&address, sizeof address);
  } while (listener == NULL && when_descriptors_ran_out(errno));
  check(listener != NULL, "evconnlistener_new_bind");
  evconnlistener_set_error_cb(listener, on_accept_error);
  socklen_t length = sizeof address;
  getsockname(evconnlistener_get_fd(listener), (struct sockaddr*)&address, &length);

  long long began = microseconds();
  struct timeval tick = {0, kTickMs * 1000};
  ticker = event_new(base, -1, EV_PERSIST, on_tick, NULL);
  check(ticker != NULL && event_add(ticker, &tick) == 0, "the ticker");
  for (int i = 0; i < kClients; ++i) start(&clients[i], i);
  check(event_base_dispatch(base) >= 0, "event_base_dispatch");
  check(clients_done == kClients, "the loop ended before its clients");
  check(ticks <= (microseconds() - began) / (kTickMs * 1000), "the ticker was early");
  event_free(ticker);
  event_base_free(base);
  printf("event_echo: %d clients, %d messages each\n", kClients, kMessages);
  return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * An ordinary libevent program: an echo server and its clients in one loop, on bufferevents, with a
 * timer between a client's messages and one that ticks all along. Exits with 0 when every byte came
 * back in order and no timer was early. Knows nothing of Pollux:
 *
 *   pollux exec --seeds 0..10000 --audit -- event_echo
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kClients = 4, kMessages = 8, kLargest = 3000, kTickMs = 2 };

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
  check((what & BEV_EVENT_ERROR) == 0, "the server's connection");
  if ((what & BEV_EVENT_EOF) == 0) return;
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

/* --- A client sends a message, waits until it is back, rests, and sends the next. */

typedef struct {
  struct bufferevent* connection;
  struct event* rest;
  char message[kLargest];
  size_t size, back;
  int number, sent;
  long long rests_until;
} Client;

static Client clients[kClients];

static void send_message(Client* client) {
  client->size = (size_t)(1 + (client->number * 991 + client->sent * 577) % kLargest);
  client->back = 0;
  for (size_t i = 0; i < client->size; ++i)
    client->message[i] = (char)(client->number + client->sent + (int)i);
  ++client->sent;
  check(bufferevent_write(client->connection, client->message, client->size) == 0,
        "a client's write");
}

static void on_rested(evutil_socket_t socket, short what, void* argument) {
  (void)socket, (void)what;
  Client* client = argument;
  check(microseconds() >= client->rests_until, "a timer was early");
  send_message(client);
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
  if (client->sent == kMessages) {
    bufferevent_free(connection);
    event_free(client->rest);
    ++clients_done;
    stop_when_done();
    return;
  }
  struct timeval time = {0, 700 * ((client->number + client->sent) % 4)};
  client->rests_until = microseconds() + time.tv_usec;
  check(event_add(client->rest, &time) == 0, "event_add");
}

static void on_client_event(struct bufferevent* connection, short what, void* argument) {
  (void)connection;
  check((what & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) == 0, "a client's connection");
  if ((what & BEV_EVENT_CONNECTED) != 0) send_message(argument);
}

static void start(Client* client, int number) {
  client->number = number;
  client->rest = evtimer_new(base, on_rested, client);
  client->connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  check(client->rest != NULL && client->connection != NULL, "a client");
  bufferevent_setcb(client->connection, on_back, NULL, on_client_event, client);
  check(bufferevent_enable(client->connection, EV_READ | EV_WRITE) == 0 &&
            bufferevent_socket_connect(client->connection, (struct sockaddr*)&address,
                                       sizeof address) == 0,
        "a client's connect");
}

static void on_tick(evutil_socket_t socket, short what, void* argument) {
  (void)socket, (void)what, (void)argument;
  ++ticks;
}

int main(void) {
  base = event_base_new();
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener =
      evconnlistener_new_bind(base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE,
                              16, (struct sockaddr*)&address, sizeof address);
  check(listener != NULL, "evconnlistener_new_bind");
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

/* SPDX-License-Identifier: MIT
 *
 * An ordinary libuv program: an echo server and its clients in one loop, a timer between a client's
 * messages, and a job on libuv's thread pool for each client that is done. A client whose
 * connection breaks, or that gets none, tries again. Exits with 0 when every message came back
 * whole and in order and no timer was early. Knows nothing of Pollux:
 *
 *   pollux exec --seeds 0..10000 --audit --profile no-emfile -- uv_echo
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

enum { kClients = 4, kMessages = 8, kLargest = 3000, kAgainMs = 5 };

static uv_loop_t own_loop, *const loop = &own_loop;
static uv_tcp_t server;
static struct sockaddr_in address;
static int clients_done;

static void check(int good, const char* what) {
  if (good) return;
  fprintf(stderr, "uv_echo: %s\n", what);
  exit(1);
}

/* At the limit of descriptors: as many as the administrator allows. */
static int when_descriptors_ran_out(int error) {
  struct rlimit limit;
  if (error != UV_EMFILE) return 0;
  check(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  return 1;
}

static void allocate(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  (void)handle;
  *buffer = uv_buf_init(malloc(suggested), (unsigned)suggested);
}

/* --- The server. */

typedef struct {
  uv_write_t request;
  char* bytes;
} Echo;

static void free_handle(uv_handle_t* handle) { free(handle); }

static void hang_up(uv_stream_t* peer) {
  if (!uv_is_closing((uv_handle_t*)peer)) uv_close((uv_handle_t*)peer, free_handle);
}

static void on_echoed(uv_write_t* request, int status) {
  if (status != 0) hang_up(request->handle);
  free(((Echo*)request)->bytes);
  free(request);
}

static void on_received(uv_stream_t* peer, ssize_t size, const uv_buf_t* buffer) {
  if (size <= 0) {
    free(buffer->base);
    if (size != 0) hang_up(peer);
    return;
  }
  Echo* echo = malloc(sizeof *echo);
  echo->bytes = buffer->base;
  uv_buf_t reply = uv_buf_init(buffer->base, (unsigned)size);
  check(uv_write(&echo->request, peer, &reply, 1, on_echoed) == 0, "uv_write");
}

static void on_connection(uv_stream_t* listener, int status) {
  if (when_descriptors_ran_out(status)) return; /* libuv turned the client away */
  check(status == 0, "a connection");
  uv_tcp_t* peer = malloc(sizeof *peer);
  uv_tcp_init(loop, peer);
  check(uv_accept(listener, (uv_stream_t*)peer) == 0, "uv_accept");
  uv_read_start((uv_stream_t*)peer, allocate, on_received);
}

/* --- A client sends a message, waits until it is back, rests, and sends the next. What it sent on
 * a connection that broke it sends again on the next one. */

typedef struct {
  uv_tcp_t connection;
  uv_connect_t connecting;
  uv_timer_t rest;
  uv_write_t writing;
  uv_work_t sum;
  char message[kLargest];
  size_t size, back;
  int number, answered;
  uint64_t rests_until;
  unsigned total;
} Client;

static Client clients[kClients];

static void connect_client(Client* client);

static void rest(Client* client, uint64_t milliseconds, uv_timer_cb then) {
  client->rests_until = uv_now(loop) + milliseconds;
  uv_timer_start(&client->rest, then, milliseconds, 0);
}

static void check_time(const Client* client) {
  check(uv_now(loop) >= client->rests_until, "a timer was early");
}

static void on_connect_again(uv_timer_t* timer) {
  check_time(timer->data);
  connect_client(timer->data);
}

static void on_disconnected(uv_handle_t* connection) {
  rest(connection->data, kAgainMs, on_connect_again);
}

static void try_again(Client* client, int error) {
  when_descriptors_ran_out(error);
  uv_timer_stop(&client->rest);
  if (uv_is_closing((uv_handle_t*)&client->connection)) return;
  uv_close((uv_handle_t*)&client->connection, on_disconnected);
}

static void send_message(Client* client) {
  client->size = (size_t)(1 + (client->number * 991 + client->answered * 577) % kLargest);
  client->back = 0;
  for (size_t i = 0; i < client->size; ++i)
    client->message[i] = (char)(client->number + client->answered + (int)i);
  uv_buf_t buffer = uv_buf_init(client->message, (unsigned)client->size);
  check(uv_write(&client->writing, (uv_stream_t*)&client->connection, &buffer, 1, NULL) == 0,
        "a client's uv_write");
}

static void on_rested(uv_timer_t* timer) {
  check_time(timer->data);
  send_message(timer->data);
}

/* In a thread of the pool. */
static void add_up(uv_work_t* work) {
  Client* client = work->data;
  for (size_t i = 0; i < client->size; ++i) client->total += (unsigned char)client->message[i];
}

static void on_added_up(uv_work_t* work, int status) {
  check(status == 0 && ((Client*)work->data)->total != 0, "the pool's work");
  if (++clients_done == kClients) uv_close((uv_handle_t*)&server, NULL);
}

static void finish(Client* client) {
  uv_close((uv_handle_t*)&client->connection, NULL);
  uv_close((uv_handle_t*)&client->rest, NULL);
  client->sum.data = client;
  check(uv_queue_work(loop, &client->sum, add_up, on_added_up) == 0, "uv_queue_work");
}

static void on_back(uv_stream_t* connection, ssize_t size, const uv_buf_t* buffer) {
  Client* client = connection->data;
  if (size < 0) {
    free(buffer->base);
    try_again(client, (int)size);
    return;
  }
  check(client->back + (size_t)size <= client->size, "more came back than was sent");
  check(size == 0 || memcmp(client->message + client->back, buffer->base, (size_t)size) == 0,
        "other bytes came back");
  free(buffer->base);
  client->back += (size_t)size;
  if (size == 0 || client->back < client->size) return;
  if (++client->answered == kMessages) {
    finish(client);
    return;
  }
  rest(client, (uint64_t)(client->number + client->answered) % 4, on_rested);
}

static void on_connected(uv_connect_t* connecting, int status) {
  Client* client = connecting->data;
  if (status != 0) {
    if (status != UV_ECANCELED) try_again(client, status);
    return;
  }
  uv_read_start((uv_stream_t*)&client->connection, allocate, on_back);
  send_message(client);
}

static void connect_client(Client* client) {
  uv_tcp_init(loop, &client->connection);
  client->connection.data = client;
  int error = uv_tcp_connect(&client->connecting, &client->connection,
                             (const struct sockaddr*)&address, on_connected);
  if (error != 0) try_again(client, error);
}

static void start(Client* client, int number) {
  client->number = number;
  client->rest.data = client->connecting.data = client;
  uv_timer_init(loop, &client->rest);
  connect_client(client);
}

int main(void) {
  int error;
  do {
    error = uv_loop_init(loop);
  } while (when_descriptors_ran_out(error));
  check(error == 0, "uv_loop_init");
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_init(loop, &server);
  do {
    error = uv_tcp_bind(&server, (const struct sockaddr*)&address, 0);
  } while (when_descriptors_ran_out(error));
  check(error == 0, "uv_tcp_bind");
  check(uv_listen((uv_stream_t*)&server, 16, on_connection) == 0, "uv_listen");
  int length = sizeof address;
  uv_tcp_getsockname(&server, (struct sockaddr*)&address, &length);
  for (int i = 0; i < kClients; ++i) start(&clients[i], i);
  uv_run(loop, UV_RUN_DEFAULT);
  check(clients_done == kClients, "the loop ended before its clients");
  check(uv_loop_close(loop) == 0, "something is left in the loop");
  printf("uv_echo: %d clients, %d messages each\n", kClients, kMessages);
  return 0;
}

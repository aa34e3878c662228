// SPDX-License-Identifier: MIT
// uv_echo_server PORT: the same echo server on libuv. As libuv's users write it: one read buffer
// for the loop, and the answer tried at once before it is queued.
#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "arguments.h"

namespace {

char read_buffer[16 * 1024];

struct Write {
  uv_write_t request;
  char* rest;
};

void check(int r, const char* what) {
  if (r >= 0) return;
  std::fprintf(stderr, "uv_echo_server: %s: %s\n", what, uv_strerror(r));
  std::exit(1);
}

void close_connection(uv_handle_t* handle) {
  if (uv_is_closing(handle)) return;
  uv_close(handle, [](uv_handle_t* h) { delete reinterpret_cast<uv_tcp_t*>(h); });
}

void allocate(uv_handle_t*, size_t, uv_buf_t* buf) {
  *buf = uv_buf_init(read_buffer, sizeof read_buffer);
}

void wrote(uv_write_t* request, int status) {
  Write* write = static_cast<Write*>(request->data);
  if (status < 0) close_connection(reinterpret_cast<uv_handle_t*>(request->handle));
  delete[] write->rest;
  delete write;
}

void echo(uv_stream_t* stream, ssize_t n, const uv_buf_t* buf) {
  if (n < 0) return close_connection(reinterpret_cast<uv_handle_t*>(stream));
  if (n == 0) return;
  uv_buf_t answer = uv_buf_init(buf->base, static_cast<unsigned>(n));
  const int sent = uv_try_write(stream, &answer, 1);
  if (sent == n) return;
  if (sent < 0 && sent != UV_EAGAIN) {
    return close_connection(reinterpret_cast<uv_handle_t*>(stream));
  }
  const size_t done = sent > 0 ? static_cast<size_t>(sent) : 0;
  const size_t left = static_cast<size_t>(n) - done;
  Write* write = new Write{{}, new char[left]};
  std::memcpy(write->rest, buf->base + done, left);
  write->request.data = write;
  uv_buf_t rest = uv_buf_init(write->rest, static_cast<unsigned>(left));
  check(uv_write(&write->request, stream, &rest, 1, wrote), "write");
}

void accept_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  uv_tcp_t* connection = new uv_tcp_t;
  check(uv_tcp_init(listener->loop, connection), "tcp_init");
  if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(connection)) < 0) {
    return close_connection(reinterpret_cast<uv_handle_t*>(connection));
  }
  uv_tcp_nodelay(connection, 1);
  check(uv_read_start(reinterpret_cast<uv_stream_t*>(connection), allocate, echo), "read_start");
}

}  // namespace

int main(int argc, char** argv) {
  const int port = bench::number(argc, argv, 1, 1, 65535, bench::required, "uv_echo_server PORT");
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  sockaddr_in at;
  check(uv_ip4_addr("127.0.0.1", port, &at), "address");
  check(uv_tcp_init(loop, &listener), "tcp_init");
  check(uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&at), 0), "bind");
  check(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024, accept_connection), "listen");
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}

// SPDX-License-Identifier: MIT
//
// The program that a workload describes, written once for every library under test.
//
// `Net` is a thin layer over the library: netpoll_subject.cc, asio_subject.cc. It provides
//
//   Task            what code of one goroutine or coroutine passes along
//   Conn, Listener  handles; copies name the same socket
//     Seen Conn::read(Task&, char*, size_t)          at least one byte, or an error
//     Seen Conn::write(Task&, const char*, size_t)   all bytes, or an error and how many
//     Seen Conn::close / close_read / close_write (Task&)
//     Seen Conn::set_deadline / set_read_deadline / set_write_deadline (Task&, Clock::time_point);
//     {} clears Seen Listener::accept(Task&, Conn&), set_deadline(Task&, ...), close(Task&)
//   Group           add(n), done(), wait(Task&)
//   Seen listen(Task&, Listener&), dial(Task&, const Listener&, Conn&)
//   void go(Task&, f)         a new task
//   void go_beside(Task&, f)  a new task that uses the same socket as this one
//   void go_with(Task&, Conn&, f)  a new task that uses that socket
//   void sleep(Task&, microseconds)
//
// How client and server stay together without shared memory: both know the connection's records,
// each reads exactly the bytes of the record that it is at. Where the server acts by itself, the
// client first tells it by one byte that it has come to that record; where the client must wait for
// the server, the server sends one. A side that meets an error which a fault explains tells the
// referee, closes, and is done; the other side then meets the end of the stream or a reset.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "models/referee.h"
#include "models/workload.h"

namespace pollux::properties {

template <class Net>
class Script {
  using Task = typename Net::Task;
  using Conn = typename Net::Conn;
  using Listener = typename Net::Listener;
  using Group = typename Net::Group;
  using Micros = std::chrono::microseconds;

 public:
  Script(Net& net, const Workload& workload, Referee& referee)
      : net_(net), workload_(workload), referee_(referee), accept_due_(workload.acceptors) {
    for (std::atomic<Clock::time_point>& due : accept_due_) due = Clock::time_point::max();
  }

  // The first task.
  void main(Task& task) {
    if (!referee_.judge(kNoConnection, Side::server, Act::listen, net_.listen(task, listener_),
                        kNothingElse)) {
      for (unsigned i = 0; i < workload_.connections.size(); ++i) referee_.client_done(i);
      return;
    }
    Tasks acceptors(*this), clients(*this);
    for (unsigned i = 0; i < workload_.acceptors; ++i)
      acceptors.go_beside(task, [this, i](Task& t) { accept_loop(t, i); });
    for (unsigned i = 0; i < workload_.connections.size(); ++i)
      clients.go(task, [this, i](Task& t) { client(t, i); });
    clients.wait(task);
    close_listener(task);
    acceptors.wait(task);
  }

 private:
  // One end of a connection.
  struct End {
    Conn conn;
    unsigned id;
    Side side;
    const Connection& script;
  };

  // Tasks to wait for. The group is shared with the tasks: the last one may still be inside of
  // done() when the waiter goes on.
  class Tasks {
   public:
    explicit Tasks(Script& script) : script_(script), group_(script.net_.make_group()) {}
    template <class F>
    void go(Task& task, F f) {
      group_->add(1);
      script_.net_.go(task, wrap(std::move(f)));
    }
    template <class F>
    void go_beside(Task& task, F f) {
      group_->add(1);
      script_.net_.go_beside(task, wrap(std::move(f)));
    }
    void wait(Task& task) { group_->wait(task); }

   private:
    template <class F>
    auto wrap(F f) {
      return [group = group_, f = std::move(f)](Task& t) {
        f(t);
        group->done();
      };
    }
    Script& script_;
    std::shared_ptr<Group> group_;
  };

  // --- Server.

  // Main at the end, or an acceptor that gave up: whoever comes first.
  void close_listener(Task& task) {
    if (listener_closed_.exchange(true)) return;
    referee_.listener_closes();
    referee_.judge(kNoConnection, Side::server, Act::close, listener_.close(task), kNothingElse);
  }

  void accept_loop(Task& task, unsigned self) {
    unsigned failures = 0;
    for (;;) {
      if (workload_.accept_pause_us != 0) net_.sleep(task, Micros(workload_.accept_pause_us));
      unsigned expect = kNothingElse;
      if (workload_.accept_deadline_us != 0) {
        const Clock::time_point due = Clock::now() + Micros(workload_.accept_deadline_us);
        accept_due_[self] = due;
        expect = kDeadline;
        if (listener_.set_deadline(task, due).kind == Kind::closed) return;
      }
      Conn conn;
      Seen seen = listener_.accept(task, conn);
      if (seen.kind == Kind::ok) {
        failures = 0;
        net_.go_with(task, conn, [this, conn](Task& t) { serve(t, conn); });
        continue;
      }
      if (seen.kind == Kind::deadline)
        referee_.deadline_came(kNoConnection, Side::server, Act::accept, earliest_accept_due(),
                               Clock::now());
      bool expected = referee_.judge(kNoConnection, Side::server, Act::accept, seen, expect);
      if (seen.kind == Kind::closed) return;
      if (expected) {
        // Where the deadline passes before accept looks at it, accept never waits; this task must,
        // or on one worker nobody else would ever run.
        net_.sleep(task, Micros(1));
        continue;
      }
      // Out of descriptors or memory: the listener stays usable, and a queued connection comes
      // without a new event. Try again a little later; but when all clients wait for this server,
      // nobody will free anything: then give up, which ends them.
      if (++failures == kAcceptFailuresMax) return close_listener(task);
      net_.sleep(task, Micros(1000));
    }
  }

  // Acceptors share the listener and so its deadline: whichever set it last.
  Clock::time_point earliest_accept_due() const {
    Clock::time_point due = Clock::time_point::max();
    for (const std::atomic<Clock::time_point>& each : accept_due_) due = std::min(due, each.load());
    return due;
  }

  void serve(Task& task, Conn conn) {
    unsigned char hello[2];
    size_t have = 0;
    while (have < sizeof hello) {
      Seen seen = conn.read(task, reinterpret_cast<char*>(hello) + have, sizeof hello - have);
      if (seen.kind != Kind::ok) {
        referee_.judge(kNoConnection, Side::server, Act::read, seen, kNothingElse);
        conn.close(task);
        return;
      }
      have += seen.n;
    }
    unsigned id = hello[0] * 256u + hello[1];
    if (id >= workload_.connections.size()) {
      referee_.judge(kNoConnection, Side::server, Act::read, {Kind::other}, kNothingElse);
      return;  // not reached: nobody sends such a thing
    }
    End end{conn, id, Side::server, workload_.connections[id]};
    bool more = true;
    for (const Record& record : end.script.records) {
      more = serve_record(task, end, record);
      if (!more) break;
    }
    if (more) read_to_end(task, end);
    close(task, end);
  }

  // Records in which the server does something that is not an answer to bytes of the client.
  static bool server_acts(RecordKind kind) {
    switch (kind) {
      case RecordKind::server_deadline:
      case RecordKind::cleared:
      case RecordKind::two_readers:
      case RecordKind::server_half_close:
      case RecordKind::server_close_in_read:
      case RecordKind::close_in_write:
      case RecordKind::write_deadline:
        return true;
      default:
        return false;
    }
  }

  // True when the next record follows; false when the connection is to be closed now.
  bool serve_record(Task& task, End& end, const Record& record) {
    Micros time(record.argument);
    if (server_acts(record.kind) && !read(task, end, 1)) return false;
    switch (record.kind) {
      case RecordKind::message:
      case RecordKind::stream:
        return echo(task, end, record.argument);
      case RecordKind::server_pause:
        net_.sleep(task, time);
        return true;
      case RecordKind::server_deadline:
        return read_until_deadline(task, end, time) && write(task, end, 1);
      case RecordKind::cleared:
        net_.sleep(task, 2 * time);
        return write(task, end, 1);
      case RecordKind::both_deadlines:
        return read(task, end, 1);
      case RecordKind::two_readers:
        net_.sleep(task, time);
        return write(task, end, 2);
      case RecordKind::server_half_close:
        if (close_write(task, end) && read(task, end, kGoodbye)) read_to_end(task, end);
        return false;
      case RecordKind::server_close_in_read:
        close_in_read(task, end, time);
        return false;
      case RecordKind::close_in_write:
      case RecordKind::write_deadline:
        net_.sleep(task, 2 * time);
        read_to_end(task, end);
        return false;
      case RecordKind::close_unread:
        if (echo(task, end, record.argument)) read_to_end(task, end);
        return false;
      default:  // the client alone acts
        return true;
    }
  }

  bool echo(Task& task, End& end, size_t n) {
    std::vector<char> buffer(std::min<size_t>(n, kChunk));
    while (n > 0) {
      size_t asked = std::min(n, buffer.size());
      Seen seen = end.conn.read(task, buffer.data(), asked);
      if (!referee_.got(end.id, end.side, buffer.data(), asked, seen, kNothingElse)) return false;
      if (!write(task, end, seen.n)) return false;
      n -= seen.n;
    }
    return true;
  }

  // --- Client.

  void client(Task& task, unsigned id) {
    End end{Conn(), id, Side::client, workload_.connections[id]};
    Seen dialled = net_.dial(task, listener_, end.conn);
    if (referee_.judge(id, Side::client, Act::dial, dialled, kNothingElse)) {
      if (say_hello(task, end)) {
        for (const Record& record : end.script.records)
          if (!client_record(task, end, record)) break;
      }
      close(task, end);
    }
    referee_.client_done(id);
  }

  bool say_hello(Task& task, End& end) {
    const char hello[2] = {static_cast<char>(end.id >> 8), static_cast<char>(end.id)};
    Seen seen = end.conn.write(task, hello, sizeof hello);
    referee_.judge(end.id, end.side, Act::write, seen, kNothingElse);
    return seen.kind == Kind::ok;
  }

  bool client_record(Task& task, End& end, const Record& record) {
    Micros time(record.argument);
    if (server_acts(record.kind) && !write(task, end, 1)) return false;
    switch (record.kind) {
      case RecordKind::message:
        return write(task, end, record.argument) && read(task, end, record.argument);
      case RecordKind::stream:
        return write_and_read(task, end, record.argument);
      case RecordKind::pause:
        net_.sleep(task, time);
        return true;
      case RecordKind::deadline:
        return read_until_deadline(task, end, time);
      case RecordKind::server_deadline:
        return read(task, end, 1);
      case RecordKind::extended:
        return read_with_extended_deadline(task, end, time);
      case RecordKind::cleared:
        return read_with_cleared_deadline(task, end, time);
      case RecordKind::past:
        return read_until_set_to_past(task, end, time);
      case RecordKind::both_deadlines:
        return read_until_deadline_of_both(task, end, time);
      case RecordKind::two_readers:
        return read_twice(task, end);
      case RecordKind::half_close:
        if (close_write(task, end)) read_to_end(task, end);
        return false;
      case RecordKind::server_half_close:
        if (read_to_end(task, end)) write(task, end, kGoodbye);
        return false;
      case RecordKind::close_in_read:
        close_in_read(task, end, time);
        return false;
      case RecordKind::server_close_in_read:
        read_to_end(task, end);
        return false;
      case RecordKind::close_in_write:
        close_in_write(task, end, time);
        return false;
      case RecordKind::write_deadline:
        write_until_deadline(task, end, time);
        return false;
      case RecordKind::close_unread:
        if (write(task, end, record.argument)) referee_.breaks(end.id);
        return false;
      case RecordKind::close_read:
        close_reading(task, end, time);
        return false;
      default:  // the server alone acts
        return true;
    }
  }

  bool write_and_read(Task& task, End& end, size_t n) {
    bool all_read = false;
    Tasks reader(*this);
    reader.go_beside(task, [this, &end, &all_read, n](Task& t) { all_read = read(t, end, n); });
    bool all_written = write(task, end, n);
    reader.wait(task);
    return all_written && all_read;
  }

  bool read_twice(Task& task, End& end) {
    char bytes[2] = {};
    Seen seen[2];
    Tasks second(*this);
    second.go_beside(task, [&](Task& t) { seen[1] = end.conn.read(t, &bytes[1], 1); });
    seen[0] = end.conn.read(task, &bytes[0], 1);
    second.wait(task);
    return referee_.got_pair(end.id, end.side, bytes, seen);
  }

  // --- Deadlines. None of these leaves one set.

  bool read_until_deadline(Task& task, End& end, Micros time) {
    Clock::time_point due = Clock::now() + time;
    if (!set_read_deadline(task, end, due)) return false;
    if (!expect_deadline(task, end, due)) return false;
    // It stays until it is changed: no read gets past it.
    return expect_deadline(task, end, due) && set_read_deadline(task, end, {});
  }

  bool read_with_extended_deadline(Task& task, End& end, Micros time) {
    Clock::time_point first = Clock::now() + time;
    if (!set_read_deadline(task, end, first)) return false;
    Clock::time_point later = first + time;
    Clock::time_point extended_at;
    bool extended = false;
    Tasks setter(*this);
    setter.go_beside(task, [&](Task& t) {
      net_.sleep(t, time / 2);
      extended = set_read_deadline(t, end, later);
      extended_at = Clock::now();
    });
    char byte;
    Seen seen = end.conn.read(task, &byte, 1);
    Clock::time_point came = Clock::now();
    setter.wait(task);
    // Moved too late: then the first one may have been in force.
    Clock::time_point due = extended_at < first ? later : first;
    if (!judge_deadline(end, &byte, seen, due, came) || !extended) return false;
    return set_read_deadline(task, end, {});
  }

  bool read_with_cleared_deadline(Task& task, End& end, Micros time) {
    Clock::time_point due = Clock::now() + time;
    if (!set_read_deadline(task, end, due)) return false;
    Clock::time_point cleared_at;
    bool cleared = false;
    Tasks clearer(*this);
    clearer.go_beside(task, [&](Task& t) {
      net_.sleep(t, time / 2);
      cleared = set_read_deadline(t, end, {});
      cleared_at = Clock::now();
    });
    char byte;
    Seen seen = end.conn.read(task, &byte, 1);
    Clock::time_point came = Clock::now();
    clearer.wait(task);
    if (seen.kind == Kind::deadline && cleared_at >= due) {
      referee_.deadline_came(end.id, end.side, Act::read, due, came);
      return cleared && read(task, end, 1);
    }
    return referee_.got(end.id, end.side, &byte, 1, seen, kNothingElse) && cleared;
  }

  bool read_until_set_to_past(Task& task, End& end, Micros time) {
    Clock::time_point before;
    bool set = false;
    Tasks setter(*this);
    setter.go_beside(task, [&](Task& t) {
      net_.sleep(t, time);
      before = Clock::now();
      set = set_read_deadline(t, end, before - std::chrono::seconds(1));
    });
    char byte;
    Seen seen = end.conn.read(task, &byte, 1);
    Clock::time_point came = Clock::now();
    setter.wait(task);
    if (!judge_deadline(end, &byte, seen, before, came) || !set) return false;
    return expect_deadline(task, end, before) && set_read_deadline(task, end, {});
  }

  // The deadline of writes moves away from that of reads, which stays.
  bool read_until_deadline_of_both(Task& task, End& end, Micros time) {
    Clock::time_point due = Clock::now() + time;
    if (!set(end, end.conn.set_deadline(task, due)) ||
        !set(end, end.conn.set_write_deadline(task, due + std::chrono::hours(1))) ||
        !expect_deadline(task, end, due))
      return false;
    return write(task, end, 1) && set(end, end.conn.set_deadline(task, {}));
  }

  void write_until_deadline(Task& task, End& end, Micros time) {
    Clock::time_point due = Clock::now() + time;
    if (set(end, end.conn.set_write_deadline(task, due)))
      write_beyond_buffers(task, end, kDeadline, due);
  }

  bool expect_deadline(Task& task, End& end, Clock::time_point due) {
    char byte;
    Seen seen = end.conn.read(task, &byte, 1);
    return judge_deadline(end, &byte, seen, due, Clock::now());
  }

  // Nothing was sent, so a byte would be one that nobody sent. True: the deadline it was.
  bool judge_deadline(End& end, const char* byte, const Seen& seen, Clock::time_point due,
                      Clock::time_point came) {
    if (seen.kind == Kind::deadline) referee_.deadline_came(end.id, end.side, Act::read, due, came);
    referee_.got(end.id, end.side, byte, 1, seen, kDeadline);
    return seen.kind == Kind::deadline;
  }

  bool set_read_deadline(Task& task, End& end, Clock::time_point due) {
    return set(end, end.conn.set_read_deadline(task, due));
  }

  bool set(End& end, const Seen& seen) {
    return referee_.judge(end.id, end.side, Act::set, seen, kNothingElse);
  }

  // --- Close while somebody waits.

  void close_in_read(Task& task, End& end, Micros time) {
    Tasks closer(*this);
    closer.go_beside(task, [&](Task& t) {
      net_.sleep(t, time);
      close(t, end);
    });
    char byte;
    Seen seen = end.conn.read(task, &byte, 1);
    referee_.got(end.id, end.side, &byte, 1, seen, kClosed);
    closer.wait(task);
  }

  void close_in_write(Task& task, End& end, Micros time) {
    Tasks closer(*this);
    closer.go_beside(task, [&](Task& t) {
      net_.sleep(t, time);
      close(t, end);
    });
    write_beyond_buffers(task, end, kClosed, {});
    closer.wait(task);
  }

  void close_reading(Task& task, End& end, Micros time) {
    Tasks closer(*this);
    closer.go_beside(task, [&](Task& t) {
      net_.sleep(t, time);
      referee_.judge(end.id, end.side, Act::close_read, end.conn.close_read(t), kNothingElse);
    });
    char byte;
    Seen seen = end.conn.read(task, &byte, 1);
    referee_.got(end.id, end.side, &byte, 1, seen, kEof);
    closer.wait(task);
  }

  // The peer does not read for a while. Ends early as `expect` says, or because it did read in
  // time.
  void write_beyond_buffers(Task& task, End& end, unsigned expect, Clock::time_point due) {
    for (int i = 0; i < 4; ++i) {
      std::vector<char> buffer(workload_.buffer);
      referee_.prepare(end.id, end.side, buffer.data(), buffer.size());
      Seen seen = end.conn.write(task, buffer.data(), buffer.size());
      if (seen.kind == Kind::deadline)
        referee_.deadline_came(end.id, end.side, Act::write, due, Clock::now());
      if (!referee_.wrote(end.id, end.side, buffer.size(), seen, expect)) return;
    }
  }

  // --- Plain transfers. True: all of it.

  bool write(Task& task, End& end, size_t n) {
    std::vector<char> buffer(n);
    referee_.prepare(end.id, end.side, buffer.data(), n);
    Seen seen = end.conn.write(task, buffer.data(), n);
    return referee_.wrote(end.id, end.side, n, seen, kNothingElse);
  }

  bool read(Task& task, End& end, size_t n) {
    std::vector<char> buffer(std::min<size_t>(n, kChunk));
    while (n > 0) {
      size_t asked = std::min(n, buffer.size());
      Seen seen = end.conn.read(task, buffer.data(), asked);
      if (!referee_.got(end.id, end.side, buffer.data(), asked, seen, kNothingElse)) return false;
      n -= seen.n;
    }
    return true;
  }

  // True: the end of the stream came.
  bool read_to_end(Task& task, End& end) {
    std::vector<char> buffer(kChunk);
    for (;;) {
      Seen seen = end.conn.read(task, buffer.data(), buffer.size());
      if (referee_.got(end.id, end.side, buffer.data(), buffer.size(), seen, kEof)) continue;
      if (seen.kind == Kind::eof) referee_.ended(end.id, end.side);
      return seen.kind == Kind::eof;
    }
  }

  bool close_write(Task& task, End& end) {
    return referee_.judge(end.id, end.side, Act::close_write, end.conn.close_write(task),
                          kNothingElse);
  }

  // A second close, by a side that met an error while another task of it closed, is "closed".
  void close(Task& task, End& end) {
    referee_.judge(end.id, end.side, Act::close, end.conn.close(task), kClosed);
  }

  static constexpr unsigned kAcceptFailuresMax = 20;
  static constexpr size_t kChunk = 16 * 1024;
  static constexpr size_t kGoodbye = 16;

  Net& net_;
  const Workload& workload_;
  Referee& referee_;
  Listener listener_;
  std::vector<std::atomic<Clock::time_point>> accept_due_;  // by acceptor; each reads them all
  std::atomic<bool> listener_closed_ = false;
};

}  // namespace pollux::properties

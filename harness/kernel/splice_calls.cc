// SPDX-License-Identifier: MIT
//
// sendfile, splice, tee and copy_file_range: from one descriptor to another without passing through
// the program (fs/splice.c, fs/read_write.c).
//
// One of the two may be a file of the real kernel; that one is read and written there, at once.
// What the sockets and pipes of the twin do is what read and write do to them, faults and waiting
// included: the bytes take the way through a buffer here, and leave their source only when, and as
// far as, the target took them. A source that is no pipe is the exception, as on Linux: what was
// read from it is in the pipe.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/pipe.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::kernel {
namespace {

constexpr size_t kChunk = Pipe::kPage * Pipe::kSlots;  // what sendfile's own pipe holds
constexpr unsigned kSpliceFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;

// One side of a transfer: a file of the twin, or a descriptor of the real kernel.
struct Side {
  File* file = nullptr;
  int real = -1;
  bool readable = false, writable = false;
  bool non_blocking = false;
  PipeEnd* pipe = nullptr;

  bool real_regular() const {
    struct stat status;
    return file == nullptr &&
           shim::raw_system_call(SYS_fstat, real, reinterpret_cast<long>(&status)) == 0 &&
           S_ISREG(status.st_mode);
  }
};

long side_of(int fd, Side* side) {
  if (is_twin_fd(fd)) {
    side->file = get_file(fd);
    if (side->file == nullptr) return -EBADF;
    side->readable = side->file->readable_mode;
    side->writable = side->file->writable_mode;
    side->non_blocking = side->file->non_blocking;
    if (side->file->kind() == Kind::pipe) side->pipe = static_cast<PipeEnd*>(side->file);
    return 0;
  }
  side->real = fd;
  long flags = shim::raw_system_call(SYS_fcntl, fd, F_GETFL);
  if (flags < 0) return flags;
  side->readable = (flags & O_ACCMODE) != O_WRONLY;
  side->writable = (flags & O_ACCMODE) != O_RDONLY;
  side->non_blocking = (flags & O_NONBLOCK) != 0;
  return 0;
}

// The position of a transfer in a real file: the program's variable, or the file's own.
class Position {
 public:
  Position(const Side& side, int64_t* theirs) : side_(side), theirs_(theirs) {
    at_ = theirs != nullptr ? *theirs : shim::raw_system_call(SYS_lseek, side.real, 0, SEEK_CUR);
  }
  int64_t at() const { return at_; }
  void advance(long count) {
    at_ += count;
    if (theirs_ != nullptr) {
      *theirs_ = at_;
    } else {
      shim::raw_system_call(SYS_lseek, side_.real, at_, SEEK_SET);
    }
  }

 private:
  const Side& side_;
  int64_t* theirs_;
  int64_t at_;
};

long read_real(const Side& side, std::vector<char>& bytes, const Position& from) {
  return shim::raw_system_call(SYS_pread64, side.real, reinterpret_cast<long>(bytes.data()),
                               static_cast<long>(bytes.size()), from.at());
}

long write_from(File* file, std::vector<char>& bytes, size_t size) {
  iovec vector{bytes.data(), size};
  return write_file(file, {&vector, 1, size}, 0);
}

// Takes what was written of what peek() showed.
void consume(PipeEnd* pipe, std::vector<char>& bytes, size_t size) {
  iovec vector{bytes.data(), size};
  pipe->read({&vector, 1, size}, size, 0);
}

// --- The waits of a pipe; 1: go on.

long wait_for_data(PipeEnd* pipe, bool non_blocking) {  // ipipe_prep
  FileReference reference(pipe);
  while (pipe->bytes() == 0) {
    if (pipe->other_end_closed()) return 0;
    if (non_blocking) return -EAGAIN;
    pipe->wait(kNever);
  }
  return 1;
}

long wait_for_space(PipeEnd* pipe, bool non_blocking) {  // opipe_prep, wait_for_space
  FileReference reference(pipe);
  for (;;) {
    // Without a reader it fails as a write does, signal and all.
    if (pipe->other_end_closed()) {
      char none = 0;
      iovec vector{&none, 1};
      return write_file(pipe, {&vector, 1, 1}, 0);
    }
    if (pipe->free_bytes() != 0) return 1;
    if (non_blocking) return -EAGAIN;
    pipe->wait(kNever);
  }
}

// --- splice, by what is a pipe.

long pipe_to_pipe(PipeEnd* in, PipeEnd* out, size_t size, bool non_blocking, bool keep) {
  if (long ready = wait_for_data(in, non_blocking); ready != 1) return ready;
  if (long ready = wait_for_space(out, non_blocking); ready != 1) return ready;
  std::vector<char> bytes(std::min({size, in->bytes(), out->free_bytes()}));
  in->peek(bytes.data(), bytes.size());
  iovec vector{bytes.data(), bytes.size()};
  long moved = out->write({&vector, 1, bytes.size()}, bytes.size(), 0);
  if (moved > 0 && !keep) consume(in, bytes, static_cast<size_t>(moved));
  return moved;
}

long pipe_to_file(PipeEnd* in, const Side& out, int64_t* offset, size_t size, bool non_blocking) {
  if (long ready = wait_for_data(in, non_blocking); ready != 1) return ready;
  std::vector<char> bytes(std::min(size, in->bytes()));
  in->peek(bytes.data(), bytes.size());
  long moved;
  if (out.file != nullptr) {
    FileReference reference(in);
    moved = write_from(out.file, bytes, bytes.size());
  } else {
    Position to(out, offset);
    moved = shim::raw_system_call(SYS_pwrite64, out.real, reinterpret_cast<long>(bytes.data()),
                                  static_cast<long>(bytes.size()), to.at());
    if (moved > 0) to.advance(moved);
  }
  // Another thread may have read from the pipe meanwhile.
  if (moved > 0) consume(in, bytes, std::min(static_cast<size_t>(moved), in->bytes()));
  return moved;
}

long file_to_pipe(const Side& in, int64_t* offset, PipeEnd* out, size_t size, bool non_blocking) {
  if (long ready = wait_for_space(out, non_blocking); ready != 1) return ready;
  std::vector<char> bytes(std::min(size, out->free_bytes()));
  long count;
  if (in.file == nullptr) {
    Position from(in, offset);
    count = read_real(in, bytes, from);
    if (count > 0) from.advance(count);
  } else {
    // tcp_splice_read looks at the socket's flag only, unix_stream_splice_read at both.
    bool also = non_blocking && in.file->kind() == Kind::unix_stream;
    FileReference reference(out);
    iovec vector{bytes.data(), bytes.size()};
    count = read_file(in.file, {&vector, 1, bytes.size()}, also ? MSG_DONTWAIT : 0);
  }
  if (count <= 0) return count;
  // The room may be another thread's by now; then it waits, with the bytes in hand.
  FileReference reference(out);
  size_t done = 0;
  while (done < static_cast<size_t>(count)) {
    iovec vector{bytes.data() + done, static_cast<size_t>(count) - done};
    long moved = out->write({&vector, 1, vector.iov_len}, vector.iov_len, 0);
    if (moved == -EAGAIN) {
      out->wait(kNever);
    } else if (moved < 0) {
      return moved;
    } else {
      done += static_cast<size_t>(moved);
    }
  }
  return count;
}

bool splices(const Side& side) {
  if (side.file == nullptr) return side.real_regular();
  return side.file->kind() == Kind::tcp || side.file->kind() == Kind::unix_stream;
}

long offset_of(const Arguments& a, unsigned index, int64_t** offset) {
  *offset = a.pointer<int64_t>(index);
  return *offset != nullptr && bad_address(*offset) ? -EFAULT : 0;
}

}  // namespace

long call_sendfile(const Arguments& a) {  // do_sendfile
  int64_t* offset;
  if (long error = offset_of(a, 2, &offset); error != 0) return error;
  Side in, out;
  if (long error = side_of(a.integer(1), &in); error != 0) return error;
  if (!in.readable) return -EBADF;
  if (offset != nullptr && in.file != nullptr) return -ESPIPE;
  if (long error = side_of(a.integer(0), &out); error != 0) return error;
  if (!out.writable) return -EBADF;
  if (in.file != nullptr) {
    if (in.file->kind() == Kind::device) unmodelled("sendfile from a device");
    return -EINVAL;  // not seekable, or without a splice_read
  }
  if (!in.real_regular()) unmodelled("sendfile from what is no regular file to the twin");
  size_t size = static_cast<size_t>(a[3]);
  Position from(in, offset);
  FileReference reference(out.file);
  size_t done = 0;
  while (done < size) {
    if (out.pipe != nullptr) {
      // splice_file_to_pipe, once
      return file_to_pipe(in, offset, out.pipe, size, out.non_blocking);
    }
    std::vector<char> bytes(std::min(size - done, kChunk));
    long count = read_real(in, bytes, from);
    if (count <= 0) return done != 0 ? static_cast<long>(done) : count;
    long moved = write_from(out.file, bytes, static_cast<size_t>(count));
    if (moved < 0) return done != 0 ? static_cast<long>(done) : moved;
    from.advance(moved);
    done += static_cast<size_t>(moved);
    if (moved < count) break;
  }
  return static_cast<long>(done);
}

long call_splice(const Arguments& a) {  // do_splice
  size_t size = static_cast<size_t>(a[4]);
  if (size == 0) return 0;
  auto flags = static_cast<unsigned>(a[5]);
  if ((flags & ~kSpliceFlags) != 0) return -EINVAL;
  Side in, out;
  if (long error = side_of(a.integer(0), &in); error != 0) return error;
  if (long error = side_of(a.integer(2), &out); error != 0) return error;
  int64_t *in_offset, *out_offset;
  if (in.pipe != nullptr && a[1] != 0) return -ESPIPE;
  if (out.pipe != nullptr && a[3] != 0) return -ESPIPE;
  if (long error = offset_of(a, 1, &in_offset); error != 0) return error;
  if (long error = offset_of(a, 3, &out_offset); error != 0) return error;
  if (!in.readable || !out.writable) return -EBADF;
  bool non_blocking = (flags & SPLICE_F_NONBLOCK) != 0;
  if (in.pipe != nullptr && out.pipe != nullptr) {
    if (in.pipe->same_pipe(*out.pipe)) return -EINVAL;
    bool either = non_blocking || in.non_blocking || out.non_blocking;
    return pipe_to_pipe(in.pipe, out.pipe, size, either, false);
  }
  if (in.pipe != nullptr) {
    if (out_offset != nullptr && out.file != nullptr) return -EINVAL;
    if (!splices(out)) unmodelled("splice to what is neither a stream nor a regular file");
    return pipe_to_file(in.pipe, out, out_offset, size, non_blocking || in.non_blocking);
  }
  if (out.pipe != nullptr) {
    if (in_offset != nullptr && in.file != nullptr) return -EINVAL;
    if (!splices(in)) unmodelled("splice from what is neither a stream nor a regular file");
    return file_to_pipe(in, in_offset, out.pipe, size, non_blocking || out.non_blocking);
  }
  return -EINVAL;
}

long call_tee(const Arguments& a) {  // do_tee
  auto flags = static_cast<unsigned>(a[3]);
  if ((flags & ~kSpliceFlags) != 0) return -EINVAL;
  size_t size = static_cast<size_t>(a[2]);
  if (size == 0) return 0;
  Side in, out;
  if (long error = side_of(a.integer(0), &in); error != 0) return error;
  if (long error = side_of(a.integer(1), &out); error != 0) return error;
  if (!in.readable || !out.writable) return -EBADF;
  if (in.pipe == nullptr || out.pipe == nullptr || in.pipe->same_pipe(*out.pipe)) return -EINVAL;
  bool non_blocking = (flags & SPLICE_F_NONBLOCK) != 0 || in.non_blocking || out.non_blocking;
  return pipe_to_pipe(in.pipe, out.pipe, size, non_blocking, true);
}

// Between regular files only, and the twin has none (generic_copy_file_checks).
long call_copy_file_range(const Arguments& a) {
  Side in, out;
  if (long error = side_of(a.integer(0), &in); error != 0) return error;
  if (long error = side_of(a.integer(2), &out); error != 0) return error;
  return -EINVAL;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
// Channels, as in Go: typed queues between goroutines of one Runtime. select.h waits on several.
//
// Channel, Sender and Receiver are handles: copies name the same channel, which lives as long as
// the last of them. A Sender can only send and close, a Receiver only receive. A handle made from
// nullptr is the nil channel: sends and receives on it wait for ever, so that a case of a select
// can be switched off.
//
// send and recv park the goroutine and must be made from inside one; try_send, try_recv and close
// never wait and may come from any thread. A value goes straight to a goroutine that waits for it,
// without a detour through the buffer, and whoever has waited longest is served first. Nothing is
// allocated after construction.
//
// Misuse aborts, as it panics in Go: sending on a closed channel, also for a goroutine that waits
// to send when the channel is closed; closing a closed or a nil channel.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace netpoll {

// For channels that carry no data, only the fact.
struct Unit {};

// What a receive got. ok is false if the channel is closed and empty; then value is T{}.
template <class T>
struct Received {
  T value{};
  bool ok = false;
};

namespace detail {

struct channel_wait;  // one goroutine that waits; on its stack
class channel_core;
class select_operation;

// One place in one channel's queue: a goroutine in a select has one for each case (Go's sudog).
struct channel_waiter {
  channel_waiter* next = nullptr;
  channel_waiter* previous = nullptr;
  channel_wait* wait = nullptr;
  void* element = nullptr;  // a sender's value; where a receiver wants it, or null
  bool queued = false;
  bool success = false;  // a value changed hands; false after close
};

struct channel_queue {
  channel_waiter* first = nullptr;
  channel_waiter* last = nullptr;
};

// A channel without its element type. `core` may be null in the functions below: the nil channel.
class channel_core {
 public:
  // *to = *from and *from is empty afterwards; either may be null: then nobody wants the value, or
  // *to becomes empty.
  using move_fn = void (*)(void* to, void* from) noexcept;

  channel_core(size_t capacity, size_t element_size, move_fn move);
  channel_core(const channel_core&) = delete;
  channel_core& operator=(const channel_core&) = delete;

  static void send(channel_core* core, void* element);
  static bool recv(channel_core* core, void* element);  // false: closed
  static bool try_send(channel_core* core, void* element);
  static bool try_recv(channel_core* core, void* element, bool* ok);  // false: would wait
  static void close(channel_core* core);

  size_t size() const;
  size_t capacity() const { return capacity_; }

 protected:
  ~channel_core();
  void set_buffer(void* buffer) { buffer_ = static_cast<std::byte*>(buffer); }

 private:
  friend class select_operation;

  // These need lock_. True if done without waiting; then *woken, if set, must be woken after the
  // lock is released.
  bool send_now(void* element, channel_waiter** woken);
  bool recv_now(void* element, bool* ok, channel_waiter** woken);
  void enqueue(channel_waiter& w, bool sends);
  void unlink(channel_waiter& w, bool sends);
  static channel_waiter* dequeue(channel_queue& q);
  static void wake(channel_waiter* w);
  void* slot(size_t i) const { return buffer_ + i * element_size_; }

  const uint64_t number_;  // in order of creation; selects lock in this order
  const size_t capacity_;
  const size_t element_size_;
  const move_fn move_;
  std::byte* buffer_ = nullptr;

  mutable std::mutex lock_;
  bool closed_ = false;
  size_t count_ = 0;  // elements in the buffer, from head_ on
  size_t head_ = 0;
  channel_queue senders_;
  channel_queue receivers_;
};

template <class T>
class channel_state final : public channel_core {
  static_assert(std::default_initializable<T>, "an empty channel yields T{}");
  static_assert(std::is_nothrow_move_assignable_v<T>, "values move between stacks under a lock");

 public:
  explicit channel_state(size_t capacity)
      : channel_core(capacity, sizeof(T), move), buffer_(capacity ? new T[capacity]() : nullptr) {
    set_buffer(buffer_.get());
  }

 private:
  static void move(void* to, void* from) noexcept {
    if (to && from) *static_cast<T*>(to) = std::move(*static_cast<T*>(from));
    if (to && !from) *static_cast<T*>(to) = T{};
    if constexpr (!std::is_trivially_copyable_v<T>) {
      if (from) *static_cast<T*>(from) = T{};  // keep nothing alive that was received
    }
  }

  std::unique_ptr<T[]> buffer_;
};

}  // namespace detail

template <class T>
class Receiver {
 public:
  using value_type = T;
  static constexpr bool can_receive = true;

  Receiver(std::nullptr_t) {}

  // The next value, waiting if there is none; ok is false when there will be none.
  Received<T> recv() const {
    Received<T> r;
    r.ok = detail::channel_core::recv(state_.get(), &r.value);
    return r;
  }
  // Nothing if recv() would wait.
  std::optional<Received<T>> try_recv() const {
    Received<T> r;
    if (!detail::channel_core::try_recv(state_.get(), &r.value, &r.ok)) return std::nullopt;
    return r;
  }
  size_t size() const { return state_ ? state_->size() : 0; }  // values in the buffer
  size_t capacity() const { return state_ ? state_->capacity() : 0; }

  detail::channel_core* core() const { return state_.get(); }
  friend bool operator==(const Receiver&, const Receiver&) = default;  // the same channel

 private:
  template <class>
  friend class Channel;
  explicit Receiver(std::shared_ptr<detail::channel_state<T>> s) : state_(std::move(s)) {}
  std::shared_ptr<detail::channel_state<T>> state_;
};

template <class T>
class Sender {
 public:
  using value_type = T;
  static constexpr bool can_send = true;

  Sender(std::nullptr_t) {}

  // Waits until a receiver has taken the value or the buffer has room for it.
  void send(T value) const { detail::channel_core::send(state_.get(), &value); }
  // False, and `value` untouched, if send() would wait.
  bool try_send(T&& value) const { return detail::channel_core::try_send(state_.get(), &value); }
  bool try_send(const T& value) const {
    T copy = value;
    return try_send(std::move(copy));
  }
  // No more values will come. Receivers drain the buffer and then get ok == false.
  void close() const { detail::channel_core::close(state_.get()); }
  size_t size() const { return state_ ? state_->size() : 0; }
  size_t capacity() const { return state_ ? state_->capacity() : 0; }

  detail::channel_core* core() const { return state_.get(); }
  friend bool operator==(const Sender&, const Sender&) = default;

 private:
  template <class>
  friend class Channel;
  explicit Sender(std::shared_ptr<detail::channel_state<T>> s) : state_(std::move(s)) {}
  std::shared_ptr<detail::channel_state<T>> state_;
};

template <class T>
class Channel {
 public:
  using value_type = T;
  static constexpr bool can_send = true;
  static constexpr bool can_receive = true;

  // A new channel. Capacity 0: a send waits for its receive.
  explicit Channel(size_t capacity = 0)
      : state_(std::make_shared<detail::channel_state<T>>(capacity)) {}
  template <std::same_as<std::nullptr_t> N>  // a template, or 0 would be ambiguous
  Channel(N) {}

  operator Receiver<T>() const { return Receiver<T>(state_); }
  operator Sender<T>() const { return Sender<T>(state_); }

  // As in Receiver and Sender.
  Received<T> recv() const { return Receiver<T>(state_).recv(); }
  std::optional<Received<T>> try_recv() const { return Receiver<T>(state_).try_recv(); }
  void send(T value) const { detail::channel_core::send(state_.get(), &value); }
  bool try_send(T&& value) const { return detail::channel_core::try_send(state_.get(), &value); }
  bool try_send(const T& value) const { return Sender<T>(state_).try_send(value); }
  void close() const { detail::channel_core::close(state_.get()); }
  size_t size() const { return state_ ? state_->size() : 0; }
  size_t capacity() const { return state_ ? state_->capacity() : 0; }

  detail::channel_core* core() const { return state_.get(); }
  friend bool operator==(const Channel&, const Channel&) = default;

 private:
  std::shared_ptr<detail::channel_state<T>> state_;
};

}  // namespace netpoll

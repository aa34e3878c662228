// libstdc++ 12's std::counting_semaphore loses a wake-up: acquire() reads the count, spins, and
// then waits for as long as the count is what it was, even if that says that there is a permit.
#include <atomic>
#include <semaphore>
#include <thread>

std::counting_semaphore<1> permit(1);
std::atomic<int> work;

void use() {
  permit.acquire();
  while (++work % 20 != 0) {
  }
  permit.release();
}

int main() {
  std::thread other(use);
  use();
  other.join();
}

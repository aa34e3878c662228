// SPDX-License-Identifier: MIT
//
// A C++ program that loses memory, or does something that looks like it.
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Item {
  explicit Item(std::string text) : name(std::move(text)) {}
  std::string name;
  std::shared_ptr<Item> other;
};

// Destroyed before the process has ended, as a static vector of pointers is: what it pointed to was
// still in use when main returned.
std::vector<Item*> registry;
std::map<std::string, std::unique_ptr<Item>> cache;

Item& singleton() {
  static auto* const item = new Item(std::string(100, 's'));
  return *item;
}

__attribute__((noinline)) void lose_cycle() {
  auto first = std::make_shared<Item>("first"),
       second = std::make_shared<Item>(std::string(80, '2'));
  first->other = second;
  second->other = first;
}

__attribute__((noinline)) void lose_array() {
  int* numbers = new int[100];
  asm volatile("" : : "r"(numbers) : "memory");
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  if (what == "cycle") lose_cycle();
  if (what == "array") lose_array();
  if (what == "held") {
    for (int i = 0; i < 10; ++i) registry.push_back(new Item(std::string(50, 'r')));
    cache["one"] = std::make_unique<Item>(std::string(200, 'c'));
    singleton().name += std::string(1000, 't');
    Item* handed_over = new Item(std::string(70, 'h'));
    std::thread([handed_over] { delete handed_over; }).join();
    thread_local auto* const of_main = new Item(std::string(90, 'm'));
    std::cout << of_main->name << std::endl;
    try {
      throw std::string(300, 'e');
    } catch (const std::string& text) {
      std::cout << text.size() << '\n';
    }
  }
}

// SPDX-License-Identifier: MIT
//
// A C program that loses memory, or does something that looks like it.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct node {
  struct node* next;
  char text[56];
};

// Not static, or nobody could read what they hold, and the compiler would not write it.
struct node* global;
char* inside;
__thread struct node* local;
struct node* only;

// Nothing of it is left in registers, or further down the stack.
__attribute__((noinline)) static struct node* make(void) {
  void* (*volatile taken)(size_t) = malloc;  // its address: see cli_exec_leaks_fixed
  (void)taken;
  struct node* made = calloc(1, sizeof *made);
  __asm__ volatile("" : "+r"(made) : : "memory");
  return made;
}
__attribute__((noinline)) static void lose(void) { make(); }
__attribute__((noinline)) static void lose_cycle(void) {
  struct node* first = make();
  first->next = make();
  first->next->next = first;
}

// What was called before has left words on the stack, where calls of now stand.
__attribute__((noinline)) static void wipe_stack(void) {
  char wiped[8192];
  memset(wiped, 0, sizeof wiped);
  __asm__ volatile("" : : "r"(wiped) : "memory");
}

static void* keep_local(void* unused) {
  local = make();
  sleep(1000);
  return unused;
}

static void* free_it(void* node) {
  free(node);
  return NULL;
}

// The second one to look finds it, unless the first is late.
static void* make_only(void* unused) {
  if (only == NULL) {
    usleep(1);
    only = make();
  }
  return unused;
}

static int is(const char* what, const char* wanted) { return strcmp(what, wanted) == 0; }

int main(int count, char** arguments) {
  const char* what = count > 1 ? arguments[1] : "";
  pthread_t thread;
  if (is(what, "plain")) lose();
  if (is(what, "cycle")) lose_cycle();
  if (is(what, "exit")) {
    lose();
    wipe_stack();
    exit(0);
  }
  if (is(what, "_exit")) {
    lose();
    _exit(0);
  }
  if (is(what, "twice")) {
    pthread_create(&thread, NULL, make_only, NULL);
    usleep(2);
    make_only(NULL);
    pthread_join(thread, NULL);
    free(only);
    only = NULL;
  }
  if (is(what, "freed")) {
    free(make());
    free(realloc(malloc(10), 10000));
    free(strdup("text"));
  }
#ifdef __x86_64__
  if (is(what, "register")) {
    __asm__ volatile("mov %0, %%r15" : : "r"(make()) : "r15");
    exit(0);
  }
#endif
  if (is(what, "held")) {
    global = make();
    global->next = make();
    inside = make()->text;
    global->next->next = realloc(make(), 1000);
    pthread_create(&thread, NULL, keep_local, NULL);
    pthread_detach(thread);
    pthread_create(&thread, NULL, free_it, make());
    pthread_join(thread, NULL);
    stack_t signals = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    sigaltstack(&signals, NULL);
    memset(&signals, 0, sizeof signals);
    struct node* volatile on_stack = make();
    printf("%s%s", "held", on_stack->text);  // and stdout's buffer
    usleep(1000);
    exit(0);
  }
  return 0;
}

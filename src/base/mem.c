/* Zeroed, aligned, counted memory. */
#include "base_internal.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

/* lies in the ALIGNMENT bytes before the memory handed out */
typedef struct block {
  void *start; /* of calloc */
  size_t size; /* bytes usable by the caller */
} block;

static atomic_int_least64_t alive, most; /* most: alive at a time since rg_memory_mark */

static block *block_of(void *memory)
{
  return (block *)((char *)memory - ALIGNMENT);
}

static _Noreturn void out_of_memory(int64_t n, size_t size)
{
  rg_log(RG_LOG_ERROR,
         "out of memory on rank %d: cannot have %lld objects of %zu bytes beside the "
         "%lld bytes in use; use more nodes or a smaller batch",
         rg_log_rank(), (long long)n, size, (long long)rg_memory_alive());
  rg_end_job(rg_exit_code(RG_EFAIL));
}

/* Bytes of n objects; ends the job when that is no number. */
static size_t bytes_of(int64_t n, size_t size)
{
  RG_ASSERT(n >= 0 && size > 0);
  if ((uint64_t)n > (SIZE_MAX / 2) / size)
    out_of_memory(n, size);
  return (size_t)n * size;
}

/* Large arrays are walked from end to end: large pages, where the system has them, save
 * a quarter to a third of the time of doing so. A refusal does no harm. */
static void advise(char *start, size_t bytes)
{
#ifdef MADV_HUGEPAGE
  uintptr_t low = ((uintptr_t)start + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  uintptr_t high = ((uintptr_t)start + bytes) / HUGE_PAGE * HUGE_PAGE;
  if (bytes >= 4 * HUGE_PAGE && high > low)
    (void)madvise((void *)low, high - low, MADV_HUGEPAGE);
#else
  (void)start, (void)bytes;
#endif
}

static void count_new(size_t bytes)
{
  int64_t now = atomic_fetch_add(&alive, (int64_t)bytes) + (int64_t)bytes;
  int64_t highest = atomic_load(&most);
  while (now > highest && !atomic_compare_exchange_weak(&most, &highest, now))
    continue;
}

/* calloc, because fresh pages of the system are zero without being touched */
static void *new_block(int64_t n, size_t size, size_t bytes)
{
  char *start = calloc(bytes + 2 * ALIGNMENT, 1);
  if (!start)
    out_of_memory(n, size);
  advise(start, bytes);
  uintptr_t first = (uintptr_t)start + ALIGNMENT;
  size_t skip = (ALIGNMENT - first % ALIGNMENT) % ALIGNMENT;
  void *memory = start + ALIGNMENT + skip;
  *block_of(memory) = (block){start, bytes};
  count_new(bytes);
  return memory;
}

void *rg_alloc(int64_t n, size_t size)
{
  return new_block(n, size, bytes_of(n, size));
}

/* Growth takes half as much again, so that adding one by one stays linear. */
void *rg_realloc(void *memory, int64_t old_n, int64_t n, size_t size)
{
  if (!memory)
    return rg_alloc(n, size);
  size_t old_bytes = bytes_of(old_n, size), bytes = bytes_of(n, size);
  size_t room = block_of(memory)->size;
  RG_ASSERT(old_bytes <= room);
  if (bytes <= room && bytes >= room / 4) {
    if (bytes > old_bytes)
      memset((char *)memory + old_bytes, 0, bytes - old_bytes);
    return memory;
  }
  size_t new_room = bytes > room && bytes < room + room / 2 ? room + room / 2 : bytes;
  void *moved = new_block(n, size, new_room);
  memcpy(moved, memory, old_bytes < bytes ? old_bytes : bytes);
  rg_free(memory);
  return moved;
}

void rg_free(void *memory)
{
  if (!memory)
    return;
  block *b = block_of(memory);
  atomic_fetch_sub(&alive, (int64_t)b->size);
  free(b->start);
}

char *rg_strdup(const char *text)
{
  size_t n = strlen(text) + 1;
  return memcpy(rg_alloc((int64_t)n, 1), text, n);
}

char *rg_vformat(const char *format, va_list arguments)
{
  va_list again;
  va_copy(again, arguments);
  int n = vsnprintf(NULL, 0, format, again);
  va_end(again);
  RG_ASSERT(n >= 0);
  char *text = rg_alloc((int64_t)n + 1, 1);
  vsnprintf(text, (size_t)n + 1, format, arguments);
  return text;
}

char *rg_format(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *text = rg_vformat(format, arguments);
  va_end(arguments);
  return text;
}

int64_t rg_memory_alive(void)
{
  return atomic_load(&alive);
}

void rg_memory_mark(void)
{
  atomic_store(&most, atomic_load(&alive));
}

int64_t rg_memory_high(void)
{
  return atomic_load(&most);
}

int64_t rg_memory_peak(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (int64_t)usage.ru_maxrss * 1024;
}

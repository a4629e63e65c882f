#include "runtimes/python/thread_names.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "runtimes/python/offsets.h"
#include "runtimes/symbol_record.h"

namespace gp::runtimes::python {
namespace {

constexpr size_t kMaxInterpreters = 16;
constexpr uint64_t kMaxModules = 16384;
constexpr uint64_t kMaxThreads = 4096;
constexpr uint64_t kMaxAttributes = 256;
constexpr uint64_t kMaxName = 128;        // characters
constexpr uint64_t kEntriesAtOnce = 128;  // 3 KiB

// Offsets in builds with the lock, checked by offsets_test.cc; in those without, an object's header is `header_` longer.
constexpr uint64_t kModuleDict = 16;          // PyModuleObject.md_dict: Include/internal/pycore_moduleobject.h
constexpr uint64_t kDictKeys = 32;            // PyDictObject.ma_keys: Include/cpython/dictobject.h
constexpr uint64_t kDictValues = 40;          // ma_values
constexpr uint64_t kTypeFlags = 168;          // PyTypeObject.tp_flags: Include/cpython/object.h
constexpr uint64_t kTypeDictOffset = 288;     // tp_dictoffset
constexpr uint64_t kManagedDict = 1U << 4U;   // Py_TPFLAGS_MANAGED_DICT: Include/object.h
constexpr uint64_t kInlineValues = 1U << 2U;  // Py_TPFLAGS_INLINE_VALUES, 3.13

// A dictionary's entries, in the order they were made.
struct Entries {
  uint64_t address = 0;
  uint64_t count = 0;
  uint64_t bytes = 24;  // of one: hash, key, value; where all keys are text, from 3.11 on, key and value
  uint64_t values = 0;  // where they are, when not in the entries
};
struct Entry {
  uint64_t address = 0;
  uint64_t hash = 0;  // 0 where none is kept
  uint64_t key = 0;
  uint64_t value = 0;
  uint64_t number = 0;
};

class Objects {
 public:
  Objects(const gp_python& python, const targets::MemoryReader& memory)
      : python_(python), memory_(memory), header_(python.object_type - 8ULL) {}

  template <class T = uint64_t>
  [[nodiscard]] std::optional<T> value(uint64_t address) const {
    std::array<uint8_t, sizeof(T)> bytes{};
    if (!memory_.read(Pc{address}, bytes)) return std::nullopt;
    return read_at<T>(bytes, 0);
  }
  // 0 where it cannot be read, as where there is no object.
  [[nodiscard]] uint64_t pointer(uint64_t address) const { return value(address).value_or(0); }

  [[nodiscard]] std::optional<Entries> entries_of(uint64_t dict) const {
    if (dict == 0) return std::nullopt;
    if (python_.version < kPython36) {  // 2.7: ma_mask, ma_table (Include/dictobject.h)
      const auto mask = value(dict + 32);
      if (!mask) return std::nullopt;
      return Entries{.address = pointer(dict + 40), .count = *mask + 1};
    }
    const uint64_t values = pointer(dict + header_ + kDictValues);
    return entries_of_keys(pointer(dict + header_ + kDictKeys), values);
  }

  // `use` returns false to end. At most `limit` entries are looked at.
  void each(const Entries& entries, uint64_t limit, const std::function<bool(const Entry&)>& use) const {
    std::array<uint8_t, kEntriesAtOnce * 24> bytes{};
    const uint64_t count = std::min(entries.count, limit);
    for (uint64_t first = 0; first < count; first += kEntriesAtOnce) {
      const uint64_t there = std::min(kEntriesAtOnce, count - first);
      const auto part = std::span(bytes).first(there * entries.bytes);
      if (!memory_.read(Pc{entries.address + first * entries.bytes}, part)) return;
      for (uint64_t i = 0; i < there; ++i) {
        const uint64_t at = i * entries.bytes;
        const bool hashed = entries.bytes == 24;
        Entry entry{.address = entries.address + first * entries.bytes + at,
                    .hash = hashed ? read_at<uint64_t>(part, at).value_or(0) : 0,
                    .key = read_at<uint64_t>(part, at + (hashed ? 8 : 0)).value_or(0),
                    .value = read_at<uint64_t>(part, at + (hashed ? 16 : 8)).value_or(0),
                    .number = first + i};
        if (entry.key != 0 && !use(entry)) return;
      }
    }
  }

  // The object under a name; 0: there is none.
  [[nodiscard]] uint64_t find(const std::optional<Entries>& entries, uint64_t limit, std::string_view name) const {
    uint64_t found = 0;
    if (!entries) return 0;
    each(*entries, limit, [&](const Entry& entry) {
      if (!is_text(entry.key, name)) return true;
      found = entries->values != 0 ? pointer(entries->values + entry.number * 8) : entry.value;
      return false;
    });
    return found;
  }

  [[nodiscard]] uint64_t attribute(uint64_t object, std::string_view name) const {
    return find(attributes_of(object), kMaxAttributes, name);
  }
  [[nodiscard]] std::optional<Entries> module_entries(uint64_t module) const {
    return module == 0 ? std::nullopt : entries_of(pointer(module + header_ + kModuleDict));
  }

  // A string object's characters; empty: it is none.
  [[nodiscard]] std::string text(uint64_t object) const {
    if (python_.text_is_bytes != 0) {
      const uint64_t size = std::min(pointer(object + python_.bytes_size), kMaxName);
      std::string out(size, '\0');
      const bool read = memory_.read(Pc{object + python_.bytes_data}, {reinterpret_cast<uint8_t*>(out.data()), size});
      return read ? out : std::string();
    }
    const auto length = value(object + python_.unicode_length);
    const auto state = value<uint32_t>(object + python_.unicode_state);
    if (!length || !state) return {};
    const auto [kind, compact, ascii] = state_of(*state);
    if (!compact || (kind != 1 && kind != 2 && kind != 4)) return {};
    std::vector<uint8_t> characters(std::min(*length, kMaxName) * kind);
    const uint64_t start = object + (ascii ? python_.unicode_ascii_data : python_.unicode_compact_data);
    return memory_.read(Pc{start}, characters) ? to_utf8(characters, kind) : std::string();
  }

 private:
  struct State {
    unsigned kind;
    bool compact;
    bool ascii;
  };
  // PyASCIIObject.state, as in bpf/walk/python_symbol.h.
  [[nodiscard]] State state_of(uint32_t word) const {
    const uint32_t state = word >> python_.text_kind_shift;
    return {.kind = state & 7U, .compact = (state >> 3U & 1U) != 0, .ascii = (state >> 4U & 1U) != 0};
  }

  // One read a key: a module has hundreds.
  [[nodiscard]] bool is_text(uint64_t object, std::string_view name) const {
    const bool bytes = python_.text_is_bytes != 0;
    const size_t data = bytes ? python_.bytes_data : python_.unicode_ascii_data;
    std::array<uint8_t, 128> head{};
    const auto part = std::span(head).first(std::min(data + name.size(), head.size()));
    if (data + name.size() > head.size() || !memory_.read(Pc{object}, part)) return false;
    if (read_at<uint64_t>(part, bytes ? python_.bytes_size : python_.unicode_length) != name.size()) return false;
    if (!bytes) {
      const auto [kind, compact, ascii] = state_of(read_at<uint32_t>(part, python_.unicode_state).value_or(0));
      if (kind != 1 || !compact || !ascii) return false;
    }
    return std::memcmp(part.data() + data, name.data(), name.size()) == 0;
  }

  // PyDictKeysObject: Objects/dict-common.h; from 3.11 on Include/internal/pycore_dict.h. `values`: a PyDictValues, or 0.
  [[nodiscard]] std::optional<Entries> entries_of_keys(uint64_t keys, uint64_t values) const {
    if (keys == 0) return std::nullopt;
    if (values != 0 && python_.version >= kPython313) values += 8;  // capacity, size, embedded, valid
    if (python_.version < kPython311) {
      const auto size = value(keys + 8);
      const auto used = value(keys + 32);
      if (!size || !used) return std::nullopt;
      const uint64_t index_bytes = *size <= 0xff ? 1 : *size <= 0xffff ? 2 : 4;
      return Entries{.address = keys + 40 + *size * index_bytes, .count = *used, .values = values};
    }
    const auto index_bytes = value<uint8_t>(keys + 9);  // a logarithm
    const auto kind = value<uint8_t>(keys + 10);
    const auto used = value(keys + 24);
    if (!index_bytes || !kind || !used || *index_bytes > 32) return std::nullopt;
    return Entries{.address = keys + 32 + (uint64_t{1} << *index_bytes),
                   .count = *used,
                   .bytes = *kind == 0 ? 24U : 16U,  // DICT_KEYS_GENERAL
                   .values = values};
  }

  // An instance's own attributes: in a dictionary, or as values in the order of its type's keys.
  [[nodiscard]] std::optional<Entries> attributes_of(uint64_t object) const {
    const uint64_t type = pointer(object + python_.object_type);
    const uint64_t flags = pointer(type + header_ + kTypeFlags);
    if (type == 0) return std::nullopt;
    if (python_.version < kPython311 || (flags & kManagedDict) == 0) {
      const uint64_t offset = pointer(type + header_ + kTypeDictOffset);
      return offset != 0 && offset < 4096 ? entries_of(pointer(object + offset)) : std::nullopt;
    }
    const uint64_t keys = pointer(type + cached_keys_of(python_));
    if (python_.version == kPython311) {  // Include/internal/pycore_object.h: _PyObject_ValuesPointer
      const uint64_t values = pointer(object - 32);
      return values != 0 ? entries_of_keys(keys, values) : entries_of(pointer(object - 24));
    }
    const uint64_t dict = pointer(object - (header_ != 0 ? 8 : 24));  // MANAGED_DICT_OFFSET
    if (python_.version == kPython312 && (dict & 1) != 0) return entries_of_keys(keys, dict + 1);  // PyDictOrValues
    if (dict != 0 || (flags & kInlineValues) == 0) return entries_of(dict);
    return entries_of_keys(keys, object + pointer(type + header_ + kTypeBasicSize));
  }

  const gp_python& python_;
  const targets::MemoryReader& memory_;
  uint64_t header_;
};

bool says_something(std::string_view name) {
  return !name.empty() && name != "MainThread" && !name.starts_with("Dummy-");
}

void read_interpreter(const gp_python& python, const Objects& objects, uint64_t interpreter,
                      std::vector<targets::ThreadName>& names) {
  const auto modules = objects.entries_of(objects.pointer(interpreter + python.modules));
  const auto module = objects.module_entries(objects.find(modules, kMaxModules, "threading"));
  const auto active = objects.entries_of(objects.find(module, kMaxModules, "_active"));
  if (!active || active->bytes != 24) return;
  // Identities are the keys: whole numbers this small are their own hash (Objects/longobject.c: long_hash).
  objects.each(*active, kMaxThreads, [&](const Entry& entry) {
    if (entry.value == 0) return true;
    std::string name =
        objects.text(objects.attribute(entry.value, python.text_is_bytes != 0 ? "_Thread__name" : "_name"));
    if (says_something(name) && objects.pointer(entry.address + 16) == entry.value &&
        objects.pointer(entry.address) == entry.hash)
      names.push_back({.thread = entry.hash, .name = std::move(name)});
    return names.size() < kMaxThreads;
  });
}

}  // namespace

uint64_t cached_keys_of(const gp_python& python) {
  // Include/cpython/object.h: struct _heaptypeobject.
  if (python.version < kPython311) return 0;
  return python.version == kPython311 ? 872 : 880 + (python.object_type - 8ULL);
}

std::vector<targets::ThreadName> read_thread_names(const gp_python& python, const targets::MemoryReader& memory) {
  std::vector<targets::ThreadName> names;
  if (python.modules == 0) return names;
  const Objects objects(python, memory);
  uint64_t interpreter = objects.pointer(python.runtime_address + python.interpreters_head);
  for (size_t i = 0; i < kMaxInterpreters && interpreter != 0; ++i) {
    read_interpreter(python, objects, interpreter, names);
    interpreter = objects.pointer(interpreter + python.interpreter_next);
  }
  return names;
}

}  // namespace gp::runtimes::python

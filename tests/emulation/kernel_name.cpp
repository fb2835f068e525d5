// Finds kernels' names in the program's own symbol table.
#include "tests/emulation/kernel_name.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

namespace n2s::emulation {
namespace {

/// The symbol of the function in the program's full symbol table, since dladdr knows exported functions only. Empty if
/// there is none.
std::string symbol_at(const char* file, std::uintptr_t address, std::uintptr_t base) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  if (bytes.size() < sizeof(Elf64_Ehdr)) return {};
  const auto& header = *reinterpret_cast<const Elf64_Ehdr*>(bytes.data());
  const std::uintptr_t value = header.e_type == ET_DYN ? address - base : address;
  const std::span sections(reinterpret_cast<const Elf64_Shdr*>(bytes.data() + header.e_shoff), header.e_shnum);
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_SYMTAB) continue;
    const char* names = bytes.data() + sections[section.sh_link].sh_offset;
    const std::span symbols(reinterpret_cast<const Elf64_Sym*>(bytes.data() + section.sh_offset),
                            section.sh_size / sizeof(Elf64_Sym));
    for (const Elf64_Sym& symbol : symbols)
      if (symbol.st_value == value && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC) return names + symbol.st_name;
  }
  return {};
}

std::string without_parameters(const std::string& name) {
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] == '(' && depth == 0 && name.compare(i, 11, "(anonymous ") != 0) return name.substr(0, i);
  }
  return name;
}

}  // namespace

std::string kernel_name(const void* function) {
  Dl_info info{};
  if (dladdr(function, &info) == 0 || info.dli_fname == nullptr) return "kernel";
  const std::string symbol = symbol_at(info.dli_fname, reinterpret_cast<std::uintptr_t>(function),
                                       reinterpret_cast<std::uintptr_t>(info.dli_fbase));
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0) return symbol.empty() ? "kernel" : symbol;
  std::string name = without_parameters(demangled.get());
  const std::string unnamed = "(anonymous namespace)::";
  if (name.starts_with(unnamed)) name.erase(0, unnamed.size());
  return name;
}

}  // namespace n2s::emulation

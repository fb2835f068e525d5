// The format is that of PyTorch 1.6 and later (its module torch.serialization): a zip archive with the tensors' values,
// one file each, and a pickle of protocol 2 (Python's module pickletools describes each opcode) that puts them
// together.
#include "tools/export/torch_state.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/parameters.h"
#include "tools/export/zip_file.h"

namespace n2s {
namespace {

struct Pickle {
  std::string bytes = "\x80\x02";  // PROTO 2

  void op(char code) { bytes += code; }
  void number(std::uint32_t value) {  // BININT
    op('J');
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i));
  }
  void text(const std::string& value) {  // BINUNICODE
    op('X');
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value.size() >> (8 * i));
    bytes += value;
  }
  void global(const std::string& module, const std::string& name) { bytes += "c" + module + "\n" + name + "\n"; }
  void tuple(std::span<const std::uint32_t> values) {
    op('(');  // MARK
    for (const std::uint32_t value : values) number(value);
    op('t');  // TUPLE
  }
  void empty_ordered_dict() {
    global("collections", "OrderedDict");
    op(')');  // EMPTY_TUPLE
    op('R');  // REDUCE
  }
};

struct NamedTensor {
  std::string name;
  std::vector<std::uint32_t> shape;
  ParameterRange range;
};

std::vector<NamedTensor> tensors_of(const Graph& graph) {
  const ParameterLayout layout = parameter_layout(graph.layers);
  std::vector<NamedTensor> tensors;
  for (std::size_t i = 0; i < graph.layers.size(); ++i) {
    const Layer& layer = graph.layers[i];
    const auto out = static_cast<std::uint32_t>(layer.out_channels);
    tensors.push_back(
        {layer.name + ".weight", {out, static_cast<std::uint32_t>(layer.in_channels), 3, 3}, layout.layers[i].weight});
    tensors.push_back({layer.name + ".bias", {out}, layout.layers[i].bias});
  }
  return tensors;
}

/// torch._utils._rebuild_tensor_v2(storage, offset 0, shape, strides, requires_grad False, hooks)
void add_tensor(Pickle& pickle, const NamedTensor& tensor, const std::string& key) {
  pickle.global("torch._utils", "_rebuild_tensor_v2");
  pickle.op('(');
  pickle.op('(');
  pickle.text("storage");
  pickle.global("torch", "FloatStorage");
  pickle.text(key);
  pickle.text("cpu");
  pickle.number(static_cast<std::uint32_t>(tensor.range.count));
  pickle.op('t');
  pickle.op('Q');  // BINPERSID: the storage of that description
  pickle.number(0);
  pickle.tuple(tensor.shape);
  std::vector<std::uint32_t> strides(tensor.shape.size(), 1);
  for (std::size_t i = strides.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * tensor.shape[i + 1];
  pickle.tuple(strides);
  pickle.op('\x89');  // NEWFALSE
  pickle.empty_ordered_dict();
  pickle.op('t');
  pickle.op('R');
}

}  // namespace

std::string torch_state(const LoadedModel& model) {
  const std::vector<NamedTensor> tensors = tensors_of(model.network->build(model.planes));
  Pickle pickle;
  pickle.empty_ordered_dict();
  pickle.op('(');
  std::vector<ArchivedFile> files(1);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string key = std::to_string(i);
    pickle.text(tensors[i].name);
    add_tensor(pickle, tensors[i], key);
    const auto values =
        std::as_bytes(std::span(model.parameters).subspan(tensors[i].range.offset, tensors[i].range.count));
    files.push_back({"archive/data/" + key, {reinterpret_cast<const char*>(values.data()), values.size()}});
  }
  pickle.op('u');  // SETITEMS
  pickle.op('.');  // STOP
  files.front() = {"archive/data.pkl", pickle.bytes};
  files.push_back({"archive/byteorder", "little"});
  files.push_back({"archive/version", "3\n"});
  return zip_archive(files, ZipCompression::none);
}

}  // namespace n2s

// The C interface over call.h: handles, and exceptions that become status codes.
#include "tools/library/n2s.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/library/call.h"
#include "tools/library/lent.h"
#include "tools/model_use.h"
#include "tools/verbs/bm3d.h"
#include "tools/verbs/denoise.h"
#include "tools/verbs/evaluate.h"
#include "tools/verbs/info.h"
#include "tools/verbs/inspect.h"
#include "tools/verbs/nlm.h"
#include "tools/verbs/restore.h"
#include "tools/verbs/train.h"

struct n2s_options {
  n2s::CallOptions values;
  void (*report)(const n2s_progress*, void*) = nullptr;
  void* report_user = nullptr;
  void (*note)(const char*, void*) = nullptr;
  void* note_user = nullptr;
  int (*cancelled)(void*) = nullptr;
  void* cancelled_user = nullptr;
};

struct n2s_model {
  n2s::ScratchFolder folder;
};

namespace n2s {
namespace {

namespace fs = std::filesystem;

std::string& last_error() {
  thread_local std::string text;
  return text;
}

n2s_status fail(n2s_status status, const char* text) noexcept {
  try {
    last_error() = text;
  } catch (...) {
    last_error().clear();
  }
  return status;
}

/// Runs `work`, whose exceptions become a status and a text.
template <typename Work>
n2s_status guarded(Work&& work) noexcept {
  try {
    work();
    return N2S_OK;
  } catch (const UsageError& error) {
    return fail(N2S_USAGE, error.what());
  } catch (const Cancelled& error) {
    return fail(N2S_CANCELLED, error.what());
  } catch (const std::bad_alloc&) {
    return fail(N2S_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return fail(N2S_ERROR, error.what());
  } catch (...) {
    return fail(N2S_ERROR, "unknown error");
  }
}

void give(const std::string& text, char** to) {
  if (to == nullptr) return;
  *to = static_cast<char*>(std::malloc(text.size() + 1));  // NOLINT(cppcoreguidelines-no-malloc): n2s_free() frees it
  if (*to == nullptr) throw std::bad_alloc();
  std::memcpy(*to, text.c_str(), text.size() + 1);
}

/// A caller who does not listen must still learn that a result may be wrong.
void print_warning(const std::string& text) {
  if (text.starts_with("warning: ")) fmt::print(stderr, "n2s: {}\n", text);
}

Caller caller_of(const n2s_options* o) {
  Caller caller;
  caller.on_note = print_warning;
  if (o == nullptr) return caller;
  if (o->note != nullptr) caller.on_note = [o](const std::string& text) { o->note(text.c_str(), o->note_user); };
  if (o->report != nullptr)
    caller.on_progress = [o](const ProgressReport& p) {
      const n2s_progress progress{p.stage.c_str(), p.unit.c_str(), p.done, p.total, p.note.c_str()};
      o->report(&progress, o->report_user);
    };
  if (o->cancelled != nullptr) caller.wants_to_cancel = [o] { return o->cancelled(o->cancelled_user) != 0; };
  return caller;
}

CallOptions values_of(const n2s_options* options) {
  return options == nullptr ? CallOptions{} : options->values;
}

void run_call(const Call& call, const n2s_options* options, char** record) {
  Caller caller = caller_of(options);
  give(run(call, caller), record);
}

/// The run's folder that the options name, or one that ends with the call.
struct RunFolder {
  explicit RunFolder(CallOptions& options) {
    const auto named = options.find("run");
    if (named == options.end()) {
      scratch = std::make_unique<ScratchFolder>();
      path = scratch->path() / "run";
      return;
    }
    if (!named->second) throw UsageError("option 'run': needs the name of a folder");
    path = *named->second;
    options.erase(named);
  }

  std::unique_ptr<ScratchFolder> scratch;
  fs::path path;
};

/// Runs a call that trains in a folder, and takes the model from there, also where the caller has cancelled.
void run_training_call(const Call& call, const RunFolder& run, const n2s_options* options, n2s_model** model,
                       char** record) {
  const auto take_model = [&] {
    if (model == nullptr) return;
    auto taken = std::make_unique<n2s_model>();
    copy_models(run.path, taken->folder.path());
    *model = taken.release();
  };
  try {
    run_call(call, options, record);
  } catch (const Cancelled& cancelled) {
    try {
      take_model();
    } catch (const Error&) {
      throw cancelled;  // nothing was learned yet
    }
    throw;
  }
  take_model();
}

void filter(void (*add_verb)(Program&), const char* verb, const n2s_array* noisy, const n2s_array* restored,
            const n2s_options* options, char** record) {
  run_call({add_verb, {verb, "noisy", "-o", "restored"}, in_and_out(noisy, restored), values_of(options)}, options,
           record);
}

std::string name_of(const char* what, std::size_t number, std::size_t count) {
  return count == 1 ? what : fmt::format("{} {}", what, number + 1);
}

/// JSON has no infinity: a null PSNR means identical images.
double figure(const nlohmann::json& json, const char* name, double if_null) {
  const nlohmann::json& value = json.at(name);
  return value.is_null() ? if_null : value.get<double>();
}

nlohmann::json info(const std::vector<std::string>& words) {
  Caller caller;
  return parse_json(run({add_info, words, {}, {}}, caller));
}

}  // namespace
}  // namespace n2s

using n2s::guarded;
using n2s::require;

n2s_array n2s_stack(void* data, n2s_type type, int64_t planes, int64_t rows, int64_t columns) {
  constexpr std::array<int64_t, 11> kBytes{1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
  const auto number = static_cast<std::size_t>(type);
  const int64_t bytes = number < kBytes.size() ? kBytes.at(number) : 0;
  return {data,    type,    3,      {planes, rows, columns}, {rows * columns * bytes, columns * bytes, bytes}, nullptr,
          nullptr, nullptr, nullptr};
}

const char* n2s_version(void) {
  return N2S_VERSION;
}

const char* n2s_last_error(void) {
  return n2s::last_error().c_str();
}

void n2s_free(char* text) {
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc)
}

n2s_status n2s_devices(char** json) {
  return guarded([&] {
    require(json, "json");
    const nlohmann::json found = n2s::info({"info"});
    nlohmann::json devices{{"cpu", {{"name", found.at("device")}}}};
    for (const auto& [name, device] : found.at("cuda").items())
      if (device.is_object()) devices[name] = device;
    n2s::give(n2s::json_text(devices), json);
  });
}

n2s_status n2s_options_create(n2s_options** options) {
  return guarded([&] {
    require(options, "options");
    *options = new n2s_options;
  });
}

void n2s_options_destroy(n2s_options* options) {
  delete options;
}

n2s_status n2s_options_set(n2s_options* options, const char* name, const char* value) {
  return guarded([&] {
    require(options, "options");
    require(name, "name");
    options->values[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

void n2s_options_on_progress(n2s_options* options, void (*report)(const n2s_progress*, void*), void* user) {
  options->report = report;
  options->report_user = user;
}

void n2s_options_on_note(n2s_options* options, void (*note)(const char*, void*), void* user) {
  options->note = note;
  options->note_user = user;
}

void n2s_options_on_cancel(n2s_options* options, int (*cancelled)(void*), void* user) {
  options->cancelled = cancelled;
  options->cancelled_user = user;
}

n2s_status n2s_model_load(const char* path, n2s_model** model) {
  return guarded([&] {
    require(path, "path");
    require(model, "model");
    auto loaded = std::make_unique<n2s_model>();
    n2s::copy_models(path, loaded->folder.path());
    *model = loaded.release();
  });
}

n2s_status n2s_model_save(const n2s_model* model, const char* path, int overwrite) {
  return guarded([&] {
    require(model, "model");
    require(path, "path");
    const n2s::fs::path& from = model->folder.path();
    if (n2s::fs::exists(from / "model.safetensors")) {
      if (!std::string(path).ends_with(".safetensors"))
        throw n2s::Error(fmt::format("{}: a model's file; end its name in .safetensors", path));
      return n2s::copy_file_atomically(from / "model.safetensors", path, overwrite != 0);
    }
    if (n2s::fs::exists(path) && overwrite == 0)
      throw n2s::Error(fmt::format("{}: exists already; choose another name, or overwrite it", path));
    n2s::copy_models(from, path);
  });
}

n2s_status n2s_model_describe(const n2s_model* model, char** json) {
  return guarded([&] {
    require(model, "model");
    require(json, "json");
    n2s::give(n2s::json_text(n2s::info({"info", model->folder.path().string()})), json);
  });
}

void n2s_model_destroy(n2s_model* model) {
  delete model;
}

n2s_status n2s_restore(const n2s_array* noisy, const n2s_array* restored, const n2s_options* options, n2s_model** model,
                       char** record) {
  return guarded([&] {
    n2s::CallOptions values = n2s::values_of(options);
    const n2s::RunFolder run(values);
    n2s::run_training_call({n2s::add_restore,
                            {"restore", "noisy", "-o", "restored", "--run", run.path.string()},
                            n2s::in_and_out(noisy, restored),
                            values},
                           run, options, model, record);
  });
}

n2s_status n2s_train(const n2s_array* stacks, size_t count, const n2s_array* targets, const n2s_options* options,
                     n2s_model** model, char** record) {
  return guarded([&] {
    if (count == 0) throw n2s::UsageError("stacks: there is none to train on");
    require(stacks, "stacks");
    n2s::CallOptions values = n2s::values_of(options);
    const n2s::RunFolder run(values);
    n2s::Call call{n2s::add_train, {"train"}, {}, values};
    const auto lend = [&](const char* what, const n2s_array* arrays) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::string name = n2s::name_of(what, i, count);
        call.words.push_back(name);
        call.arrays[name] = n2s::lent(arrays + i, name.c_str());
      }
    };
    lend("stack", stacks);
    if (targets != nullptr) {
      call.words.emplace_back("--target");
      lend("target", targets);
    }
    call.words.emplace_back("-o");
    call.words.push_back(run.path.string());
    n2s::run_training_call(call, run, options, model, record);
  });
}

n2s_status n2s_denoise(const n2s_model* model, const n2s_array* noisy, const n2s_array* restored,
                       const n2s_options* options, char** record) {
  return guarded([&] {
    require(model, "model");
    n2s::run_call({n2s::add_denoise,
                   {"denoise", model->folder.path().string(), "noisy", "-o", "restored"},
                   n2s::in_and_out(noisy, restored),
                   n2s::values_of(options)},
                  options, record);
  });
}

n2s_status n2s_bm3d(const n2s_array* noisy, const n2s_array* restored, const n2s_options* options, char** record) {
  return guarded([&] { n2s::filter(n2s::add_bm3d, "bm3d", noisy, restored, options, record); });
}

n2s_status n2s_nlm(const n2s_array* noisy, const n2s_array* restored, const n2s_options* options, char** record) {
  return guarded([&] { n2s::filter(n2s::add_nlm, "nlm", noisy, restored, options, record); });
}

n2s_status n2s_evaluate(const n2s_array* result, const n2s_array* truth, const n2s_options* options,
                        n2s_metrics* metrics, char** record) {
  return guarded([&] {
    n2s::Caller caller = n2s::caller_of(options);
    const std::string text = n2s::run({n2s::add_evaluate,
                                       {"evaluate", "result", "truth"},
                                       {{"result", n2s::lent(result, "result")}, {"truth", n2s::lent(truth, "truth")}},
                                       n2s::values_of(options)},
                                      caller);
    if (metrics != nullptr) {
      const nlohmann::json json = n2s::parse_json(text);
      metrics->psnr = n2s::figure(json, "psnr", std::numeric_limits<double>::infinity());
      metrics->ssim = n2s::figure(json, "ssim", std::numeric_limits<double>::quiet_NaN());
      metrics->nrmse = n2s::figure(json, "nrmse", std::numeric_limits<double>::infinity());
      metrics->planes = json.at("planes").get<int64_t>();
    }
    n2s::give(text, record);
  });
}

n2s_status n2s_inspect(const n2s_array* noisy, const n2s_options* options, char** record) {
  return guarded([&] {
    n2s::run_call(
        {n2s::add_inspect, {"inspect", "noisy"}, {{"noisy", n2s::lent(noisy, "noisy")}}, n2s::values_of(options)},
        options, record);
  });
}

// noise2stack._core: n2s.h for the Python package, which checks and converts its arguments (noise2stack/__init__.py).
// Work runs without the GIL; callbacks take it. An exception that a callback raises, or a signal's, ends the work and
// is raised once it has ended.
#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tools/library/n2s.h"

namespace nb = nanobind;

namespace {

/// Address, n2s_type, shape, strides and names of the axes ("": none). Without an address: a function that is called
/// with "read" or "write", the first plane, their number, and the address of their samples; from any thread.
using Array =
    std::tuple<std::uintptr_t, int, std::vector<std::int64_t>, std::vector<std::int64_t>, std::string, nb::object>;
using Values = std::map<std::string, std::optional<std::string>>;

[[noreturn]] void raise(n2s_status status, const std::string& text) {
  if (status == N2S_USAGE) throw nb::value_error(text.c_str());
  if (status == N2S_OUT_OF_MEMORY) throw std::bad_alloc();
  const nb::object error = nb::module_::import_("noise2stack").attr("Error");
  PyErr_SetString(error.ptr(), text.c_str());
  throw nb::python_error();
}

void check(n2s_status status) {
  if (status != N2S_OK) raise(status, n2s_last_error());
}

/// Calls an array's function, which keeps what it raises: this may be another thread than the caller's. Where Ctrl-C
/// interrupts it, the planes are asked for once more, and the work's next check of signals finds the Ctrl-C.
int transferred(const char* what, std::int64_t first, std::int64_t count, const void* samples, void* user) {
  const nb::gil_scoped_acquire acquire;
  const auto transfer = [&] {
    nb::handle(static_cast<PyObject*>(user))(what, first, count, reinterpret_cast<std::uintptr_t>(samples));
  };
  try {
    try {
      transfer();
    } catch (const nb::python_error& error) {
      if (!error.matches(PyExc_KeyboardInterrupt)) throw;
      transfer();
      PyErr_SetInterrupt();
    }
    return 0;
  } catch (...) {
    return 1;
  }
}

n2s_array array_of(const Array& array) {
  const auto& [address, type, shape, strides, axes, transfer] = array;
  n2s_array result{};
  result.data = reinterpret_cast<void*>(address);
  result.type = static_cast<n2s_type>(type);
  result.dimensions = static_cast<std::int32_t>(shape.size());
  const std::size_t lengths = std::min<std::size_t>({shape.size(), strides.size(), N2S_MAX_DIMENSIONS});
  std::copy_n(shape.begin(), lengths, result.shape);
  std::copy_n(strides.begin(), lengths, result.strides);
  result.axes = axes.empty() ? nullptr : axes.c_str();
  if (address == 0) {
    result.read = [](std::int64_t first, std::int64_t count, void* samples, void* user) {
      return transferred("read", first, count, samples, user);
    };
    result.write = [](std::int64_t first, std::int64_t count, const void* samples, void* user) {
      return transferred("write", first, count, samples, user);
    };
    result.user = transfer.ptr();
  }
  return result;
}

std::string text_of(char* text) {
  const std::unique_ptr<char, void (*)(char*)> owned(text, n2s_free);
  return text == nullptr ? std::string() : std::string(text);
}

class Model {
 public:
  explicit Model(n2s_model* model) : model_(model, n2s_model_destroy) {}
  n2s_model* get() const { return model_.get(); }

 private:
  std::unique_ptr<n2s_model, void (*)(n2s_model*)> model_;
};

/// Options and callbacks of one call.
class Work {
 public:
  Work(const Values& values, nb::object progress, nb::object note)
      : progress_(std::move(progress)), note_(std::move(note)) {
    n2s_options* options = nullptr;
    check(n2s_options_create(&options));
    options_.reset(options);
    for (const auto& [name, value] : values)
      check(n2s_options_set(options, name.c_str(), value ? value->c_str() : nullptr));
    if (!progress_.is_none()) n2s_options_on_progress(options, report, this);
    if (!note_.is_none()) n2s_options_on_note(options, tell, this);
    n2s_options_on_cancel(options, is_cancelled, this);
  }

  n2s_options* options() const { return options_.get(); }

  /// Runs the call without the GIL. Returns whether it was cancelled by a signal; raises anything else.
  template <typename Call>
  bool run(const Call& call) {
    n2s_status status = N2S_OK;
    std::string error;
    {
      const nb::gil_scoped_release release;
      status = call();
      if (status != N2S_OK) error = n2s_last_error();
    }
    if (raised_ && !interrupted_) std::rethrow_exception(raised_);
    if (status == N2S_CANCELLED) return true;
    if (status != N2S_OK) raise(status, error);
    return false;
  }

 private:
  /// Runs Python code with the GIL; keeps what it raises.
  template <typename Code>
  static void guarded(void* user, Code&& code) {
    Work& work = *static_cast<Work*>(user);
    if (work.raised_) return;
    const nb::gil_scoped_acquire acquire;
    try {
      code(work);
    } catch (const nb::python_error& error) {
      work.interrupted_ = error.matches(PyExc_KeyboardInterrupt);  // Python sees signals within callbacks, too
      work.raised_ = std::current_exception();
    } catch (...) {
      work.raised_ = std::current_exception();
    }
  }

  static void report(const n2s_progress* p, void* user) {
    guarded(user, [&](Work& work) { work.progress_(p->stage, p->unit, p->done, p->total, p->note); });
  }
  static void tell(const char* text, void* user) {
    guarded(user, [&](Work& work) { work.note_(text); });
  }
  static int is_cancelled(void* user) {
    guarded(user, [](Work&) {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
    });
    return static_cast<Work*>(user)->raised_ ? 1 : 0;
  }

  std::unique_ptr<n2s_options, void (*)(n2s_options*)> options_{nullptr, n2s_options_destroy};
  nb::object progress_, note_;
  std::exception_ptr raised_;
  bool interrupted_ = false;
};

/// What a call returns: the model, if it makes one; the record; whether Ctrl-C has ended it.
using Result = std::tuple<nb::object, std::string, bool>;

/// A model that a call may give.
struct GivenModel {
  n2s_model* model = nullptr;

  GivenModel() = default;
  GivenModel(const GivenModel&) = delete;
  GivenModel& operator=(const GivenModel&) = delete;
  ~GivenModel() { n2s_model_destroy(model); }

  nb::object take() {
    if (model == nullptr) return nb::none();
    return nb::cast(new Model(std::exchange(model, nullptr)), nb::rv_policy::take_ownership);
  }
};

Result restore(const Array& noisy, const Array& restored, const Values& values, nb::object progress, nb::object note) {
  const n2s_array in = array_of(noisy), out = array_of(restored);
  Work work(values, std::move(progress), std::move(note));
  GivenModel given;
  char* record = nullptr;
  const bool cancelled = work.run([&] { return n2s_restore(&in, &out, work.options(), &given.model, &record); });
  return {given.take(), text_of(record), cancelled};
}

Result train(const std::vector<Array>& stacks, const std::vector<Array>& targets, const Values& values,
             nb::object progress, nb::object note) {
  std::vector<n2s_array> in, aims;
  for (const Array& stack : stacks) in.push_back(array_of(stack));
  for (const Array& target : targets) aims.push_back(array_of(target));
  if (!aims.empty() && aims.size() != in.size()) throw nb::value_error("targets: one for each stack is needed");
  Work work(values, std::move(progress), std::move(note));
  GivenModel given;
  char* record = nullptr;
  const bool cancelled = work.run([&] {
    return n2s_train(in.data(), in.size(), aims.empty() ? nullptr : aims.data(), work.options(), &given.model, &record);
  });
  return {given.take(), text_of(record), cancelled};
}

Result denoise(const Model& model, const Array& noisy, const Array& restored, const Values& values, nb::object progress,
               nb::object note) {
  const n2s_array in = array_of(noisy), out = array_of(restored);
  Work work(values, std::move(progress), std::move(note));
  char* record = nullptr;
  const bool cancelled = work.run([&] { return n2s_denoise(model.get(), &in, &out, work.options(), &record); });
  return {nb::none(), text_of(record), cancelled};
}

Result filter(const std::string& method, const Array& noisy, const Array& restored, const Values& values,
              nb::object progress, nb::object note) {
  const auto run = method == "bm3d" ? n2s_bm3d : n2s_nlm;
  const n2s_array in = array_of(noisy), out = array_of(restored);
  Work work(values, std::move(progress), std::move(note));
  char* record = nullptr;
  const bool cancelled = work.run([&] { return run(&in, &out, work.options(), &record); });
  return {nb::none(), text_of(record), cancelled};
}

Result evaluate(const Array& result, const Array& truth, const Values& values, nb::object note) {
  const n2s_array measured = array_of(result), expected = array_of(truth);
  Work work(values, nb::none(), std::move(note));
  char* record = nullptr;
  const bool cancelled = work.run([&] { return n2s_evaluate(&measured, &expected, work.options(), nullptr, &record); });
  return {nb::none(), text_of(record), cancelled};
}

Result inspect(const Array& noisy, const Values& values, nb::object note) {
  const n2s_array in = array_of(noisy);
  Work work(values, nb::none(), std::move(note));
  char* record = nullptr;
  const bool cancelled = work.run([&] { return n2s_inspect(&in, work.options(), &record); });
  return {nb::none(), text_of(record), cancelled};
}

}  // namespace

NB_MODULE(_core, module) {
  nb::class_<Model>(module, "Model")
      .def_static(
          "load",
          [](const std::string& path) {
            n2s_model* model = nullptr;
            check(n2s_model_load(path.c_str(), &model));
            return std::make_unique<Model>(model).release();
          },
          nb::rv_policy::take_ownership)
      .def("save", [](const Model& model, const std::string& path,
                      bool overwrite) { check(n2s_model_save(model.get(), path.c_str(), overwrite ? 1 : 0)); })
      .def("describe", [](const Model& model) {
        char* text = nullptr;
        check(n2s_model_describe(model.get(), &text));
        return text_of(text);
      });
  module.def("version", n2s_version);
  module.def("devices", [] {
    char* text = nullptr;
    check(n2s_devices(&text));
    return text_of(text);
  });
  const auto optional = nb::arg().none();
  module.def("restore", restore, nb::arg(), nb::arg(), nb::arg(), optional, optional);
  module.def("train", train, nb::arg(), nb::arg(), nb::arg(), optional, optional);
  module.def("denoise", denoise, nb::arg(), nb::arg(), nb::arg(), nb::arg(), optional, optional);
  module.def("filter", filter, nb::arg(), nb::arg(), nb::arg(), nb::arg(), optional, optional);
  module.def("evaluate", evaluate, nb::arg(), nb::arg(), nb::arg(), optional);
  module.def("inspect", inspect, nb::arg(), nb::arg(), optional);
}

// The parts of inference and evaluation that a device may have its own code for: tiling, metrics, percentiles, k-space
// data consistency. The base class leaves all of them to the host.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/inference/measurement.h"
#include "engine/inference/stack_tiles.h"
#include "engine/runtime/backend.h"
#include "kernels/base/philox.h"
#include "kernels/bm3d/bm3d.h"
#include "kernels/kspace/kspace.h"
#include "kernels/nlm/nlm.h"

namespace n2s {

/// Planes for k-space data consistency, as kspace_data_consistency() has it.
struct MeasuredPlanes {
  const KspaceSampling& sampling;
  std::span<const RandomKey> keys;  // of the masks, one per plane
  std::span<const float> noisy;     // pixels of the planes, one after the other
  std::span<float> restored;        // the same, in and out
};

/// Planes for a filter that learns nothing.
struct PlaneFilterRequest {
  std::span<const float> noisy;  // pixels of the planes, one after the other
  std::span<float> restored;     // the same size
  std::string& why;
};

class InferenceDevice {
 public:
  /// The backend must live as long as the object.
  explicit InferenceDevice(Backend& backend) : backend_(&backend) {}
  virtual ~InferenceDevice() = default;
  InferenceDevice(const InferenceDevice&) = delete;
  InferenceDevice& operator=(const InferenceDevice&) = delete;

  Backend& backend() const { return *backend_; }

  /// Pixels of a batch that keep the device busy; more at once is no faster.
  virtual int busy_pixels() const;

  /// Cuts a stack into tiles and puts the results together.
  virtual std::unique_ptr<StackTiles> stack_tiles(const TileRequest& request);

  /// These return false where the host has to do it instead: the device has nothing for it (`why` stays empty), or
  /// lacks memory or a library (`why` says which). Nothing has changed in that case. Throw Error.
  virtual bool restore_measured(const MeasuredPlanes& planes, std::string& why);
  virtual bool measure(const Measurement& what, std::string& why);
  /// bm3d() of planes one after the other, all with one problem; nlm() of the planes that the problem has.
  virtual bool filter(const Bm3dProblem& problem, const PlaneFilterRequest& request);
  virtual bool filter(const NlmProblem& problem, const PlaneFilterRequest& request);

 private:
  Backend* backend_;
};

}  // namespace n2s

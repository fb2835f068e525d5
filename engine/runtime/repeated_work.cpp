// First call: run. Second: capture and replay. From then on: replay.
#include "engine/runtime/repeated_work.h"

namespace n2s {

void RepeatedWork::run(const std::function<void()>& work) {
  if (warm_ && !captured_) captured_ = backend_->capture(work);
  if (captured_)
    captured_->replay();
  else
    work();
  warm_ = true;
}

}  // namespace n2s

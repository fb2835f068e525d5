// n2s: the command-line program. Start reading here, then in the file of a verb: verbs/train.cpp, verbs/restore.cpp, …
// engine/README.md leads from there to a kernel.
#include "tools/command_line.h"
#include "tools/standard_streams.h"
#include "tools/verbs/bench.h"
#include "tools/verbs/bm3d.h"
#include "tools/verbs/corrupt.h"
#include "tools/verbs/demo.h"
#include "tools/verbs/denoise.h"
#include "tools/verbs/evaluate.h"
#include "tools/verbs/export.h"
#include "tools/verbs/import.h"
#include "tools/verbs/info.h"
#include "tools/verbs/inspect.h"
#include "tools/verbs/manual.h"
#include "tools/verbs/nlm.h"
#include "tools/verbs/prepare.h"
#include "tools/verbs/report.h"
#include "tools/verbs/reproduce.h"
#include "tools/verbs/restore.h"
#include "tools/verbs/simulate.h"
#include "tools/verbs/train.h"

int main(int argc, char** argv) {
  n2s::prepare_standard_streams();
  n2s::Program program("Noise2Stack: restores noisy image stacks by learning from the stack itself",
                       "n2s " N2S_VERSION);
  n2s::add_restore(program);
  n2s::add_train(program);
  n2s::add_denoise(program);
  n2s::add_bm3d(program);
  n2s::add_nlm(program);
  n2s::add_evaluate(program);
  n2s::add_export(program);
  n2s::add_import(program);
  n2s::add_corrupt(program);
  n2s::add_prepare(program);
  n2s::add_reproduce(program);
  n2s::add_report(program);
  n2s::add_simulate(program);
  n2s::add_inspect(program);
  n2s::add_info(program);
  n2s::add_bench(program);
  n2s::add_demo(program);
  n2s::add_manual(program);
  return program.run(argc, argv);
}

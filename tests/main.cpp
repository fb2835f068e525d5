// The entry point that every test program shares. A program that finds none of the tests that it was asked for fails.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <memory>

namespace {

/// Counts the tests that the filters leave.
struct Count : doctest::IReporter {
  explicit Count(const doctest::ContextOptions& /*options*/) {}
  static unsigned& tests() {
    static unsigned count = 0;
    return count;
  }
  void test_run_end(const doctest::TestRunStats& stats) override { tests() = stats.numTestCasesPassingFilters; }
  void report_query(const doctest::QueryData& /*query*/) override {}
  void test_run_start() override {}
  void test_case_start(const doctest::TestCaseData& /*test*/) override {}
  void test_case_reenter(const doctest::TestCaseData& /*test*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& /*stats*/) override {}
  void test_case_exception(const doctest::TestCaseException& /*exception*/) override {}
  void subcase_start(const doctest::SubcaseSignature& /*subcase*/) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& /*assertion*/) override {}
  void log_message(const doctest::MessageData& /*message*/) override {}
  void test_case_skipped(const doctest::TestCaseData& /*test*/) override {}
};
REGISTER_LISTENER("count", 1, Count);

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (context.shouldExit() || Count::tests() > 0) return result;
  std::fputs("no test is meant by these filters\n", stderr);
  return 1;
}

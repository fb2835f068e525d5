// The IXI subjects of the paper's MRI experiment, and the names of their files ("IXI002-Guys-0828-T1.nii.gz").
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace n2s {

/// 50 subjects: Noise2Noise's list. The last two of them validate [choice]: the paper names none.
std::vector<int> ixi_training_pool();
/// 10 subjects.
std::vector<int> ixi_test_subjects();
inline constexpr int kIxiValidation = 2;

/// The subject's number in a file's name, and whether it is a T1 scan; nothing where the name is not IXI's.
struct IxiName {
  int subject = 0;
  bool is_t1 = false;
};
std::optional<IxiName> ixi_name(const std::string& file);

/// "IXI002"
std::string ixi_subject_name(int subject);

}  // namespace n2s

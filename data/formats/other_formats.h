// Formats that are not read, recognised by their signatures so that the user learns what to do with such a file.
#pragma once

#include <string>

#include "data/input_file.h"

namespace n2s {

/// "a Zeiss CZI file: export it as OME-TIFF with ..."; empty where the content is not known.
std::string describe_other_format(const InputFile& file);

}  // namespace n2s

#include "kit/paths.h"

namespace backup_exporter {

// CMake defines these for this file alone.
const char* const kSourceDir = SOURCE_DIR;
const char* const kTestdataDir = SOURCE_DIR "/tests/testdata";
const char* const kProgram = PROGRAM;
const char* const kHurryShim = HURRY_SHIM;
const char* const kPowerShim = POWER_SHIM;

}  // namespace backup_exporter

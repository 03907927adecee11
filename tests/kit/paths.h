// Where this build has the checkout, the test data, the program and what is preloaded into it.
//
// Constants of a source of its own, so that no other compiled file depends on the folder that the
// checkout stands in: a compiler cache then serves every checkout.
#pragma once

namespace backup_exporter {

extern const char* const kSourceDir;
extern const char* const kTestdataDir;
extern const char* const kProgram;    // the exporter
extern const char* const kHurryShim;  // kit/shim/hurry.cc
extern const char* const kPowerShim;  // kit/shim/power.cc

}  // namespace backup_exporter

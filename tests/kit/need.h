// Requirements of a test. If one is missing, the test fails in CI, where everything is installed,
// so that no test is skipped unnoticed there. Elsewhere the test is skipped.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "kit/tools.h"

// Ends the current test or set-up unless the text `missing` is empty.
#define NEED(missing) BACKUP_EXPORTER_NEED(missing, std::getenv("CI") != nullptr)
// The same for tools that are only guaranteed with the newest releases (scripts/test --peers).
#define NEED_TOOLS(missing) BACKUP_EXPORTER_NEED(missing, ::backup_exporter::MustHaveTools())

#define BACKUP_EXPORTER_NEED(missing, must_have)         \
  if (const std::string why = (missing); !why.empty()) { \
    if (must_have) FAIL() << why;                        \
    GTEST_SKIP() << why;                                 \
  }

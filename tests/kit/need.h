// What a test needs of the machine. In CI, where all of it is there, a test without it fails, so
// that nothing goes untested unseen; elsewhere it is skipped.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "kit/tools.h"

// Each ends the test, or the set-up, that says it, unless `missing`, a text, is empty.
#define NEED(missing) BACKUP_EXPORTER_NEED(missing, std::getenv("CI") != nullptr)
// Tools that only the run with the newest ones (scripts/test --peers) has for certain.
#define NEED_TOOLS(missing) BACKUP_EXPORTER_NEED(missing, ::backup_exporter::MustHaveTools())

#define BACKUP_EXPORTER_NEED(missing, must_have)         \
  if (const std::string why = (missing); !why.empty()) { \
    if (must_have) FAIL() << why;                        \
    GTEST_SKIP() << why;                                 \
  }

// Which sanitizer this build has, for g++ and clang alike: BACKUP_EXPORTER_ASAN and
// BACKUP_EXPORTER_TSAN are defined or not. For tests that measure memory, which sanitizers change.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BACKUP_EXPORTER_ASAN
#endif
#if __has_feature(thread_sanitizer)
#define BACKUP_EXPORTER_TSAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BACKUP_EXPORTER_ASAN
#endif
#if defined(__SANITIZE_THREAD__)
#define BACKUP_EXPORTER_TSAN
#endif

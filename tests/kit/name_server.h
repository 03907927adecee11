// Names that do not resolve: a name server that fails, and a process that uses only this one.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <thread>

#include "base/descriptor.h"

namespace backup_exporter {

enum class NameAnswer { kServerFailure = 2, kNoSuchName = 3 };  // values of the protocol

// Gives every query the same answer, or does not answer (nullopt). Used with InOwnNetwork.
class NameServer {
 public:
  explicit NameServer(std::optional<NameAnswer> answer);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  void AwaitQuestion() const;
  [[nodiscard]] std::size_t questions() const { return questions_; }  // since the start

 private:
  void Serve();

  const std::optional<NameAnswer> answer_;
  const Descriptor socket_;
  std::atomic<std::size_t> questions_ = 0;
  std::thread thread_;
};

// Runs a part of a test in a child process, in a network namespace with only loopback. Names are
// resolved by 127.0.0.1, with two attempts 10 s apart. A failure in the child fails the test. The
// test is skipped if the system does not allow such a namespace. No other thread may run meanwhile.
void InOwnNetwork(const std::function<void()>& part);

}  // namespace backup_exporter

// Names that do not resolve: a name server that fails, and a process that asks no other.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <thread>

#include "base/descriptor.h"

namespace backup_exporter {

enum class NameAnswer { kServerFailure = 2, kNoSuchName = 3 };  // as on the wire

// Answers every question alike, or none at all. For InOwnNetwork.
class NameServer {
 public:
  explicit NameServer(std::optional<NameAnswer> answer);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  void AwaitQuestion() const;
  [[nodiscard]] std::size_t questions() const { return questions_; }  // that there ever were

 private:
  void Serve();

  const std::optional<NameAnswer> answer_;
  const Descriptor socket_;
  std::atomic<std::size_t> questions_ = 0;
  std::thread thread_;
};

// Runs that part of a test in a child process, in a network of loopback alone where names are asked
// for at 127.0.0.1: twice, ten seconds apart. What fails there fails the test; where the system
// refuses a process its own network, the test is skipped. No other thread may run meanwhile.
void InOwnNetwork(const std::function<void()>& part);

}  // namespace backup_exporter

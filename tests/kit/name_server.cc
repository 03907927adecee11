#include "kit/name_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "kit/need.h"
#include "kit/sanitizers.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

constexpr int kRefused = 77;

int BoundSocket() {
  Descriptor made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("kit: cannot serve names");
  }
  return made.Release();
}

// Moves this process into namespaces of its own, in which loopback is up and /etc, which configures
// name resolution, is that directory. So is /run, in which the system's resolvers listen, since a
// network namespace does not hide them. Returns whether it succeeded.
bool Move(const std::string& directory) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
  const Descriptor any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  return ioctl(any.get(), SIOCSIFFLAGS, &loopback) == 0 &&
         mount(directory.c_str(), "/etc", nullptr, MS_BIND, nullptr) == 0 &&
         mount(directory.c_str(), "/run", nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

NameServer::NameServer(std::optional<NameAnswer> answer)
    : answer_(answer), socket_(BoundSocket()), thread_([this] { Serve(); }) {}

NameServer::~NameServer() {
  shutdown(socket_.get(), SHUT_RDWR);  // wakes the thread
  thread_.join();
}

void NameServer::AwaitQuestion() const { questions_.wait(0); }

void NameServer::Serve() {
  std::array<char, 512> message{};
  sockaddr_in peer{};
  while (true) {
    socklen_t peer_size = sizeof(peer);
    auto* const address = reinterpret_cast<sockaddr*>(&peer);
    const ssize_t size =
        recvfrom(socket_.get(), message.data(), message.size(), 0, address, &peer_size);
    if (size <= 0) return;
    ++questions_;
    questions_.notify_all();
    if (!answer_) continue;
    // The answer is the query, marked as a response (RFC 1035, 4.1.1).
    message[2] = static_cast<char>(message[2] | 0x80);
    message[3] = static_cast<char>(0x80 | static_cast<int>(*answer_));
    sendto(socket_.get(), message.data(), static_cast<std::size_t>(size), 0, address, peer_size);
  }
}

void InOwnNetwork(const std::function<void()>& part) {
  const TemporaryDirectory directory;
  directory.Write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:10 attempts:2\n");
  directory.Write("nsswitch.conf", "hosts: dns\n");
  const pid_t child = fork();
  if (child == 0) {
    if (!Move(directory.path())) _exit(kRefused);
    part();
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kRefused) {
#if defined(BACKUP_EXPORTER_TSAN)
    GTEST_SKIP() << "the thread sanitizer adds a thread, with which no process leaves its network";
#endif
    NEED("this system refuses a process its own network");
  }
  EXPECT_EQ(status, 0) << "in the child process";
}

}  // namespace backup_exporter

#include "kit/fuse_mount.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backup_exporter {
namespace {

dev_t DeviceOf(const std::string& place) {
  struct stat status {};
  return ::stat(place.c_str(), &status) == 0 ? status.st_dev : 0;
}

}  // namespace

FuseMount::FuseMount(const std::string& from, std::string place)
    : place_(std::move(place)),
      // In the foreground, and without caching attributes and names.
      server_({"bindfs", "-f", "-o", "attr_timeout=0,entry_timeout=0,allow_other", from, place_},
              {}) {
  const dev_t before = DeviceOf(from);
  mounted_ = Eventually([&] { return DeviceOf(place_) != before || !server_.Running(); }) &&
             server_.Running();
}

FuseMount::~FuseMount() {
  Resume();
  ::umount2(place_.c_str(), MNT_DETACH);
}

void FuseMount::Hang() const { server_.Signal(SIGSTOP); }

void FuseMount::Resume() const { server_.Signal(SIGCONT); }

bool FuseMount::Allowed() { return ::geteuid() == 0 && ::access("/dev/fuse", R_OK | W_OK) == 0; }

}  // namespace backup_exporter

#include "base/log.h"

#include <limits.h>
#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>

namespace backup_exporter {
namespace {

std::string JsonString(const spdlog::string_view_t& text) {
  return nlohmann::json(std::string(text.data(), text.size()))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string_view LevelName(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    default:
      return "error";
  }
}

// Formats a message as one line, like other programs of the Prometheus family. Values are quoted,
// so that a line break in a message cannot forge a second line.
class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool json) : json_(json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto time = std::chrono::floor<std::chrono::milliseconds>(message.time);
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    const std::string stamp =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                    clock.subseconds().count());
    const std::string_view layout =
        json_ ? R"({{"time":"{}","level":"{}","msg":{}}})" : "time={} level={} msg={}";
    fmt::format_to(std::back_inserter(line), fmt::runtime(layout), stamp, LevelName(message.level),
                   JsonString(message.payload));
    line.push_back('\n');
  }

  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(json_);
  }

 private:
  bool json_;
};

// Writes to standard error without blocking for long: if that is a pipe that is not read, the
// program must still read, serve and stop. A line that cannot be written is dropped. The next line
// that can be written is preceded by one with the number of dropped lines.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string dropped =
        fmt::format("{} lines were dropped: standard error was not read", dropped_);
    const bool works =
        dropped_ == 0 || (HasRoom(0) && Write({message.logger_name, spdlog::level::warn, dropped}));
    if (works) dropped_ = 0;
    if (!works || !Write(message)) ++dropped_;
  }
  void flush_() override {}

 private:
  static constexpr int kMostWait = 1000;  // milliseconds, for a slow reader

  static bool HasRoom(int most_wait) {
    pollfd output{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    return poll(&output, 1, most_wait) == 1 && (output.revents & POLLOUT) != 0;
  }

  // Whether the whole line was written.
  bool Write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    if (torn_) line.push_back('\n');
    formatter_->format(message, line);
    std::string_view rest(line.data(), line.size());
    while (!rest.empty()) {
      // A pipe that is writable accepts this much.
      const std::string_view part = rest.substr(0, PIPE_BUF);
      const bool room = HasRoom(kMostWait);
      const ssize_t written = room ? write(STDERR_FILENO, part.data(), part.size()) : -1;
      if (written <= 0) {
        torn_ = torn_ || rest.size() < line.size();
        return false;
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    torn_ = false;
    return true;
  }

  std::size_t dropped_ = 0;  // lines since the last one that was written
  bool torn_ = false;        // only a part of the last line was written
};

spdlog::logger MakeLogger() {
  spdlog::logger logger("backup_exporter", std::make_shared<StandardError>());
  logger.set_formatter(std::make_unique<LineFormatter>(false));
  logger.flush_on(spdlog::level::debug);
  return logger;
}

}  // namespace

spdlog::logger& Log() {
  static spdlog::logger logger = MakeLogger();
  return logger;
}

Result<void> SetUpLog(const std::string& level, const std::string& format) {
  if (level != "debug" && level != "info" && level != "warn" && level != "error") {
    return Fail(ErrorKind::kInvalid,
                "--log.level must be debug, info, warn or error, not \"" + level + "\"");
  }
  if (format != "logfmt" && format != "json") {
    return Fail(ErrorKind::kInvalid, "--log.format must be logfmt or json, not \"" + format + "\"");
  }
  Log().set_level(level == "error" ? spdlog::level::err : spdlog::level::from_str(level));
  Log().set_formatter(std::make_unique<LineFormatter>(format == "json"));
  return {};
}

}  // namespace backup_exporter

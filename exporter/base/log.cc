#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>

namespace backup_exporter {
namespace {

std::string Quoted(const spdlog::string_view_t& text) {
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

// A line a message, in the shape that the rest of the Prometheus family logs in: values quoted, so
// that a line break in a message cannot forge a second line.
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
                   Quoted(message.payload));
    line.push_back('\n');
  }

  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(json_);
  }

 private:
  bool json_;
};

spdlog::logger MakeLogger() {
  spdlog::logger logger("backup_exporter", std::make_shared<spdlog::sinks::stderr_sink_mt>());
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
                "--log.level: \"" + level + "\" is none of debug, info, warn, error");
  }
  if (format != "logfmt" && format != "json") {
    return Fail(ErrorKind::kInvalid, "--log.format: \"" + format + "\" is none of logfmt, json");
  }
  Log().set_level(level == "error" ? spdlog::level::err : spdlog::level::from_str(level));
  Log().set_formatter(std::make_unique<LineFormatter>(format == "json"));
  return {};
}

}  // namespace backup_exporter

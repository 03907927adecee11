// Real services that monitors can send to, as provided by scripts/peers. Each runs on loopback for
// one test. It is ready when its constructor returns; otherwise the test fails. Missing() returns
// why a service cannot be started on this system, empty if it can. It must be checked first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {

// A log line stored by a service.
struct LogLine {
  std::int64_t nanoseconds = 0;  // since the epoch
  std::string line;
  std::map<std::string, std::string> labels;    // of its stream
  std::map<std::string, std::string> metadata;  // structured metadata
  friend bool operator==(const LogLine&, const LogLine&) = default;
};

// VictoriaLogs, which accepts Loki's pushes at kPushBase + "/loki/api/v1/push". It stores lines of
// any age. Unlike Loki, it accepts a stream without labels.
class VictoriaLogsServer {
 public:
  static constexpr const char* kPushBase = "/insert";

  [[nodiscard]] static std::string Missing();
  VictoriaLogsServer();
  ~VictoriaLogsServer();

  [[nodiscard]] int port() const { return port_; }
  // All stored lines that match the query (LogsQL), oldest first.
  [[nodiscard]] std::vector<LogLine> Lines(const std::string& query = "*") const;

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
  int port_ = 0;
};

struct ZabbixItem {
  // Zabbix's own numbers.
  enum Type : std::uint8_t { kFloat = 0, kString = 1, kUnsigned = 3, kText = 4 };
  std::string key;
  Type type = kText;
};

struct ZabbixValue {
  std::int64_t clock = 0;  // seconds since the epoch
  std::int64_t ns = 0;
  std::string value;  // as PostgreSQL prints it
  friend bool operator==(const ZabbixValue&, const ZabbixValue&) = default;
};

// Zabbix with a database of its own, in a PostgreSQL of its own.
class ZabbixServer {
 public:
  [[nodiscard]] static std::string Missing();
  ZabbixServer();
  ~ZabbixServer();

  // Its port for values of trapper items.
  [[nodiscard]] int port() const { return port_; }
  // Adds a host with these trapper items. When this returns, the server accepts their values of the
  // last 25 years.
  void AddHost(const std::string& host, const std::vector<ZabbixItem>& items) const;
  // The values of an item in the database, oldest first. The server may write them some seconds
  // after it has accepted them.
  [[nodiscard]] std::vector<ZabbixValue> History(const std::string& host,
                                                 const std::string& key) const;
  // The output of a database query: one line per row, with fields separated by "|".
  [[nodiscard]] std::string Sql(const std::string& query) const;
  [[nodiscard]] std::string Log() const;

 private:
  void StartDatabase();
  void FillDatabase() const;
  void StartServer();
  [[nodiscard]] std::string Postgres(const std::string& program) const;
  [[nodiscard]] ProcessOptions Options(const std::string& log) const;
  // The server's answer to a trapper request; null if it is not a valid answer.
  [[nodiscard]] nlohmann::json Ask(const nlohmann::json& request) const;

  TemporaryDirectory directory_;
  std::string programs_;  // the folder with the unpacked packages
  unsigned user_ = 0;
  std::unique_ptr<Process> database_;
  std::unique_ptr<Process> server_;
  int port_ = 0;
};

}  // namespace backup_exporter

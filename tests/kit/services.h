// Real services that take what monitors are told: what scripts/peers provides, served on loopback
// for one test and ended with it. Ready when its constructor returns; otherwise the test fails.
// Missing() says why a service cannot be started here, empty if it can: to be asked first.
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

// A log line that a service holds.
struct LogLine {
  std::int64_t nanoseconds = 0;  // since the epoch
  std::string line;
  std::map<std::string, std::string> labels;    // of its stream
  std::map<std::string, std::string> metadata;  // structured metadata
  friend bool operator==(const LogLine&, const LogLine&) = default;
};

// VictoriaLogs, which takes Loki's pushes at kPushBase + "/loki/api/v1/push". It keeps lines of
// every age, and is laxer than Loki about labels: it takes a stream that has none.
class VictoriaLogsServer {
 public:
  static constexpr const char* kPushBase = "/insert";

  [[nodiscard]] static std::string Missing();
  VictoriaLogsServer();
  ~VictoriaLogsServer();

  [[nodiscard]] int port() const { return port_; }
  // All that it was told until now and that matches the query (LogsQL), oldest first.
  [[nodiscard]] std::vector<LogLine> Lines(const std::string& query = "*") const;

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
  int port_ = 0;
};

struct ZabbixItem {
  // As Zabbix numbers them.
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

  // Where it takes the values of trapper items.
  [[nodiscard]] int port() const { return port_; }
  // Monitors a host with these trapper items; once this returns, the server takes their values, of
  // the last 25 years.
  void AddHost(const std::string& host, const std::vector<ZabbixItem>& items) const;
  // The values of an item that are in the database, oldest first. The server writes them there up
  // to some seconds after it said that it took them.
  [[nodiscard]] std::vector<ZabbixValue> History(const std::string& host,
                                                 const std::string& key) const;
  // What a query of the database prints: one line a row, fields parted by "|".
  [[nodiscard]] std::string Sql(const std::string& query) const;
  [[nodiscard]] std::string Log() const;

 private:
  void StartDatabase();
  void FillDatabase() const;
  void StartServer();
  [[nodiscard]] std::string Postgres(const std::string& program) const;
  [[nodiscard]] ProcessOptions Options(const std::string& log) const;
  // What the server answers to a trapper's request; null without a proper answer.
  [[nodiscard]] nlohmann::json Ask(const nlohmann::json& request) const;

  TemporaryDirectory directory_;
  std::string programs_;  // the folder with the unpacked packages
  unsigned user_ = 0;
  std::unique_ptr<Process> database_;
  std::unique_ptr<Process> server_;
  int port_ = 0;
};

}  // namespace backup_exporter

#include "kit/services.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <regex>
#include <sstream>
#include <string_view>

#include "base/time.h"
#include "kit/http_client.h"
#include "kit/tools.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr unsigned kNobody = 65534;
// The item by which AddHost detects that the server has loaded all items.
constexpr const char* kProbe = "kit.known";

std::string MissingService(const std::string& name) {
  if (!WithPeers()) return "scripts/test --peers runs this, with a real " + name;
  return MissingTool({name});
}

// The command, changed so that it ends with the test, even if the test is killed.
std::vector<std::string> EndingWithTest(const std::string& signal,
                                        std::vector<std::string> command) {
  command.insert(command.begin(), {"setpriv", "--pdeathsig", signal});
  return command;
}

// Ends a service, and waits for its end.
void End(const std::unique_ptr<Process>& process, int signal) {
  if (!process) return;
  process->Signal(signal);
  EXPECT_TRUE(Eventually([&] { return !process->Running(); }));
}

std::string PercentEncoded(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    const auto c = static_cast<unsigned char>(character);
    encoded += '%';
    encoded += kDigits[c / 16];
    encoded += kDigits[c % 16];
  }
  return encoded;
}

// Parses a time as VictoriaLogs prints it: "2026-11-21T02:00:02.63Z".
std::int64_t Nanoseconds(const std::string& text) {
  constexpr std::size_t kSeconds = 19;  // characters
  const auto seconds = ParseRfc3339(text.substr(0, kSeconds) + "Z");
  EXPECT_TRUE(seconds.has_value()) << text;
  if (!seconds) return 0;
  std::string fraction =
      text.size() > kSeconds + 2 ? text.substr(kSeconds + 1, text.size() - kSeconds - 2) : "";
  fraction.resize(9, '0');
  return std::chrono::nanoseconds(seconds->time_since_epoch()).count() + std::stoll(fraction);
}

// Parses a stream as VictoriaLogs prints it: {a="b",c="d"}.
std::map<std::string, std::string> Labels(const std::string& stream) {
  static const std::regex kLabel(R"re(([^={,]+)=("(?:[^"\\]|\\.)*"))re");
  std::map<std::string, std::string> labels;
  for (std::sregex_iterator label(stream.begin(), stream.end(), kLabel), end; label != end;
       ++label) {
    labels[(*label)[1]] = json::parse((*label)[2].str());
  }
  return labels;
}

// A free port below the ephemeral range. Zabbix does not accept port 0.
int PortForZabbix() {
  std::random_device random;
  std::uniform_int_distribution<int> ports(20'000, 32'000);
  while (true) {
    const int port = ports(random);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    close(fd);
    if (free) return port;
  }
}

std::string SqlText(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

}  // namespace

std::string VictoriaLogsServer::Missing() { return MissingService("victoria-logs"); }

VictoriaLogsServer::VictoriaLogsServer() {
  const std::string log = directory_ / "log";
  process_ = std::make_unique<Process>(
      EndingWithTest("KILL", {Tool("victoria-logs"), "-httpListenAddr=127.0.0.1:0",
                              "-storageDataPath=" + (directory_ / "data"), "-retentionPeriod=100y",
                              "-loki.disableMessageParsing"}),
      ProcessOptions{.output = log, .errors = "&1"});
  const std::regex kPort("started server at http://127\\.0\\.0\\.1:([0-9]+)/");
  const bool ready = Eventually([&] {
    const std::string text = ReadText(log);
    std::smatch match;
    if (std::regex_search(text, match, kPort)) port_ = std::stoi(match[1]);
    return port_ != 0 || !process_->Running();
  });
  EXPECT_TRUE(ready && process_->Running()) << ReadText(log);
}

VictoriaLogsServer::~VictoriaLogsServer() { End(process_, SIGTERM); }

std::vector<LogLine> VictoriaLogsServer::Lines(const std::string& query) const {
  EXPECT_EQ(Get(port_, "/internal/force_flush").status, 200);
  const HttpReply reply = Get(port_, "/select/logsql/query?query=" + PercentEncoded(query));
  EXPECT_EQ(reply.status, 200) << reply.body;
  std::vector<LogLine> lines;
  std::istringstream rows(reply.body);
  for (std::string row; reply.status == 200 && std::getline(rows, row);) {
    const json fields = json::parse(row);
    LogLine line{.nanoseconds = Nanoseconds(fields.at("_time")),
                 .line = fields.value("_msg", ""),
                 .labels = Labels(fields.at("_stream")),
                 .metadata = {}};
    for (const auto& [name, value] : fields.items()) {
      if (!name.starts_with('_') && !line.labels.contains(name)) line.metadata[name] = value;
    }
    lines.push_back(std::move(line));
  }
  std::ranges::stable_sort(lines, {}, &LogLine::nanoseconds);
  return lines;
}

std::string ZabbixServer::Missing() { return MissingService("zabbix"); }

ZabbixServer::ZabbixServer() {
  programs_ = fs::path(Tool("zabbix")).parent_path();
  if (geteuid() == 0) {
    // PostgreSQL does not run as root, and another user may not have access to the folder.
    user_ = kNobody;
    fs::copy(programs_ + "/usr", directory_ / "usr",
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    programs_ = directory_.path();
    fs::permissions(directory_.path(), fs::perms(0755));
    directory_.MakeDirectory("cluster");
    fs::permissions(directory_ / "cluster", fs::perms(0700));
    for (const std::string& path : {directory_.path(), directory_ / "cluster"}) {
      EXPECT_EQ(chown(path.c_str(), user_, user_), 0);
    }
  }
  StartDatabase();
  FillDatabase();
  if (!testing::Test::HasFailure()) StartServer();
}

ZabbixServer::~ZabbixServer() {
  End(server_, SIGTERM);
  End(database_, SIGINT);
}

void ZabbixServer::StartDatabase() {
  EXPECT_EQ(
      RunProcess({Postgres("initdb"), "--pgdata", directory_ / "cluster", "--username", "zabbix",
                  "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"},
                 Options("initdb.log")),
      0)
      << ReadText(directory_ / "initdb.log");
  // If the test is killed, Zabbix must end first: some of its processes do not end without a
  // database.
  const std::string guarded =
      "\"$0\" \"$@\" & trap 'kill -INT $!' INT; trap 'sleep 5; kill -INT $!' TERM; wait; wait";
  database_ = std::make_unique<Process>(
      EndingWithTest(
          "TERM", {"bash", "-c", guarded, Postgres("postgres"), "-D", directory_ / "cluster", "-c",
                   "listen_addresses=", "-c", "unix_socket_directories=" + directory_.path(), "-c",
                   "fsync=off", "-c", "full_page_writes=off", "-c", "jit=off"}),
      Options("postgres.log"));
  EXPECT_TRUE(Eventually([&] {
    return RunProcess({Postgres("pg_isready"), "-q", "-U", "zabbix", "-h", directory_.path()},
                      Options("postgres.log")) == 0 ||
           !database_->Running();
  }));
  EXPECT_TRUE(database_->Running()) << ReadText(directory_ / "postgres.log");
}

// Creates the tables, and only the rows that the server needs to start: loading the templates would
// take seconds.
void ZabbixServer::FillDatabase() const {
  const std::string sql = programs_ + "/usr/share/zabbix-server-pgsql/";
  const std::string psql =
      Postgres("psql") + " -Xq -v ON_ERROR_STOP=1 -h " + directory_.path() + " -U zabbix -d ";
  EXPECT_EQ(
      RunProcess({"bash", "-euo", "pipefail", "-c",
                  psql + "postgres -c 'CREATE DATABASE zabbix'\n" +                //
                      "zcat " + sql + "schema.sql.gz | " + psql + "zabbix -1\n" +  //
                      "zcat " + sql +
                      "data.sql.gz | grep -E '^INSERT INTO (usrgrp|hstgrp|role|users|config) ' | " +
                      psql + "zabbix -1\n"},
                 Options("psql.log")),
      0)
      << ReadText(directory_ / "psql.log");
}

void ZabbixServer::StartServer() {
  port_ = PortForZabbix();
  const std::string root = directory_.path();
  directory_.Write("zabbix.conf",
                   "LogType=console\nListenIP=127.0.0.1\nListenPort=" + std::to_string(port_) +  //
                       "\nDBHost=" + root + "\nDBName=zabbix\nDBUser=zabbix\nPidFile=" + root +
                       "/pid\nSocketDir=" + root +
                       "\nCacheUpdateFrequency=1\n"
                       "StartPollers=0\nStartPollersUnreachable=0\n"
                       "StartPingers=0\nStartDiscoverers=0\n"
                       "StartHTTPPollers=0\nStartHistoryPollers=0\n"
                       "StartTrappers=2\nStartPreprocessors=1\n"
                       "StartDBSyncers=1\nStartLLDProcessors=1\n"
                       "StartAlerters=1\nStartTimers=1\nStartEscalators=1\n");
  server_ = std::make_unique<Process>(
      EndingWithTest("TERM", {programs_ + "/usr/sbin/zabbix_server", "--foreground", "--config",
                              directory_ / "zabbix.conf"}),
      Options("zabbix.log"));
  EXPECT_TRUE(Eventually([&] { return Connection(port_).open() || !server_->Running(); }));
  EXPECT_TRUE(server_->Running()) << Log();
}

void ZabbixServer::AddHost(const std::string& host, const std::vector<ZabbixItem>& items) const {
  std::string rows = "(0," + SqlText(kProbe) + ",4)";
  for (std::size_t i = 0; i < items.size(); ++i) {
    rows += ",(" + std::to_string(i + 1) + "," + SqlText(items[i].key) + "," +
            std::to_string(items[i].type) + ")";
  }
  const std::string name = SqlText(host);
  // Type 2 is a trapper item. Values are kept for at most 25 years; older ones are not stored. The
  // server ignores an item without a row in item_rtdata.
  (void)Sql(
      "WITH added_host AS (INSERT INTO hosts (hostid, host, name) SELECT coalesce(max(hostid), 0) "
      "+ 1, " +
      name + ", " + name +
      " FROM hosts RETURNING hostid), "
      "added_items AS (INSERT INTO items (itemid, hostid, type, name, key_, value_type, history) "
      "SELECT (SELECT coalesce(max(itemid), 0) + 1 FROM items) + n, hostid, 2, key, key, type, "
      "'9125d' "
      "FROM added_host, (VALUES " +
      rows +
      ") AS v(n, key, type) RETURNING itemid) "
      "INSERT INTO item_rtdata (itemid) SELECT itemid FROM added_items");
  const json probe = {{"request", "sender data"},
                      {"data", {{{"host", host}, {"key", kProbe}, {"value", ""}}}}};
  EXPECT_TRUE(Eventually([&] {
    return Ask(probe).value("info", "").starts_with("processed: 1;") || !server_->Running();
  })) << Log();
}

std::vector<ZabbixValue> ZabbixServer::History(const std::string& host,
                                               const std::string& key) const {
  std::string values;
  for (const char* table : {"history", "history_str", "history_uint", "history_text"}) {
    values += std::string(values.empty() ? "" : " UNION ALL ") +
              "SELECT itemid, clock, ns, value::text FROM " + table;
  }
  const json rows = json::parse(
      Sql("SELECT coalesce(json_agg(json_build_array(clock, ns, value) ORDER BY clock, ns), '[]') "
          "FROM (" +
          values + ") AS v JOIN items USING (itemid) JOIN hosts USING (hostid) WHERE host = " +
          SqlText(host) + " AND key_ = " + SqlText(key)),
      nullptr, false);
  std::vector<ZabbixValue> history;
  if (!rows.is_array()) return history;
  for (const json& row : rows) history.push_back({row[0], row[1], row[2]});
  return history;
}

std::string ZabbixServer::Sql(const std::string& query) const {
  return OutputOf({Postgres("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", directory_.path(),
                   "-U", "zabbix", "-d", "zabbix", "-c", query},
                  {.environment = Options("").environment, .errors = directory_ / "psql.log"});
}

std::string ZabbixServer::Log() const { return ReadText(directory_ / "zabbix.log"); }

std::string ZabbixServer::Postgres(const std::string& program) const {
  for (const auto& version : fs::directory_iterator(programs_ + "/usr/lib/postgresql")) {
    return version.path() / "bin" / program;
  }
  return program;
}

ProcessOptions ZabbixServer::Options(const std::string& log) const {
  std::string libraries = "LD_LIBRARY_PATH=";
  for (const auto& entry : fs::directory_iterator(programs_ + "/usr/lib")) {
    if (entry.path().string().ends_with("-linux-gnu")) libraries += entry.path().string();
  }
  return {.environment = {libraries}, .output = directory_ / log, .errors = "&1", .user = user_};
}

json ZabbixServer::Ask(const json& request) const {
  constexpr std::size_t kHead = 13;  // "ZBXD", flags, and the length of the text in 8 bytes
  const std::string text = request.dump();
  std::string packet = "ZBXD\1";
  for (int byte = 0; byte < 8; ++byte) {
    packet += static_cast<char>(text.size() >> (8 * byte) & 0xff);
  }
  const std::string reply = Exchange(port_, packet + text);
  if (reply.size() < kHead) return json::object();
  return json::parse(reply.substr(kHead), nullptr, false);
}

}  // namespace backup_exporter

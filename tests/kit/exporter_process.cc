#include "kit/exporter_process.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <regex>
#include <sstream>

#include "kit/http_client.h"

namespace backup_exporter {

std::optional<std::string> Page::Find(const std::string& series) const {
  const std::string head = "\n" + series + " ";
  const std::string text = "\n" + text_;
  const std::size_t at = text.find(head);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = at + head.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

double Page::Number(const std::string& series) const {
  const auto value = Find(series);
  return value ? std::stod(*value) : -1;
}

std::string Page::Result(const std::string& backup, const std::string& operation) const {
  for (const char* result : {"success", "warning", "failure", "interrupted", "skipped"}) {
    std::string series = "backup_last_run_result{backup=\"";
    series.append(backup).append("\",operation=\"").append(operation).append("\",result=\"");
    if (Number(series.append(result).append("\"}")) == 1) return result;
  }
  return {};
}

std::string Page::Lasting() const {
  static const std::regex kPassing(
      "^(# (HELP|TYPE) "
      ")?(process_|backup_exporter_(config|scrape|ledger)_|backup_source_(look|last_read|up|"
      "polling|"
      "read_errors|lag|files|unreadable))");
  std::istringstream lines(text_);
  std::string lasting;
  for (std::string line; std::getline(lines, line);) {
    if (!std::regex_search(line, kPassing)) lasting += line + "\n";
  }
  return lasting;
}

std::string Page::NotConserved() const {
  std::map<std::string, std::map<std::string, double>> sources;
  static const std::regex kCount(
      "backup_source_(\\w+)_total\\{source=\"([^\"]*)\"(,reason=\"([^\"]*)\")?\\} (\\S+)");
  std::istringstream lines(text_);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, kCount) || match[4] == "unknown_field") continue;
    sources[match[2]][match[1]] += std::stod(match[5]);
  }
  std::string wrong;
  for (auto& [source, counts] : sources) {
    const double bytes = counts["record_bytes"] + counts["skipped_bytes"];
    if (counts["read_bytes"] != bytes) {
      wrong +=
          fmt::format("{}: {} bytes read, {} accounted for\n", source, counts["read_bytes"], bytes);
    }
    const double records =
        counts["records_decoded"] + counts["records_ignored"] + counts["parse_errors"];
    if (counts["records"] != records) {
      wrong +=
          fmt::format("{}: {} records, {} accounted for\n", source, counts["records"], records);
    }
  }
  return wrong;
}

ExporterProcess::ExporterProcess(const std::string& binary, const std::string& config,
                                 const std::string& directory, std::vector<std::string> more,
                                 unsigned user) {
  const std::string log = directory + "/log";
  const std::string before = ReadText(log);
  std::vector<std::string> command{binary, "--config.file=" + config,
                                   "--storage.path=" + directory + "/ledger",
                                   "--web.listen-address=127.0.0.1:0"};
  command.insert(command.end(), more.begin(), more.end());
  process_ = std::make_unique<Process>(command, ProcessOptions{.errors = log, .user = user});
  const std::regex kPort(R"(\(port ([0-9]+)\))");
  const bool ready = Eventually([&] {
    const std::string text = ReadText(log).substr(before.size());
    std::smatch match;
    if (std::regex_search(text, match, kPort)) port_ = std::stoi(match[1]);
    return (port_ != 0 && Get(port_, "/-/ready").status == 200) || !process_->Running();
  });
  EXPECT_TRUE(ready && process_->Running()) << ReadText(log);
}

ExporterProcess::~ExporterProcess() {
  if (process_ && process_->Running() && !testing::Test::HasFailure()) (void)Scrape();
}

Page ExporterProcess::Scrape() const {
  Page page(Get(port_, "/metrics").body);
  EXPECT_EQ(page.NotConserved(), "");
  return page;
}

int ExporterProcess::Stop() {
  if (process_->Running()) (void)Scrape();
  process_->Signal(SIGTERM);
  return process_->Wait();
}

Page OncePage(const std::string& binary, const std::string& config) {
  Page page(OutputOf({binary, "once", "--config.file=" + config}));
  EXPECT_EQ(page.NotConserved(), "");
  return page;
}

}  // namespace backup_exporter

// The real exporter, serving on a port of its own, and its page.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/process.h"

namespace backup_exporter {

// A metrics page, by series as it is printed: `name{label="value"}`.
class Page {
 public:
  explicit Page(std::string text) : text_(std::move(text)) {}

  // The value as it is printed; nullopt where there is no such series.
  [[nodiscard]] std::optional<std::string> Find(const std::string& series) const;
  [[nodiscard]] double Number(const std::string& series) const;  // -1 where there is none
  // The one result, of success, warning …, that is 1; empty where there is none.
  [[nodiscard]] std::string Result(const std::string& backup, const std::string& operation) const;
  // The lines that a restart keeps: all but those about the process, reading, committing and
  // scraping.
  [[nodiscard]] std::string Lasting() const;
  // Lists the sources whose counters do not add up: bytes read = bytes of records + skipped bytes,
  // and records = decoded + parse errors + ignored. Empty if all counters add up.
  [[nodiscard]] std::string NotConserved() const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class ExporterProcess {
 public:
  // Serves with a ledger in `directory`/ledger and logs to `directory`/log. Ready when this
  // returns; otherwise the test fails. `user`: as in ProcessOptions.
  ExporterProcess(const std::string& binary, const std::string& config,
                  const std::string& directory, std::vector<std::string> more = {},
                  unsigned user = 0);

  // Fails the test where something is not conserved on the page at its end.
  ~ExporterProcess();
  ExporterProcess(ExporterProcess&&) = default;

  [[nodiscard]] int port() const { return port_; }
  // Fails the test where something is not conserved.
  [[nodiscard]] Page Scrape() const;
  [[nodiscard]] Process& process() { return *process_; }
  // Asks it to stop; its exit code.
  int Stop();

 private:
  std::unique_ptr<Process> process_;
  int port_ = 0;
};

// The page of `once`.
[[nodiscard]] Page OncePage(const std::string& binary, const std::string& config);

}  // namespace backup_exporter

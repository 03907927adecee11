// The real exporter, serving on a port of its own, and its metrics page.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/process.h"

namespace backup_exporter {

// A metrics page. A series is named as printed: `name{label="value"}`.
class Page {
 public:
  explicit Page(std::string text) : text_(std::move(text)) {}

  // The value as printed; nullopt without such a series.
  [[nodiscard]] std::optional<std::string> Find(const std::string& series) const;
  [[nodiscard]] double Number(const std::string& series) const;  // -1 without such a series
  // The result of the last run (success, warning …); empty without one.
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
  // Starts the exporter with a ledger in `directory`/ledger and a log in `directory`/log, and waits
  // until it is ready; fails the test if it does not get ready. `user` is as in ProcessOptions.
  ExporterProcess(const std::string& binary, const std::string& config,
                  const std::string& directory, std::vector<std::string> more = {},
                  unsigned user = 0);

  // Fails the test unless the final page is conserved (see Page::NotConserved).
  ~ExporterProcess();
  ExporterProcess(ExporterProcess&&) = default;

  [[nodiscard]] int port() const { return port_; }
  // Fails the test unless the page is conserved.
  [[nodiscard]] Page Scrape() const;
  [[nodiscard]] Process& process() { return *process_; }
  // Stops the exporter with SIGTERM; returns its exit code.
  int Stop();

 private:
  std::unique_ptr<Process> process_;
  int port_ = 0;
};

// The page that the command `once` prints.
[[nodiscard]] Page OncePage(const std::string& binary, const std::string& config);

}  // namespace backup_exporter

#include "kit/parsed_page.h"

#include <sstream>

#include "kit/process.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

constexpr const char* kScript = R"(
import importlib, json, sys
parser = importlib.import_module(sys.argv[1])
with open(sys.argv[2], encoding="utf-8", newline="") as page:
    for family in parser.text_string_to_metric_families(page.read()):
        print(json.dumps([family.name, family.type, family.documentation]))
        for sample in family.samples:
            print(json.dumps([sample.name, sample.labels, str(float(sample.value))], sort_keys=True))
)";

}  // namespace

std::vector<std::string> ParsedPage(const std::string& page, MetricsFormat format) {
  const TemporaryDirectory directory;
  directory.Write("page", page);
  // The system's python3, which Debian's package belongs to, whichever one is first on the PATH.
  std::istringstream output(
      OutputOf({"/usr/bin/python3", "-c", kScript,
                format == MetricsFormat::kText ? "prometheus_client.parser"
                                               : "prometheus_client.openmetrics.parser",
                directory / "page"},
               {.errors = directory / "errors"}));
  const std::string errors = ReadText(directory / "errors");
  EXPECT_EQ(errors, "") << "is python3-prometheus-client installed?";
  std::vector<std::string> lines;
  for (std::string line; std::getline(output, line);) lines.push_back(line);
  return lines;
}

}  // namespace backup_exporter

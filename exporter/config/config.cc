#include "config/config.h"

#include <re2/re2.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/section.h"
#include "base/yaml.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;
constexpr std::size_t kLongestName = 128;
constexpr std::int64_t kLeastRecord = 1 << 10;
constexpr std::int64_t kMostRecord = 1 << 30;

// "a, b or c".
std::string AnyOf(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  return text;
}

// What the spool of `backup_exporter event` holds is no format to be configured.
constexpr std::string_view kEventFormat = "event";

const Format* ConfigurableFormat(const std::string& name) {
  return name == kEventFormat ? nullptr : FormatNamed(name);
}

std::string FormatNames() {
  std::vector<std::string> names;
  for (const Format& format : Formats()) {
    if (format.name != kEventFormat) names.emplace_back(format.name);
  }
  return AnyOf(names);
}

std::string OperationNames() {
  std::vector<std::string> names;
  for (int i = 0; i < kOperations; ++i) names.emplace_back(Name(static_cast<Operation>(i)));
  return AnyOf(names);
}

// What is wrong with the template of a backup's name.
std::optional<std::string> FindTemplateMistake(std::string_view text,
                                               const std::vector<std::string>& placeholders) {
  for (std::size_t i = 0; (i = text.find_first_of("{}", i)) != text.npos; ++i) {
    if (text[i] == '}') return "`}` without `{` before it";
    const std::size_t end = text.find('}', i);
    if (end == text.npos) return "`{` without `}` after it";
    const std::string placeholder(text.substr(i, end - i + 1));
    if (std::ranges::find(placeholders, placeholder) == placeholders.end()) {
      return "unknown placeholder " + Quoted(placeholder) + ": it must be " + AnyOf(placeholders);
    }
    i = end;
  }
  return std::nullopt;
}

class Loader {
 public:
  Loader(const std::string& file, std::string directory)
      : mistakes_(file),
        path_((std::filesystem::path(directory) / std::filesystem::path(file).filename()).string()),
        directory_(std::move(directory)) {}

  ConfigurationOrMistakes Load(std::string_view text) {
    Configuration configuration;
    if (const auto root = ParseYaml(text, mistakes_)) configuration = ReadRoot(*root);
    std::vector<Mistake> all = mistakes_.Sorted();
    all.insert(all.end(), elsewhere_.begin(), elsewhere_.end());
    if (!all.empty()) return tl::unexpected(std::move(all));
    return configuration;
  }

 private:
  Configuration ReadRoot(const YamlValue& value) {
    Configuration configuration;
    if (value.kind == YamlValue::Kind::kNothing) {
      mistakes_.Add({}, "nothing is configured; what is needed is `sources:`, a list of inputs");
      return configuration;
    }
    Section root(value, "the configuration", mistakes_);
    root.Require("sources", "a list of inputs");
    if (const YamlValue* sources = root.List("sources")) {
      if (sources->children.empty()) root.Note("sources", "`sources` must list at least one input");
      for (const auto& source : sources->children) {
        configuration.sources.push_back(ReadSource(*source));
      }
      NameSources(configuration.sources);
    }
    if (const YamlValue* storage = root.Map("storage")) {
      Section section(*storage, "`storage`", mistakes_);
      if (const auto path = section.Text("path")) configuration.storage_path = Absolute(*path);
      if (const auto span = section.Span("retention")) configuration.retention = *span;
      section.RefuseOtherKeys();
    }
    configuration.expectations = ReadExpectations(root);
    configuration.monitors = ReadMonitors(root, path_, elsewhere_);
    root.RefuseOtherKeys();
    return configuration;
  }

  SourceConfig ReadSource(const YamlValue& value) {
    SourceConfig source;
    Section section(value, "a source", mistakes_);
    source.ingest.input.name = ReadName(section);
    const Format* format = ReadFormat(section);
    if (format != nullptr) {
      source.ingest.format = format->name;
      source.ingest.input.framing = format->framing;
    }
    source.ingest.input.pattern = ReadPath(section, source.ingest.format);
    source.fold = ReadFold(section, format);
    source.fold.pattern = source.ingest.input.pattern;
    source.ingest.decoder.zone = ReadZone(section, format);
    if (const auto extended = section.Flag("extended_status")) {
      source.ingest.decoder.extended_status = *extended;
      if (format != nullptr && format->name != "resticprofile") {
        section.Note("extended_status", "`extended_status` is for format resticprofile only");
      }
    }
    if (const auto limit = section.Number("record_limit", kLeastRecord, kMostRecord)) {
      source.ingest.input.record_limit = static_cast<std::size_t>(*limit);
      if (format != nullptr && format->framing == Framing::kStamps) {
        section.Note("record_limit", "of format " + std::string(format->name) +
                                         " no content is read; leave `record_limit` out");
      }
    }
    section.RefuseOtherKeys();
    return source;
  }

  std::string ReadName(Section& section) {
    const auto name = section.Text("name");
    if (!name) return "";
    if (name->size() > kLongestName) {
      section.Note("name", "`name` is longer than " + std::to_string(kLongestName) + " bytes");
    }
    if (*name == kEventSource) {
      section.Note("name", "`name` must not be " + Quoted(*name) +
                               ": that is the source of what `backup_exporter event` tells");
    }
    const auto [first, is_new] = names_.emplace(*name, section.PlaceOf("name"));
    if (!is_new) {
      section.Note("name", "a source in line " + std::to_string(first->second.line) + " is named " +
                               Quoted(*name) + " too; names must differ");
    }
    return *name;
  }

  const Format* ReadFormat(Section& section) {
    section.Require("format", FormatNames());
    const auto name = section.Text("format");
    if (!name) return nullptr;
    const Format* format = ConfigurableFormat(*name);
    if (format == nullptr) {
      section.Note("format", "unknown format " + Quoted(*name) + ": it must be " + FormatNames());
    }
    return format;
  }

  std::string ReadPath(Section& section, const std::string& format) {
    section.Require("path", "the files to read, such as /var/log/restic/*.jsonl");
    const auto path = section.Text("path");
    if (!path) return "";
    if (path->ends_with('/')) {
      section.Note("path", "`path` must name files, not a directory: add a pattern such as *.json");
    }
    if (path->find("**") != path->npos) {
      section.Note("path", "`**` is not supported: give one `*` for each level of directories");
    }
    std::string pattern = Absolute(*path);
    if (format.empty()) return pattern;
    const auto [first, is_new] =
        inputs_.emplace(std::pair(format, pattern), section.PlaceOf("path"));
    if (!is_new) {
      section.Note("path", "format and path are those of the source in line " +
                               std::to_string(first->second.line) +
                               " too; every file would be read twice");
    }
    return pattern;
  }

  // Without `source` and `pattern`. `format` may be nullptr, which was noted.
  static SourceRules ReadFold(Section& section, const Format* format) {
    SourceRules fold;
    std::vector<std::string> placeholders{"{stem}", "{dir}"};
    bool match_wrong = false;
    fold.match = ReadMatch(section, placeholders, &match_wrong);
    for (const Format& known : Formats()) {
      if (format != nullptr && format != &known) continue;
      for (const auto placeholder : known.placeholders) {
        const bool listed = std::ranges::find(placeholders, placeholder) != placeholders.end();
        if (!listed) placeholders.emplace_back(placeholder);
      }
    }
    if (format != nullptr) {
      fold.tool = format->tool;
      // Where the format is found out, so is the name that it gives.
      if (format->recognises != nullptr) fold.backup = format->backup;
    }
    if (format != nullptr && format->backup.empty()) {
      section.Require("backup", "the name of the backup, which these files do not tell");
    }
    if (const auto backup = section.Text("backup")) {
      fold.backup = *backup;
      fold.backup_configured = true;
      // The groups of a `match` that is wrong are not known.
      auto mistake = FindTemplateMistake(*backup, placeholders);
      if (mistake && !match_wrong) {
        section.Note("backup", std::move(*mistake));
      }
    }
    fold.repository = section.Text("repository").value_or("");
    if (const auto name = section.Text("operation")) {
      const auto operation = OperationNamed(*name);
      if (!operation) {
        section.Note("operation",
                     "unknown operation " + Quoted(*name) + ": it must be " + OperationNames());
      } else if (format != nullptr && format->names_operations) {
        section.Note("operation", "format " + std::string(format->name) +
                                      " names the operations itself; leave `operation` out");
      } else {
        fold.operation = *operation;
        fold.operation_configured = true;
      }
    }
    fold.complete = section.Flag("complete").value_or(false);
    if (const auto result = section.Text("warnings_count_as")) {
      fold.warnings_are_failures = *result == "failure";
      if (*result != "failure" && *result != "warning") {
        section.Note("warnings_count_as",
                     "`warnings_count_as` must be warning or failure, not " + Quoted(*result));
      }
    }
    return fold;
  }

  // Adds the named groups to `placeholders`. `wrong`: there is one, and nobody knows its groups.
  static std::shared_ptr<const re2::RE2> ReadMatch(Section& section,
                                                   std::vector<std::string>& placeholders,
                                                   bool* wrong) {
    const auto pattern = section.Text("match");
    if (!pattern) return nullptr;
    // As others write it; RE2 wants a P.
    std::string text;
    for (std::size_t i = 0; i < pattern->size(); ++i) {
      const std::string_view rest = std::string_view(*pattern).substr(i);
      text += rest.front();
      if (rest.front() == '\\' && rest.size() > 1) text += (*pattern)[++i];
      if (!rest.starts_with("(?<") || rest.starts_with("(?<=") || rest.starts_with("(?<!"))
        continue;
      text += "?P<";
      i += 2;
    }
    auto match = std::make_shared<const re2::RE2>(text, re2::RE2::Quiet);
    if (!match->ok()) {
      section.Note("match", "`match` is no regular expression (RE2 syntax): " + match->error());
      *wrong = true;
      return nullptr;
    }
    for (const auto& [name, index] : match->NamedCapturingGroups()) {
      std::string placeholder = "{" + name + "}";
      const bool taken = name == "stem" || name == "dir" || name == "profile" || name == "label" ||
                         name == "repository";
      if (taken)
        section.Note("match", "the group " + Quoted(name) + " has the name of a placeholder");
      placeholders.push_back(std::move(placeholder));
    }
    if (placeholders.size() == 2) {
      section.Note("match",
                   "`match` names no group: write (?<name>…) for what `backup` should hold");
    }
    return match;
  }

  static TimeZone ReadZone(Section& section, const Format* format) {
    const auto name = section.Text("timezone");
    if (name && format != nullptr && !format->local_times) {
      section.Note("timezone", "format " + std::string(format->name) +
                                   " says of its times where they are; leave `timezone` out");
    }
    const auto zone = TimeZone::Find(name.value_or(""));
    if (!zone) section.Note("timezone", zone.error().message);
    return zone.value_or(TimeZone());
  }

  // Gives every source without a name that of its format, numbered where it is taken.
  void NameSources(std::vector<SourceConfig>& sources) {
    std::map<std::string, int> numbers;
    for (SourceConfig& source : sources) {
      while (source.ingest.input.name.empty() && !source.ingest.format.empty()) {
        const int number = ++numbers[source.ingest.format];
        const std::string name = number == 1 ? source.ingest.format
                                             : source.ingest.format + "-" + std::to_string(number);
        if (!names_.contains(name)) source.ingest.input.name = name;
      }
      source.fold.source = source.ingest.input.name;
    }
  }

  // Single dots go, double ones stay: they mean something else behind a symbolic link.
  std::string Absolute(const std::string& path) const {
    std::filesystem::path absolute;
    for (const auto& part : std::filesystem::path(directory_) / path) {
      if (part != ".") absolute /= part;
    }
    return absolute.string();
  }

  Mistakes mistakes_;
  std::vector<Mistake> elsewhere_;  // in files that it names
  std::string path_;                // absolute
  std::string directory_;
  std::map<std::string, Place> names_;                           // those given
  std::map<std::pair<std::string, std::string>, Place> inputs_;  // by format and pattern
};

}  // namespace

std::string SpoolDirectory(const std::string& storage_path) { return storage_path + "/spool"; }

SourceConfig EventSource(const std::string& storage_path) {
  const Format& format = *FormatNamed(kEventFormat);
  SourceConfig source;
  source.ingest.format = format.name;
  source.ingest.input.name = kEventSource;
  source.ingest.input.framing = format.framing;
  source.ingest.input.pattern = SpoolDirectory(storage_path) + "/*.jsonl";
  source.fold = {.source = std::string(kEventSource),
                 .tool = std::string(format.tool),
                 .pattern = source.ingest.input.pattern,
                 .backup = std::string(format.backup),
                 .backup_configured = true,
                 .names_backup = true};
  return source;
}

ConfigurationOrMistakes ParseConfiguration(std::string_view text, const std::string& file,
                                           const std::string& directory) {
  return Loader(file, directory).Load(text);
}

ConfigurationOrMistakes LoadConfiguration(const std::string& path) {
  const auto text = ReadWhole(SystemFiles{}, path, kLargestFile);
  if (!text) {
    std::string why = WithoutPath(text.error().message, path);  // a mistake names its file already
    if (text.error().kind == ErrorKind::kNotFound) why += "; give its place with --config.file";
    return tl::unexpected(std::vector<Mistake>{{path, 0, 0, std::move(why)}});
  }
  std::error_code error;  // without a current directory no relative path could have been read
  const auto directory = std::filesystem::absolute(path, error).parent_path();
  return ParseConfiguration(*text, path, directory.string());
}

}  // namespace backup_exporter

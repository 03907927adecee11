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

// The format of the spool, which a configuration cannot use.
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

// The error in a template for a backup's name; nullopt if it is valid.
std::optional<std::string> FindTemplateError(std::string_view text,
                                             const std::vector<std::string>& placeholders) {
  for (std::size_t i = 0; (i = text.find_first_of("{}", i)) != text.npos; ++i) {
    if (text[i] == '}') return "`}` without a `{` before it";
    const std::size_t end = text.find('}', i);
    if (end == text.npos) return "`{` without a `}` after it";
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
      : errors_(file),
        path_((std::filesystem::path(directory) / std::filesystem::path(file).filename()).string()),
        directory_(std::move(directory)) {}

  ConfigurationOrErrors Load(std::string_view text) {
    Configuration configuration;
    if (const auto root = ParseYaml(text, errors_)) configuration = ReadRoot(*root);
    std::vector<ConfigError> all = errors_.Sorted();
    all.insert(all.end(), elsewhere_.begin(), elsewhere_.end());
    if (!all.empty()) return tl::unexpected(std::move(all));
    return configuration;
  }

 private:
  Configuration ReadRoot(const YamlValue& value) {
    Configuration configuration;
    if (value.kind == YamlValue::Kind::kNothing) {
      errors_.Add({}, "the configuration is empty: it needs `sources`, a list of inputs");
      return configuration;
    }
    Section root(value, "the configuration", errors_);
    root.Require("sources", "a list of inputs");
    if (const YamlValue* sources = root.List("sources")) {
      if (sources->children.empty()) root.Note("sources", "`sources` must list at least one input");
      for (const auto& source : sources->children) {
        configuration.sources.push_back(ReadSource(*source));
      }
      NameSources(configuration.sources);
    }
    if (const YamlValue* storage = root.Map("storage")) {
      Section section(*storage, "`storage`", errors_);
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
    Section section(value, "a source", errors_);
    source.ingest.input.name = ReadName(section);
    const Format* format = ReadFormat(section);
    if (format != nullptr) {
      source.ingest.format = format->name;
      source.ingest.input.framing = format->framing;
    }
    source.ingest.input.pattern = ReadPath(section, source.ingest.format);
    source.rules = ReadRules(section, format);
    source.rules.pattern = source.ingest.input.pattern;
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
        section.Note("record_limit", "files of format " + std::string(format->name) +
                                         " have no records: remove `record_limit`");
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
                               ": that is the source for `backup_exporter event`");
    }
    const auto [first, is_new] = names_.emplace(*name, section.PositionOf("name"));
    if (!is_new) {
      section.Note("name", "duplicate name " + Quoted(*name) + ": the source in line " +
                               std::to_string(first->second.line) + " has it, too");
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
      section.Note("path", "`**` is not supported: use one `*` for each directory level");
    }
    std::string pattern = Absolute(*path);
    if (format.empty()) return pattern;
    const auto [first, is_new] =
        inputs_.emplace(std::pair(format, pattern), section.PositionOf("path"));
    if (!is_new) {
      section.Note("path", "the source in line " + std::to_string(first->second.line) +
                               " has the same format and path: every file would be read twice");
    }
    return pattern;
  }

  // Leaves `source` and `pattern` to the caller. `format` is nullptr if it is missing or unknown.
  static SourceRules ReadRules(Section& section, const Format* format) {
    SourceRules rules;
    std::vector<std::string> placeholders{"{stem}", "{dir}"};
    bool match_wrong = false;
    rules.match = ReadMatch(section, placeholders, &match_wrong);
    for (const Format& known : Formats()) {
      if (format != nullptr && format != &known) continue;
      for (const auto placeholder : known.placeholders) {
        const bool listed = std::ranges::find(placeholders, placeholder) != placeholders.end();
        if (!listed) placeholders.emplace_back(placeholder);
      }
    }
    if (format != nullptr) {
      rules.tool = format->tool;
      // With a format that recognises others, the recognised format gives the name.
      if (format->recognises != nullptr) rules.backup = format->backup;
    }
    if (format != nullptr && format->backup.empty()) {
      section.Require("backup", "the name of the backup, which these files do not contain");
    }
    if (const auto backup = section.Text("backup")) {
      rules.backup = *backup;
      rules.backup_configured = true;
      // The groups of an invalid `match` are not known.
      auto error = FindTemplateError(*backup, placeholders);
      if (error && !match_wrong) {
        section.Note("backup", std::move(*error));
      }
    }
    rules.repository = section.Text("repository").value_or("");
    if (const auto name = section.Text("operation")) {
      const auto operation = OperationNamed(*name);
      if (!operation) {
        section.Note("operation",
                     "unknown operation " + Quoted(*name) + ": it must be " + OperationNames());
      } else if (format != nullptr && format->names_operations) {
        section.Note("operation", "format " + std::string(format->name) +
                                      " names operations itself: remove `operation`");
      } else {
        rules.operation = *operation;
        rules.operation_configured = true;
      }
    }
    rules.complete = section.Flag("complete").value_or(false);
    if (const auto result = section.Text("warnings_count_as")) {
      rules.warnings_are_failures = *result == "failure";
      if (*result != "failure" && *result != "warning") {
        section.Note("warnings_count_as",
                     "`warnings_count_as` must be warning or failure, not " + Quoted(*result));
      }
    }
    return rules;
  }

  // Adds the named groups to `placeholders`. Sets `wrong` if `match` is present and invalid.
  static std::shared_ptr<const re2::RE2> ReadMatch(Section& section,
                                                   std::vector<std::string>& placeholders,
                                                   bool* wrong) {
    const auto pattern = section.Text("match");
    if (!pattern) return nullptr;
    // Most libraries accept (?<name>, but this RE2 only accepts (?P<name>.
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
      section.Note("match", "`match` is not a regular expression (RE2 syntax): " + match->error());
      *wrong = true;
      return nullptr;
    }
    for (const auto& [name, index] : match->NamedCapturingGroups()) {
      std::string placeholder = "{" + name + "}";
      const bool is_reserved = name == "stem" || name == "dir" || name == "profile" ||
                               name == "label" || name == "repository";
      if (is_reserved)
        section.Note("match",
                     "the group " + Quoted(name) + " has the name of a built-in placeholder");
      placeholders.push_back(std::move(placeholder));
    }
    if (placeholders.size() == 2) {
      section.Note(
          "match",
          "`match` has no named group: write (?<name>…) around the part that `backup` uses");
    }
    return match;
  }

  static TimeZone ReadZone(Section& section, const Format* format) {
    const auto name = section.Text("timezone");
    if (name && format != nullptr && !format->local_times) {
      section.Note("timezone", "the times of format " + std::string(format->name) +
                                   " need no time zone: remove `timezone`");
    }
    const auto zone = TimeZone::Find(name.value_or(""));
    if (!zone) section.Note("timezone", zone.error().message);
    return zone.value_or(TimeZone());
  }

  // Names each source without a name after its format, with a number if that name is taken.
  void NameSources(std::vector<SourceConfig>& sources) {
    std::map<std::string, int> numbers;
    for (SourceConfig& source : sources) {
      while (source.ingest.input.name.empty() && !source.ingest.format.empty()) {
        const int number = ++numbers[source.ingest.format];
        const std::string name = number == 1 ? source.ingest.format
                                             : source.ingest.format + "-" + std::to_string(number);
        if (!names_.contains(name)) source.ingest.input.name = name;
      }
      source.rules.source = source.ingest.input.name;
    }
  }

  // Removes "." but keeps "..", whose meaning after a symbolic link is known to the system only.
  std::string Absolute(const std::string& path) const {
    std::filesystem::path absolute;
    for (const auto& part : std::filesystem::path(directory_) / path) {
      if (part != ".") absolute /= part;
    }
    return absolute.string();
  }

  ConfigErrors errors_;
  std::vector<ConfigError> elsewhere_;  // in imported files
  std::string path_;                    // absolute
  std::string directory_;
  std::map<std::string, TextPosition> names_;                           // of configured names
  std::map<std::pair<std::string, std::string>, TextPosition> inputs_;  // by format and pattern
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
  source.rules = {.source = std::string(kEventSource),
                  .tool = std::string(format.tool),
                  .pattern = source.ingest.input.pattern,
                  .backup = std::string(format.backup),
                  .backup_configured = true,
                  .names_backup = true};
  return source;
}

ConfigurationOrErrors ParseConfiguration(std::string_view text, const std::string& file,
                                         const std::string& directory) {
  return Loader(file, directory).Load(text);
}

ConfigurationOrErrors LoadConfiguration(const std::string& path) {
  const auto text = ReadWhole(SystemFiles{}, path, kLargestFile);
  if (!text) {
    std::string why = WithoutPath(text.error().message, path);  // a ConfigError names its file
    if (text.error().kind == ErrorKind::kNotFound)
      why += "; name the configuration with --config.file";
    return tl::unexpected(std::vector<ConfigError>{{path, 0, 0, std::move(why)}});
  }
  std::error_code ignored;  // a relative path was read, so there is a current directory
  const auto directory = std::filesystem::absolute(path, ignored).parent_path();
  return ParseConfiguration(*text, path, directory.string());
}

}  // namespace backup_exporter

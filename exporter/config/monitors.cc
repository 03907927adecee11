#include "config/monitors.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include "base/files.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;
constexpr std::size_t kLongestName = 128;
constexpr int kDefaultVerbosity = 1;
constexpr int kDisabled = -2;  // borgmatic's: no monitoring at all

// The operations that borgmatic's monitoring covers, and forget, which borgmatic does not have.
const std::set<Operation> kDefaultOperations{Operation::kBackup, Operation::kPrune,
                                             Operation::kCompact, Operation::kForget,
                                             Operation::kCheck};

std::string ServiceKeys() {
  std::string keys;
  for (const Service& service : Services()) {
    keys += (keys.empty() ? "" : ", ") + std::string(service.key);
  }
  return keys;
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// borgmatic's levels: -1 errors, 0 warnings and answers, 1 info, 2 everything.
Level LeastLevel(std::int64_t verbosity) {
  return verbosity < 0    ? Level::kError
         : verbosity == 0 ? Level::kWarning
         : verbosity == 1 ? Level::kInfo
                          : Level::kDebug;
}

class Reader {
 public:
  explicit Reader(std::vector<ConfigError>& elsewhere) : elsewhere_(elsewhere) {}

  MonitorsConfig Read(Section& root, const std::string& path) {
    path_ = path;
    verbosity_ = root.Number("monitoring_verbosity", kDisabled, 2).value_or(kDefaultVerbosity);
    if (const YamlValue* list = root.List("monitors")) {
      for (const auto& item : list->children) ReadEntry(*item, root.errors());
    }
    ReadPasted(root);
    if (const YamlValue* value = root.Map("hooks")) {
      Section hooks(*value, "`hooks`", root.errors());
      ReadPasted(hooks);
      for (const std::string& key : hooks.Keys()) {
        if (ServiceNamed(key) != nullptr) continue;
        result_.warnings.push_back(
            fmt::format("hooks: {} is not a monitor and is ignored", Quoted(key)));
      }
    }
    NameMonitors();
    return std::move(result_);
  }

 private:
  // The exporter's options around a service's block.
  struct Around {
    std::string name;
    std::vector<std::string> backups;
    std::set<Operation> operations = kDefaultOperations;
    std::optional<bool> recovery;
    std::uint64_t after = 1;
    std::optional<Duration> remind;
    std::optional<Duration> heartbeat;
    std::optional<Duration> keep;
  };

  // Reads service blocks that are keys of a map among other keys.
  void ReadPasted(Section& section) {
    for (const Service& service : Services()) {
      if (!section.Has(service.key)) continue;
      ReadBlock(service, *section.Any(service.key), {}, section.errors());
    }
  }

  void ReadEntry(const YamlValue& value, ConfigErrors& errors) {
    Section entry(value, "a monitor", errors);
    const Around around = ReadAround(entry);
    const Service* service = nullptr;
    for (const Service& known : Services()) {
      const YamlValue* block = entry.Any(known.key);
      if (block == nullptr) continue;
      if (service != nullptr) {
        entry.Note(known.key, fmt::format("a monitor has only one service: {} or {}", service->key,
                                          known.key));
        continue;
      }
      service = &known;
      ReadBlock(known, *block, around, errors);
    }
    const auto import = entry.Text("import");
    if (import && service != nullptr) {
      entry.Note("import", "`import` replaces a service: keep one of them");
    } else if (import) {
      Import(entry, *import, around);
    } else if (service == nullptr && value.kind == YamlValue::Kind::kMap) {
      errors.Add(value.position, "a monitor needs a service: " + ServiceKeys() +
                                     ", or `import` with the path of a borgmatic configuration");
    }
    entry.RefuseOtherKeys();
  }

  Around ReadAround(Section& entry) {
    Around around;
    around.name = entry.Text("name").value_or("");
    if (around.name.size() > kLongestName) {
      entry.Note("name", fmt::format("`name` is longer than {} bytes", kLongestName));
    }
    if (!around.name.empty() && !names_.insert(around.name).second) {
      entry.Note("name", "duplicate name " + Quoted(around.name) + ": another monitor has it, too");
    }
    around.backups = entry.Texts("backups").value_or(std::vector<std::string>());
    if (const auto names = entry.Texts("operations")) {
      around.operations.clear();
      for (const std::string& name : *names) {
        if (const auto operation = OperationNamed(name)) {
          around.operations.insert(*operation);
        } else {
          entry.Note("operations", "unknown operation " + Quoted(name));
        }
      }
    }
    around.recovery = entry.Flag("recovery");
    around.after = static_cast<std::uint64_t>(entry.Number("after", 1, 1000).value_or(1));
    around.remind = entry.Span("remind");
    around.keep = entry.Span("keep");
    around.heartbeat = entry.Span("heartbeat");
    if (around.heartbeat) {
      for (const auto* key : {"backups", "operations", "recovery", "after", "remind"}) {
        if (!entry.Has(key)) continue;
        entry.Note(key,
                   fmt::format("a monitor with a `heartbeat` gets no notices of backups, so `{}` "
                               "has no effect: configure another monitor for the backups",
                               key));
      }
    }
    return around;
  }

  void ReadBlock(const Service& service, const YamlValue& value, const Around& around,
                 ConfigErrors& errors) {
    const auto block = ExpandShortForm(WithEnvironment(value, errors), service);
    const std::string name = fmt::format("`{}`", service.key);
    Section section(*block, name, errors);
    MonitorOptions options{.config_path = path_, .hostname = HostName()};
    MonitorConfig made{.service = &service, .heartbeat = around.heartbeat};
    Subscription& subscription = made.subscription;
    subscription.states = ReadStates(section, service);
    made.monitor = service.make(section, options);
    section.RefuseOtherKeys();
    result_.mask.Add(options.mask);
    for (std::string& warning : options.warnings) result_.warnings.push_back(std::move(warning));
    if (around.heartbeat) {
      if (options.by_backup || options.by_operation) {
        errors.Add(value.position,
                   "a `heartbeat` is not about a backup, so its URL must not contain "
                   "`{backup}` or `{operation}`");
      }
      if (!service.accepts_heartbeat) {
        errors.Add(value.position,
                   fmt::format("{} does not alert when a heartbeat is missing", service.key));
      }
      subscription.states.clear();
    }
    subscription.monitor = around.name;
    subscription.kind = service.key;
    subscription.backups = around.backups;
    subscription.operations = around.operations;
    if (options.sends_messages) subscription.messages = LeastLevel(verbosity_);
    subscription.superseding = service.superseding;
    subscription.one_state = service.one_state;
    subscription.by_backup = options.by_backup;
    subscription.by_operation = options.by_operation;
    subscription.start_is_good = service.start_is_good;
    subscription.recovery = around.recovery.value_or(service.superseding == Superseding::kFails);
    subscription.after = around.after;
    subscription.remind = around.remind;
    if (around.keep) subscription.keep = *around.keep;
    if (made.monitor && verbosity_ > kDisabled) result_.monitors.push_back(std::move(made));
  }

  // Adds the monitors of a borgmatic configuration. Its other keys are ignored.
  void Import(Section& entry, const std::string& path, const Around& around) {
    const std::string file =
        (std::filesystem::path(path_).parent_path() / path).lexically_normal().string();
    const auto text = ReadNamed(file, kLargestFile, "a borgmatic configuration");
    if (!text) {
      entry.Note("import", text.error().message);
      return;
    }
    ConfigErrors errors(file);
    const std::size_t before = result_.monitors.size();
    if (const auto root = ParseYaml(*text, errors)) {
      Section section(*root, "a borgmatic configuration", errors);
      const std::string outside = std::exchange(path_, file);
      const std::int64_t verbosity = std::exchange(
          verbosity_,
          section.Number("monitoring_verbosity", kDisabled, 2).value_or(kDefaultVerbosity));
      ReadEach(section, around, errors);
      if (const YamlValue* value = section.Map("hooks")) {
        Section hooks(*value, "`hooks`", errors);
        ReadEach(hooks, around, errors);
      }
      verbosity_ = verbosity;
      path_ = outside;
    }
    if (errors.empty() && result_.monitors.size() == before) {
      entry.Note("import", Quoted(file) + " has no monitors");
    }
    for (const ConfigError& error : errors.Sorted()) elsewhere_.push_back(error);
  }

  void ReadEach(Section& section, const Around& around, ConfigErrors& errors) {
    for (const Service& service : Services()) {
      if (!section.Has(service.key)) continue;
      Around one = around;
      if (!around.name.empty()) {
        one.name = fmt::format("{}-{}", around.name, service.key);
        if (!names_.insert(one.name).second) {
          errors.Add(section.PositionOf(service.key),
                     "duplicate name " + Quoted(one.name) + ": another monitor has it, too");
        }
      }
      ReadBlock(service, *section.Any(service.key), one, errors);
    }
  }

  // A copy of the value with ${NAME} replaced in every text that is not a key.
  static std::shared_ptr<const YamlValue> WithEnvironment(const YamlValue& value,
                                                          ConfigErrors& errors) {
    auto copy = std::make_shared<YamlValue>(value);
    if (value.kind == YamlValue::Kind::kText) {
      auto text = FromEnvironment(value.text);
      if (!text) errors.Add(value.position, text.error().message);
      copy->quoted = copy->quoted || (text && *text != value.text);
      if (text) copy->text = std::move(*text);
    }
    for (std::size_t i = 0; i < copy->children.size(); ++i) {
      const bool is_key = value.kind == YamlValue::Kind::kMap && i % 2 == 0;
      if (!is_key) copy->children[i] = WithEnvironment(*copy->children[i], errors);
    }
    return copy;
  }

  // Names each monitor without a name after its service, with a number if that name is taken.
  void NameMonitors() {
    std::map<std::string, int> numbers;
    for (MonitorConfig& one : result_.monitors) {
      while (one.subscription.monitor.empty()) {
        const std::string key(one.service->key);
        const int number = ++numbers[key];
        const std::string name = number == 1 ? key : fmt::format("{}-{}", key, number);
        if (names_.insert(name).second) one.subscription.monitor = name;
      }
    }
  }

  std::vector<ConfigError>& elsewhere_;
  MonitorsConfig result_;
  std::string path_;
  std::int64_t verbosity_ = kDefaultVerbosity;
  std::set<std::string> names_;
};

}  // namespace

MonitorsConfig ReadMonitors(Section& root, const std::string& path,
                            std::vector<ConfigError>& elsewhere) {
  return Reader(elsewhere).Read(root, path);
}

}  // namespace backup_exporter

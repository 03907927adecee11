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
constexpr int kNothingAtAll = -2;

// What borgmatic tells of, and forget, which it does not have.
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

// borgmatic's figures: -1 errors, 0 warnings and answers, 1 info, 2 all.
Level LeastLevel(std::int64_t verbosity) {
  return verbosity < 0    ? Level::kError
         : verbosity == 0 ? Level::kWarning
         : verbosity == 1 ? Level::kInfo
                          : Level::kDebug;
}

class Reader {
 public:
  explicit Reader(std::vector<Mistake>& elsewhere) : elsewhere_(elsewhere) {}

  MonitorsConfig Read(Section& root, const std::string& path) {
    path_ = path;
    verbosity_ = root.Number("monitoring_verbosity", kNothingAtAll, 2).value_or(kDefaultVerbosity);
    if (const YamlValue* list = root.List("monitors")) {
      for (const auto& item : list->children) ReadEntry(*item, root.mistakes());
    }
    ReadPasted(root);
    if (const YamlValue* value = root.Map("hooks")) {
      Section hooks(*value, "`hooks`", root.mistakes());
      ReadPasted(hooks);
      for (const std::string& key : hooks.Keys()) {
        if (ServiceNamed(key) != nullptr) continue;
        result_.warnings.push_back(
            fmt::format("hooks: {} is no monitor and is passed over", Quoted(key)));
      }
    }
    NameMonitors();
    return std::move(result_);
  }

 private:
  // What stands around a block.
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

  // Blocks that stand in a map among other keys.
  void ReadPasted(Section& section) {
    for (const Service& service : Services()) {
      if (!section.Has(service.key)) continue;
      ReadBlock(service, *section.Any(service.key), {}, section.mistakes());
    }
  }

  void ReadEntry(const YamlValue& value, Mistakes& mistakes) {
    Section entry(value, "a monitor", mistakes);
    const Around around = ReadAround(entry);
    const Service* service = nullptr;
    for (const Service& known : Services()) {
      const YamlValue* block = entry.Any(known.key);
      if (block == nullptr) continue;
      if (service != nullptr) {
        entry.Note(known.key,
                   fmt::format("a monitor has one service: {} or {}", service->key, known.key));
        continue;
      }
      service = &known;
      ReadBlock(known, *block, around, mistakes);
    }
    const auto import = entry.Text("import");
    if (import && service != nullptr) {
      entry.Note("import", "`import` takes the place of a service");
    } else if (import) {
      Import(entry, *import, around);
    } else if (service == nullptr && value.kind == YamlValue::Kind::kMap) {
      mistakes.Add(value.place, "a monitor needs a service: " + ServiceKeys() +
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
      entry.Note("name", "another monitor is named " + Quoted(around.name) + " too");
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
        entry.Note(key, fmt::format("a monitor with a `heartbeat` is told of no backup, so `{}` "
                                    "means nothing: give the backups a monitor of their own",
                                    key));
      }
    }
    return around;
  }

  void ReadBlock(const Service& service, const YamlValue& value, const Around& around,
                 Mistakes& mistakes) {
    const auto block = ExpandShortForm(WithEnvironment(value, mistakes), service);
    const std::string name = fmt::format("`{}`", service.key);
    Section section(*block, name, mistakes);
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
        mistakes.Add(value.place,
                     "a `heartbeat` is of no backup, so that `{backup}` and "
                     "`{operation}` in its address stand for nothing");
      }
      if (!service.accepts_heartbeat) {
        mistakes.Add(value.place,
                     fmt::format("{} does not notice that a heartbeat is missing", service.key));
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
    if (made.monitor && verbosity_ > kNothingAtAll) result_.monitors.push_back(std::move(made));
  }

  // The monitors of a borgmatic configuration. Its other keys are none of our business.
  void Import(Section& entry, const std::string& path, const Around& around) {
    const std::string file =
        (std::filesystem::path(path_).parent_path() / path).lexically_normal().string();
    const auto text = ReadNamed(file, kLargestFile, "a borgmatic configuration");
    if (!text) {
      entry.Note("import", text.error().message);
      return;
    }
    Mistakes mistakes(file);
    const std::size_t before = result_.monitors.size();
    if (const auto root = ParseYaml(*text, mistakes)) {
      Section section(*root, "a borgmatic configuration", mistakes);
      const std::string outside = std::exchange(path_, file);
      const std::int64_t verbosity = std::exchange(
          verbosity_,
          section.Number("monitoring_verbosity", kNothingAtAll, 2).value_or(kDefaultVerbosity));
      ReadEach(section, around, mistakes);
      if (const YamlValue* value = section.Map("hooks")) {
        Section hooks(*value, "`hooks`", mistakes);
        ReadEach(hooks, around, mistakes);
      }
      verbosity_ = verbosity;
      path_ = outside;
    }
    if (mistakes.empty() && result_.monitors.size() == before) {
      entry.Note("import", Quoted(file) + " has no monitors");
    }
    for (const Mistake& mistake : mistakes.Sorted()) elsewhere_.push_back(mistake);
  }

  void ReadEach(Section& section, const Around& around, Mistakes& mistakes) {
    for (const Service& service : Services()) {
      if (!section.Has(service.key)) continue;
      Around one = around;
      if (!around.name.empty()) {
        one.name = fmt::format("{}-{}", around.name, service.key);
        if (!names_.insert(one.name).second) {
          mistakes.Add(section.PlaceOf(service.key),
                       "another monitor is named " + Quoted(one.name) + " too");
        }
      }
      ReadBlock(service, *section.Any(service.key), one, mistakes);
    }
  }

  // The same value with ${NAME} replaced in every text but keys.
  static std::shared_ptr<const YamlValue> WithEnvironment(const YamlValue& value,
                                                          Mistakes& mistakes) {
    auto copy = std::make_shared<YamlValue>(value);
    if (value.kind == YamlValue::Kind::kText) {
      auto text = FromEnvironment(value.text);
      if (!text) mistakes.Add(value.place, text.error().message);
      copy->quoted = copy->quoted || (text && *text != value.text);
      if (text) copy->text = std::move(*text);
    }
    for (std::size_t i = 0; i < copy->children.size(); ++i) {
      const bool is_key = value.kind == YamlValue::Kind::kMap && i % 2 == 0;
      if (!is_key) copy->children[i] = WithEnvironment(*copy->children[i], mistakes);
    }
    return copy;
  }

  // Gives every monitor without a name that of its service, numbered where it is taken.
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

  std::vector<Mistake>& elsewhere_;
  MonitorsConfig result_;
  std::string path_;
  std::int64_t verbosity_ = kDefaultVerbosity;
  std::set<std::string> names_;
};

}  // namespace

MonitorsConfig ReadMonitors(Section& root, const std::string& path,
                            std::vector<Mistake>& elsewhere) {
  return Reader(elsewhere).Read(root, path);
}

}  // namespace backup_exporter

// A command: runs a program of the user's for every notice, without a shell. The notice is in the
// program's environment, and the messages of the run are on its standard input.
//
// Exit code 0 means that the notice was delivered. 64 and 65 (EX_USAGE and EX_DATAERR of
// sysexits.h) mean that it is refused. After any other it is retried.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <tuple>

#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMostValue = 64 << 10;  // bytes of a variable, and of an argument
constexpr std::size_t kMostLog = 100'000;     // bytes
constexpr std::size_t kMostOutput = 300;      // bytes of the program's output in an error
constexpr std::chrono::seconds kDefaultTimeout{30};
constexpr std::chrono::seconds kLongestTimeout{600};
constexpr int kUsage = 64;
constexpr int kDataError = 65;
constexpr std::string_view kPrefix = "BACKUP_";  // of the variables that describe a notice
constexpr std::string_view kFileSuffix = "_file";

// A value that can be passed to a program.
std::string Clean(std::string text) {
  std::erase(text, '\0');
  return std::string(CutBytes(text, kMostValue));
}

// Variables with an unknown value are not set.
std::vector<std::string> Environment(const Notice& notice) {
  std::vector<std::string> all;
  const auto set = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) all.push_back(fmt::format("{}{}={}", kPrefix, name, Clean(value)));
  };
  set("STATE", std::string(Name(notice.state)));
  set("CAUSE", std::string(Name(notice.cause)));
  set("TITLE", Title(notice));
  set("TEXT", Describe(notice));
  set("TIME", FormatExactUtc(notice.at));
  set("UID", notice.uid);
  if (!notice.backup.empty()) {
    set("NAME", ValidUtf8(notice.backup));
    set("OPERATION", std::string(Name(notice.operation)));
    set("RESULT", ResultText(notice));
    set("FAILURES", std::to_string(notice.failures));
  }
  set("ERROR", ErrorText(notice));
  if (notice.reason) set("REASON", std::string(Name(*notice.reason)));
  if (notice.exit_code) set("EXIT_CODE", std::to_string(*notice.exit_code));
  if (notice.started) set("STARTED", FormatExactUtc(*notice.started));
  if (notice.duration) {
    set("DURATION_SECONDS", fmt::format("{}", ToSeconds(*notice.duration)));
  }
  for (const FigureField& field : kFigureFields) {
    const auto& figure = notice.figures.*field.member;
    if (!figure) continue;
    std::string name(field.column);
    std::ranges::transform(name, name.begin(), [](unsigned char byte) {
      return static_cast<char>(std::toupper(byte));
    });
    set(name, std::to_string(*figure));
  }
  std::string others;
  for (const std::string& other : notice.also_failing) {
    others += (others.empty() ? "" : "\n") + ValidUtf8(other);
  }
  set("ALSO_FAILING", others);
  return all;
}

std::string LastLine(std::string_view output) {
  const std::size_t end = output.find_last_not_of(" \t\r\n");
  if (end == output.npos) return "";
  output = output.substr(0, end + 1);
  return std::string(CutBytes(output.substr(output.rfind('\n') + 1), kMostOutput));
}

SendResult Judge(const std::string& program, const ChildAnswer& answer) {
  if (answer.exit_code == 0) return Delivered();
  const std::string last_line = LastLine(answer.output);
  const std::string message = last_line.empty() ? "" : ": " + last_line;
  if (answer.exit_code) {
    const std::string error =
        fmt::format("{} exited with {}{}", program, *answer.exit_code, message);
    const bool refused = *answer.exit_code == kUsage || *answer.exit_code == kDataError;
    return refused ? Refused(AttemptFailure::kRejected, error)
                   : Retry(AttemptFailure::kRejected, error);
  }
  SendResult result = Retry(answer.timed_out ? AttemptFailure::kTimeout : AttemptFailure::kRejected,
                            answer.error + message);
  if (answer.error.find(std::strerror(ENOENT)) != std::string::npos) {
    result.error += ": there is no such program on the PATH of backup_exporter";
  }
  result.stopped = answer.stopped;
  return result;
}

class Command final : public Monitor {
 public:
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::chrono::seconds timeout = kDefaultTimeout;
  bool sends_logs = true;

  SendResult Send(const Notice& notice, Transport& transport) override {
    ChildRequest request{.environment = Environment(notice), .limit = timeout};
    for (const std::string& argument : command) {
      const bool program = request.command.empty();
      request.command.push_back(program ? argument : Clean(Expand(argument, notice)));
    }
    request.environment.insert(request.environment.end(), environment.begin(), environment.end());
    if (sends_logs) request.input = LogText(notice, kMostLog);
    return Judge(command.front(), transport.Run(request));
  }
};

bool IsVariable(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::ranges::all_of(name, [](unsigned char byte) {
           return byte < 0x80 && (std::isalnum(byte) != 0 || byte == '_');
         });
}

void ReadEnvironment(Section& block, MonitorOptions& options, Command& command) {
  const YamlValue* value = block.Map("environment");
  if (value == nullptr) return;
  Section section(*value, "`environment` of command", block.errors());
  for (const std::string& key : section.Keys()) {
    const bool in_file = key.ends_with(kFileSuffix);
    const std::string name = in_file ? key.substr(0, key.size() - kFileSuffix.size()) : key;
    if (in_file && section.Has(name)) continue;  // an error, reported with the other key
    if (!IsVariable(name)) {
      std::ignore = section.Any(key);
      section.Note(key, Quoted(name) + " is not a valid name of a variable");
    } else if (name.starts_with(kPrefix)) {
      std::ignore = section.Any(key);
      section.Note(key,
                   Quoted(name) + ": names that begin with BACKUP_ are reserved for the notice");
    } else if (const auto secret = ReadSecret(section, name, options, SecretForm::kAny)) {
      command.environment.push_back(name + "=" + Clean(*secret));
    }
  }
  section.RefuseOtherKeys();
}

}  // namespace

std::unique_ptr<Monitor> MakeCommand(Section& block, MonitorOptions& options) {
  auto command = std::make_unique<Command>();
  block.Require("command", "the program to run and its arguments, as a list");
  const YamlValue* value = block.Any("command");
  if (value != nullptr && value->kind == YamlValue::Kind::kText) {
    block.Note("command",
               "`command` must be a list of the program and each argument, such as "
               "[/usr/local/bin/notify, \"{backup}\"], not text: no shell splits it");
  } else if (value != nullptr) {
    command->command = block.Texts("command").value_or(std::vector<std::string>());
    if (value->kind == YamlValue::Kind::kList && value->children.empty()) {
      block.Note("command", "`command` must name a program");
    }
  }
  if (const auto timeout = block.Span("timeout")) {
    command->timeout = *timeout;
    if (*timeout > kLongestTimeout) block.Note("timeout", "`timeout` must be at most 10m");
  }
  ReadEnvironment(block, options, *command);
  command->sends_logs = block.Flag("send_logs").value_or(true);
  options.sends_messages = command->sends_logs;
  if (command->command.empty()) return nullptr;
  return command;
}

}  // namespace backup_exporter

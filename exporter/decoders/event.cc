// Decodes the records that `backup_exporter event` writes, one per line:
//
//   {"event":"finish","backup":"home","operation":"backup","time":1795216385.2,"exit_code":0,
//    "message":"…"}                                                     (one line)
//   {"event":"pause","backup":"home","time":1795216385.2,"until":1795245185.2,"message":"…"}
//
// A pause without an operation applies to all operations. A result with an exit code has that as
// its evidence; without one it is a claim.

#include "base/json.h"
#include "decoders/decoders.h"
#include "decoders/pending_messages.h"

namespace backup_exporter {
namespace {

// Sets result and reason by the kind of the event and its exit code, whichever is worse: a process
// that exits with an error did not succeed, even if the event says "finish".
void Judge(bool fail, RunFinished& end) {
  const int code = end.exit_code.value_or(0);
  if (!fail && code == 0) {
    end.result = RunResult::kSuccess;
    return;
  }
  end.result = code > 128 ? RunResult::kInterrupted : RunResult::kFailure;
  end.reason = code > 128 ? Reason::kInterrupted : Reason::kOther;
}

class EventDecoder final : public Decoder {
 public:
  void Decode(const Record& record, Decoded& out) override {
    ++out.counts.records;
    const auto json = ParseJson(record.bytes);
    if (!json || !json->is_object()) {
      ++out.counts.parse_errors;
      return;
    }
    Members members(*json);
    const std::string kind = members.Text("event");
    const std::string backup = members.Text("backup");
    const auto operation = OperationNamed(members.Text("operation"));
    const auto time = members.EpochSeconds("time");
    const auto code = members.Integer("exit_code");
    const std::string message = members.Text("message");
    const auto until = members.EpochSeconds("until");
    const bool is_pause = kind == "pause" && until;
    if (!members.Sound() || backup.empty() || (!operation && !is_pause) || !time) {
      ++out.counts.parse_errors;
      return;
    }
    out.counts.unknown_fields +=
        members.Unknown({"event", "backup", "operation", "time", "exit_code", "message", "until"});
    const auto emit = [&](decltype(Event::what) what) {
      out.events.push_back({.of = {.label = backup, .repository = {}},
                            .offset = record.offset,
                            .what = std::move(what)});
    };
    if (kind == "start") {
      emit(RunStarted{.operation = operation, .at = *time});
    } else if (kind == "finish" || kind == "fail") {
      RunFinished end{.operation = operation,
                      .evidence = code ? Evidence::kExitCode : Evidence::kClaim,
                      .end = time,
                      .exit_code = code,
                      .message = message,
                      .final = true};
      Judge(kind == "fail", end);
      const bool bad = end.result != RunResult::kSuccess;
      emit(std::move(end));
      if (!message.empty()) emit(MessageOf(bad ? Level::kError : Level::kInfo, message, time));
    } else if (is_pause) {
      emit(ExpectationPaused{
          .operation = operation, .begins = *time, .ends = *until, .reason = message});
    } else if (kind == "log") {
      emit(MessageOf(Level::kInfo, message, time));
    } else {
      ++out.counts.unknown_messages;
    }
  }
  [[nodiscard]] std::string Save() const override { return {}; }
  void Restore(std::string_view) override {}
};

}  // namespace

std::unique_ptr<Decoder> MakeEventDecoder(const DecoderOptions&) {
  return std::make_unique<EventDecoder>();
}

}  // namespace backup_exporter

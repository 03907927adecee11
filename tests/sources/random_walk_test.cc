// Random walks: files are written, rotated, copied and truncated, moved, linked, replaced and
// deleted; the program looks, with or without reported changes, and is killed. Every line that was
// not destroyed before the program could read it is returned once, in the order of its file.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "kit/long_run.h"
#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Line {
  int file;           // number of its file, of all that ever existed
  bool owed = true;   // must be returned
  bool torn = false;  // may be returned in two parts
  int times = 0;      // how often it was returned
};

// A file from the viewpoint of its writer.
struct Log {
  int number = 0;
  std::string name;
  std::string link;      // another name of the file, which matches; may be empty
  bool matches = true;   // its name does
  bool moved = false;    // since the last look, from a name that matches to one that does not
  bool cut = false;      // truncated since the last look
  bool seen = false;     // by this run of the program
  bool known = false;    // the ledger has a checkpoint of it
  bool open = false;     // certainly open in the program
  bool written = false;  // since the last look
  bool copied = false;   // replaced by a copy since the last look
  bool unfinished = false;
  std::vector<int> fresh;  // lines since the last look
  int last = -1;           // line
};

class Walk {
 public:
  explicit Walk(unsigned seed) : random_(seed), rig_(Roll(2) ? "*.log" : "*") {
    all_names_ = rig_.options.pattern.ends_with("/*");
    // A fixed time, so that each run of the test is the same.
    rig_.clock.SetWall(Time(seconds(1'800'000'000)));
    if (Roll(3) == 0) rig_.options.max_open_files = 1;
    if (Roll(3) == 0) rig_.options.piece_size = rig_.budget = 16;
    rig_.files.SetOpenForWriting(std::nullopt);
    rig_.directory.MakeDirectory("data");
    std::error_code failure;
    std::filesystem::create_symlink("data", rig_.directory / ".link", failure);
    links_ = !failure;
  }

  void Go(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) Step();
    Finish();
  }
  [[nodiscard]] const std::string& story() const { return story_; }

 private:
  int Roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }

  void Step() {
    if (Roll(3) == 0) rig_.clock.Advance(milliseconds(Roll(3) == 0 ? Roll(30'000) : Roll(500)));
    const int what = Roll(100);
    if (what < 40) return Write(Pick(), 1 + Roll(3));
    if (what < 48) return WriteHalfALine(Pick());
    if (what < 56) return Rotate(Pick());
    if (what < 59) return Truncate(Pick());
    if (what < 62) return CopyAndTruncate(Pick());
    if (what < 66) return Delete(Pick());
    if (what < 69) return ReplaceByCopy(Pick());
    if (what < 71) return PointElsewhere(Pick());
    if (what < 73) return Link(Pick());
    if (what < 75) return MoveWithin(Pick());
    if (what < 78) return Restart();
    if (what < 80) return LookWithoutAccepting();
    Look();
  }

  Log& Pick() {
    if (logs_.empty() || (logs_.size() < 6 && Roll(6) == 0)) return Create();
    return logs_[static_cast<std::size_t>(Roll(static_cast<int>(logs_.size())))];
  }

  Log& Create() {
    const std::string name = std::string(1, "abcs"[Roll(links_ ? 4 : 3)]) + ".log";
    for (Log& log : logs_) {
      if (log.name == name) return log;
    }
    return Add(name);
  }
  Log& Add(const std::string& name) {
    Note("create " + name);
    Log log;
    log.number = files_++;
    log.name = name;
    if (IsLink(name)) {
      std::filesystem::create_symlink(NewTarget(), rig_.directory / name);
    } else {
      rig_.directory.Write(name, "");
    }
    std::erase_if(moved_, [&](const auto& one) { return one.first == name; });
    Touch(log);
    logs_.push_back(log);
    return logs_.back();
  }

  // A symbolic link to a file in a directory that is not watched.
  static bool IsLink(const std::string& name) { return name == "s.log"; }
  std::string NewTarget() {
    const std::string target = "data/" + std::to_string(targets_++);
    rig_.directory.Write(target, "");
    return rig_.directory / target;
  }

  void Touch(const Log& log) {
    rig_.directory.SetModified(log.name, rig_.clock.Now());
    changed_.insert(log.name);
  }

  void Rename(Log& log, const std::string& to) {
    Note("rename " + log.name + " to " + to);
    rig_.directory.Rename(log.name, to);
    changed_.insert(log.name);
    changed_.insert(to);
    const auto before =
        std::ranges::find_if(moved_, [&](const auto& one) { return one.first == log.name; });
    if (before != moved_.end()) {
      before->first = to;
    } else {
      moved_.emplace_back(to, log.name);
    }
    log.name = to;
  }

  void Append(Log& log, const std::string& text) {
    rig_.directory.Append(log.link.empty() || Roll(2) == 0 ? log.name : log.link, text);
    log.written = true;
    Touch(log);
  }

  static std::string Name(int line) { return std::to_string(line) + ":"; }
  static std::string Text(int line) { return Name(line) + "~rest"; }

  int NewLine(Log& log) {
    lines_.push_back({.file = log.number});
    Note("  line " + std::to_string(lines_.size() - 1));
    log.last = static_cast<int>(lines_.size()) - 1;
    log.fresh.push_back(log.last);
    // A file that no look can find is not owed.
    if (!log.matches && !log.seen && !log.known && !log.moved) lines_.back().owed = false;
    return log.last;
  }

  void Write(Log& log, int count) {
    Note("write " + log.name);
    std::string text;
    if (log.unfinished) text += "~rest\n";
    log.unfinished = false;
    for (int i = 0; i < count; ++i) text += Text(NewLine(log)) + "\n";
    Append(log, text);
  }
  void WriteHalfALine(Log& log) {
    Write(log, 1);
    Note("and half a line");
    Append(log, Name(NewLine(log)));
    log.unfinished = true;
    if (!log.matches) lines_.back().torn = true;
  }

  // Lines that were not read are lost with their file.
  void Destroy(Log& log, bool all) {
    if (all) {
      for (const int line : log.fresh) lines_[static_cast<std::size_t>(line)].owed = false;
    }
    if (log.unfinished) {
      Line& line = lines_[static_cast<std::size_t>(log.last)];
      line.owed = false;
      line.torn = true;
    }
    log.fresh.clear();
    log.unfinished = false;
  }

  void Rotate(Log& log) {
    if (!log.matches || log.name.size() > 5 || log.copied) return;
    Unlink(log);
    const std::string name = log.name;
    Rename(log, name + "." + std::to_string(files_));
    log.matches = all_names_;
    // The program knows a truncated file by its old content, so that it does not recognise it now.
    log.moved = !log.matches && !log.cut;
    if (!log.matches && log.cut) Destroy(log, true);
    if (log.unfinished && !log.matches) lines_[static_cast<std::size_t>(log.last)].torn = true;
    // A file that is not open is not followed by its inode alone.
    if (rig_.options.max_open_files == 1) log.seen = false;
    if (Roll(2) == 0) Add(name);
  }

  void MoveWithin(Log& log) {
    if (!log.matches || log.name.size() > 5 || log.copied || IsLink(log.name)) return;
    Unlink(log);
    Rename(log, "m" + std::to_string(files_++) + log.name);
  }

  void Link(Log& log) {
    if (!links_ || !log.matches || log.name.size() > 5 || !log.link.empty()) return;
    if (IsLink(log.name)) return;
    log.link = "l" + std::to_string(files_++) + log.name;
    Note("link " + log.name + " to " + log.link);
    std::filesystem::create_hard_link(rig_.directory / log.name, rig_.directory / log.link);
    changed_.insert(log.link);
  }
  void Unlink(Log& log) {
    if (log.link.empty()) return;
    Note("unlink " + log.link);
    rig_.directory.Remove(log.link);
    changed_.insert(log.link);
    log.link.clear();
  }

  // Points the symbolic link to a new file. The old file is not found any more.
  void PointElsewhere(Log& log) {
    if (!IsLink(log.name)) return;
    Note("point elsewhere " + log.name);
    rig_.clock.Advance(milliseconds(1));
    if (log.open) unlinked_.insert(unlinked_.end(), log.fresh.begin(), log.fresh.end());
    Destroy(log, !log.open);
    std::filesystem::create_symlink(NewTarget(), rig_.directory / ".next");
    rig_.directory.Rename(".next", log.name);
    log = {.number = files_++, .name = log.name};
    Touch(log);
  }

  void Truncate(Log& log) {
    // With the same modification time and a restart it could not be noticed.
    rig_.clock.Advance(milliseconds(1));
    Note("truncate " + log.name);
    Destroy(log, true);
    log.number = files_++;
    log.seen = log.known = log.open = false;  // that is, its content of now
    log.cut = true;
    log.moved = false;
    std::string text;
    for (int i = Roll(3); i > 0; --i) text += Text(NewLine(log)) + "\n";
    rig_.directory.Write(log.name, text);
    Touch(log);
  }

  // As copytruncate of logrotate, while the writer goes on: it appends, or leaves a hole before its
  // position.
  void CopyAndTruncate(Log& log) {
    rig_.clock.Advance(milliseconds(1));
    // The copy may be recognised, by a reused inode and the same beginning.
    if (log.unfinished) lines_[static_cast<std::size_t>(log.last)].torn = true;
    const std::string copy = ".copy" + std::to_string(files_);
    std::filesystem::copy_file(rig_.directory / log.name, rig_.directory / copy);
    if (Roll(2) == 0) Write(log, 1);  // in neither file
    Note("copy and truncate " + log.name);
    Destroy(log, true);
    const auto size = std::filesystem::file_size(rig_.directory / log.name);
    rig_.directory.Truncate(log.name, 0);
    log.number = files_++;
    log.seen = log.known = log.open = false;
    log.cut = true;
    log.moved = false;
    if (Roll(2) == 0) {
      if (Roll(3) == 0) rig_.directory.Truncate(log.name, size);
      Write(log, 1 + Roll(3));
    } else {
      Touch(log);
    }
  }

  void Delete(Log& log) {
    Unlink(log);
    rig_.clock.Advance(milliseconds(1));  // for the next file with the same inode, as above
    Note("delete " + log.name);
    if (log.open) unlinked_.insert(unlinked_.end(), log.fresh.begin(), log.fresh.end());
    Destroy(log, !log.open);
    const std::string name = log.name;
    rig_.directory.Remove(name);
    changed_.insert(name);
    std::erase_if(logs_, [&](const Log& other) { return other.name == name; });
    std::erase_if(moved_, [&](const auto& one) { return one.first == name; });
    if (Roll(2) == 0 && name.size() == 5) Add(name);
  }

  // As editors and rsync do. Only for a file that was read and never renamed: others are read
  // again.
  void ReplaceByCopy(Log& log) {
    if (!log.fresh.empty() || log.unfinished || !log.known || log.name.size() > 5 ||
        !log.link.empty())
      return;
    Note("replace " + log.name + " by a copy");
    rig_.clock.Advance(milliseconds(1));  // as when deleting
    std::filesystem::copy_file(rig_.directory / log.name, rig_.directory / ".copy");
    rig_.directory.Rename(".copy", log.name);
    log.open = false;
    log.copied = true;
    Touch(log);
    if (Roll(2) == 0) Write(log, 1);
  }

  void Restart() {
    Note("restart");
    rig_.source.reset();
    // Deleted files that only the program had open are gone with it.
    for (const int line : unlinked_) lines_[static_cast<std::size_t>(line)].owed = false;
    unlinked_.clear();
    moved_.clear();
    for (Log& log : logs_) {
      log.seen = log.open = log.moved = false;
      if (!log.matches && !log.known) Destroy(log, true);
    }
    started_ = false;
  }

  void LookWithoutAccepting() {
    Note("look, and be killed");
    Prepare();
    rig_.Turn();
    rig_.source.reset();
    Restart();
  }

  void Prepare() {
    if (!rig_.source) rig_.Start();
    const bool reported = started_ && Roll(2) == 0;
    if (reported) {
      for (const std::string& name : changed_) rig_.watcher->ReportChange(rig_.directory / name);
      for (auto one = moved_.rbegin(); one != moved_.rend(); ++one) {
        rig_.watcher->ReportMove(rig_.directory / one->second, rig_.directory / one->first);
      }
    } else {
      rig_.watcher->RequestSweep();
    }
    for (Log& log : logs_) {
      // Under a name that does not match it is found only by reported changes.
      if (log.moved && reported) log.seen = true;
      if (log.moved && !log.seen && !log.known) Destroy(log, true);
      log.moved = false;
    }
    moved_.clear();
    started_ = true;
  }

  void Look() {
    Note("look");
    Prepare();
    for (const std::string& record : rig_.Read()) Check(record);
    for (Log& log : logs_) {
      const bool found = log.matches || log.seen || log.known;
      log.open = (log.open && found) || (found && log.written && rig_.options.max_open_files > 1);
      log.written = false;
      log.seen = log.seen || log.matches;
      log.copied = log.cut = false;
      for (const int line : log.fresh) {
        if (found && !(log.unfinished && line == log.last)) log.known = true;
      }
      const int unfinished = log.unfinished ? log.last : -1;
      log.fresh.clear();
      if (unfinished >= 0) log.fresh.push_back(unfinished);
    }
    changed_.clear();
    unlinked_.clear();
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const int number = static_cast<int>(i);
      const bool pending = std::ranges::any_of(
          logs_, [&](const Log& log) { return log.unfinished && log.last == number; });
      const Line& line = lines_[i];
      if (!line.owed || line.torn || pending) continue;
      ASSERT_EQ(line.times, 1) << "line " << i;
    }
  }

  void Check(const std::string& record) {
    const int number = std::atoi(record.c_str());
    if (record.starts_with("~")) return;  // the rest of a torn line
    ASSERT_LT(static_cast<std::size_t>(number), lines_.size()) << record;
    Line& line = lines_[static_cast<std::size_t>(number)];
    if (record != Text(number)) {
      ASSERT_TRUE(line.torn) << record;
      return;
    }
    ++line.times;
    ASSERT_EQ(line.times, 1) << record;
    const auto [last, first] = last_.try_emplace(line.file, number);
    ASSERT_TRUE(first || last->second < number) << record << " after " << last->second;
    last->second = number;
  }

  void Finish() {
    for (Log& log : logs_) {
      if (log.unfinished) Write(log, 1);
    }
    Look();
  }

  void Note(const std::string& what) { story_ += what + "\n"; }

  std::mt19937 random_;
  SourceRig rig_;
  bool all_names_ = false;
  bool links_ = false;  // the file system supports them
  bool started_ = false;
  std::vector<Log> logs_;
  std::vector<Line> lines_;
  std::map<int, int> last_;    // line by file
  std::vector<int> unlinked_;  // lines of deleted files since the last look
  std::set<std::string> changed_;
  std::vector<std::pair<std::string, std::string>> moved_;  // since the last look: to, from
  int files_ = 0;
  int targets_ = 0;
  std::string story_;
};

TEST(RandomWalkAtLength, EveryLineIsReturnedOnceAndInOrder) {
  const auto walks = static_cast<unsigned>(HowMany(200, 10'000));
  for (unsigned seed = 1; seed <= walks; ++seed) {
    Walk walk(seed);
    walk.Go(120);
    ASSERT_FALSE(HasFailure()) << "seed " << seed << ":\n" << walk.story();
  }
}

}  // namespace
}  // namespace backup_exporter

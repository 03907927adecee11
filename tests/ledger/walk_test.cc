// Random histories, from a seed: however they are divided into commits, and wherever the program is
// restarted between them, the standings are the same.
// Labels: heavy
#include <map>
#include <random>
#include <set>

#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

// A step, and the generation of a file that it belongs to. Positions get their ids when it is
// committed.
struct Move {
  int generation;
  FileStep step;
};

class Walk : public LedgerTest {
 protected:
  int Below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
  bool OneIn(int n) { return Below(n) == 0; }
  RunResult AnyResult() { return static_cast<RunResult>(Below(kRunResults)); }

  // An end that is identified by its id or its time.
  TestRecord Known() {
    Finished end(AnyResult());
    end.At(Night(1 + Below(28)) + Below(3) * 7s).By(static_cast<Evidence>(Below(kEvidences)));
    if (OneIn(2)) end.From(*end.end - (1 + Below(60)) * 1min);
    if (OneIn(3)) end.Id(std::string(64, static_cast<char>('a' + Below(6))));
    if (OneIn(3)) end.Of(OneIn(2) ? Operation::kBackup : Operation::kCheck);
    if (OneIn(2)) end.Adding(static_cast<std::uint64_t>(Below(100)));
    if (OneIn(3)) end.Code(Below(4)).Because(static_cast<Reason>(Below(kReasons)));
    if (OneIn(4)) end.Whole();
    return end;
  }
  TestRecord News() {
    return Finished(AnyResult()).By(Evidence::kExitCode).Code(Below(4)).OfLastRun();
  }
  TestRecord List() {
    Listed archive(std::string(64, static_cast<char>('a' + Below(6))), Night(1 + Below(28)));
    if (OneIn(2)) archive.Until(archive.start + 10min);
    return archive;
  }
  TestRecord Any() {
    switch (Below(10)) {
      case 0:
        return Started(OneIn(2) ? std::optional(Operation::kBackup) : std::nullopt);
      case 1:
        return Progress(Below(600) * 1s);
      case 2:
        return Withdrawn();
      case 3:
        return Finished(AnyResult());
      case 4:
        return Finished(AnyResult()).At(now_ + Below(3) * 24h);
      case 5:
        return OneIn(2) ? List() : Listed(std::string(64, 'a'), Night(1 + Below(28))).AmongOthers();
      case 6:
        return News();
      case 7:
        return Noise();
      default:
        return Known();
    }
  }

  // `make` gives the records; files are those of the fixture, in as many generations as they take.
  template <typename Make>
  std::vector<Move> Plan(int steps, Make make) {
    const std::vector<std::string> paths{"/log/a.log", "/log/b.log", "/status/a.json"};
    struct Generation {
      int number;
      TestFile file;
    };
    std::map<std::string, Generation> files;
    std::vector<Move> moves;
    int generations = 0;
    for (int i = 0; i < steps; ++i) {
      const std::string& path = paths[static_cast<std::size_t>(Below(3))];
      if (!files.contains(path))
        files.emplace(path, Generation{generations++, TestFile(path, Night(1))});
      auto& [generation, file] = files.at(path);
      file.Modified(file.position.modified + Below(20) * 1h);
      std::vector<TestRecord> records;
      for (int n = Below(4); n > 0; --n) records.push_back(make());
      const auto rest = static_cast<Rest>(OneIn(10) ? Below(5) : Below(3));
      moves.push_back({generation, Step(file, records, rest)});
      if (rest == kOver) files.erase(path);
    }
    return moves;
  }

  // Every record of a step as a step of its own, which is at the end only with the last.
  static std::vector<Move> Cut(const std::vector<Move>& moves) {
    std::vector<Move> pieces;
    for (const Move& move : moves) {
      for (const Event& event : move.step.events) {
        FileStep piece{.position = move.step.position, .decoder_state = "", .events = {event}};
        piece.last_record = event.offset;
        pieces.push_back({move.generation, piece});
      }
      FileStep end = move.step;
      end.events.clear();
      // What follows the last event without being one stays there.
      if (!move.step.events.empty() && move.step.last_record == move.step.events.back().offset) {
        end.events = std::move(pieces.back().step.events);
        pieces.pop_back();
      }
      pieces.push_back({move.generation, end});
    }
    return pieces;
  }

  // Commits one move after the other, or several at once, as they come: of one source, and of a
  // file one.
  void Play(Ledger& ledger, std::vector<Move> moves, bool at_once) {
    std::map<int, std::int64_t> ids;
    for (std::size_t next = 0; next < moves.size();) {
      const std::string source =
          moves[next].step.position.path.substr(1, 3) == "log" ? "log" : "status";
      std::vector<FileStep> steps;
      std::vector<int> generations;
      std::set<std::string> paths;
      do {
        Move& move = moves[next++];
        move.step.position.id = ids[move.generation];
        paths.insert(move.step.position.path);
        generations.push_back(move.generation);
        steps.push_back(std::move(move.step));
      } while (at_once && next < moves.size() &&
               moves[next].step.position.path.starts_with("/" + source) &&
               !paths.contains(moves[next].step.position.path));
      ASSERT_TRUE(ledger.Commit(source, steps, now_));
      for (std::size_t i = 0; i < steps.size(); ++i) {
        EXPECT_EQ(steps[i].refused, "");
        ids[generations[i]] = steps[i].position.id;
      }
    }
  }

  std::unique_ptr<Ledger> Memory() {
    auto opened = Ledger::Open({});
    if (opened) (*opened)->Configure(sources_);
    return opened ? std::move(*opened) : nullptr;
  }

  // What must hold of any standings.
  void ExpectSound(const Standings& standings) {
    for (const auto& backup : standings.backups) {
      for (const OperationStanding& standing : backup->operations) {
        EXPECT_LE(standing.consecutive_failures, standing.failures);
        EXPECT_LE(standing.consecutive_warnings, standing.warnings);
        EXPECT_EQ(standing.last_success.has_value(), standing.last_success_evidence.has_value());
        EXPECT_EQ(standing.last_failure.has_value(), standing.last_failure_reason.has_value());
        EXPECT_LE(standing.last_clean_success, standing.last_success);
        EXPECT_LE(standing.last_failure.value_or(now_), now_ + 5min);
        EXPECT_LE(standing.last_start.value_or(now_), now_ + 5min);
        if (!standing.last_run) {
          EXPECT_EQ(standing.last_success, std::nullopt);
          continue;
        }
        EXPECT_LE(standing.last_run->end, now_ + 5min);
        EXPECT_LE(standing.last_success.value_or(Night(1)), standing.last_run->end);
      }
    }
  }

  std::mt19937 random_;
};

TEST_F(Walk, OneCommitOrManyGiveTheSameStandings) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(seed);
    const auto moves = Plan(60, [this] { return Any(); });
    const auto alone = Memory(), together = Memory();
    Play(*alone, moves, false);
    Play(*together, moves, true);
    ASSERT_EQ(StandingsText(*together->standings()), StandingsText(*alone->standings()));
    ExpectSound(*alone->standings());
    if (HasFailure()) return;
  }
}

TEST_F(Walk, StandingsDoNotDependOnWhereThePiecesOfAFileEnd) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(seed);
    const auto moves = Plan(60, [this]() -> TestRecord {
      switch (Below(6)) {
        case 0:
          return Started(Operation::kBackup);
        case 1:
          return Progress(Below(600) * 1s);
        case 2:
          return Withdrawn();
        case 3:
          return News();
        default:
          return Known();
      }
    });
    const auto whole = Memory(), cut = Memory();
    Play(*whole, moves, false);
    Play(*cut, Cut(moves), false);
    ASSERT_EQ(StandingsText(*cut->standings()), StandingsText(*whole->standings()));
  }
}

TEST_F(Walk, RestartsDoNotChangeTheStandings) {
  random_.seed(1);
  const auto moves = Plan(150, [this] { return Any(); });
  const auto memory = Memory();
  Play(*memory, moves, true);

  std::map<int, std::int64_t> ids;
  for (Move move : moves) {
    if (OneIn(3)) Reopen();
    move.step.position.id = ids[move.generation];
    std::vector<FileStep> steps{move.step};
    ASSERT_TRUE(Commit(steps));
    ids[move.generation] = steps[0].position.id;
  }
  EXPECT_EQ(Standing(), StandingsText(*memory->standings()));
}

TEST_F(Walk, ReadingEverythingAgainChangesNothing) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(seed);
    const auto moves = Plan(30, [this] { return OneIn(3) ? List() : Known(); });
    const auto ledger = Memory();
    const auto backups = [&ledger] {
      std::string text;
      for (const auto& backup : ledger->standings()->backups) text += StandingText(*backup);
      return text;
    };
    Play(*ledger, moves, false);
    const std::string before = backups();
    Play(*ledger, moves, false);
    ASSERT_EQ(backups(), before);
  }
}

}  // namespace
}  // namespace backup_exporter

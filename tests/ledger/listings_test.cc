// Archives of a backup and sizes of a repository, as listings and statistics show them.
#include <gmock/gmock.h>

#include "kit/ledger_fixture.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class ListingsTest : public LedgerTest {
 protected:
  void Complete(bool complete, const std::string& repository = {}) {
    sources_[0].complete = complete;
    sources_[0].repository = repository;
    ledger().Configure(sources_);
  }
  std::map<std::string, std::optional<std::uint64_t>> Stored() {
    std::map<std::string, std::optional<std::uint64_t>> stored;
    for (const auto& [name, held] : ledger().standings()->repositories) {
      stored[name] = held.stored_bytes;
    }
    return stored;
  }
};

TEST_F(ListingsTest, ACompleteListingCountsTheArchives) {
  Complete(true);
  Apply(log_, {ArchivesCounted{.archives = 3, .oldest = Night(1), .newest = Night(3)}});
  EXPECT_EQ(Backup("home").archives, 3U);
  EXPECT_EQ(Backup("home").oldest_archive, Night(1));
  EXPECT_EQ(Backup("home").newest_archive, Night(3));
  Apply(log_, {ArchivesCounted{.archives = 1, .oldest = Night(2), .newest = Night(2)}});
  EXPECT_EQ(Backup("home").archives, 1U);
  EXPECT_EQ(Backup("home").newest_archive, Night(2)) << "the newest was removed";
  Apply(log_, {ArchivesCounted{}});
  EXPECT_EQ(Backup("home").archives, 0U);
  EXPECT_FALSE(Backup("home").newest_archive);
}

TEST_F(ListingsTest, AnIncompleteListingOnlyShowsTheNewestArchive) {
  Apply(log_, {ArchivesCounted{.archives = 1, .oldest = Night(3), .newest = Night(3)}});
  EXPECT_FALSE(Backup("home").archives);
  EXPECT_FALSE(Backup("home").oldest_archive);
  EXPECT_EQ(Backup("home").newest_archive, Night(3));
  Apply(log_, {ArchivesCounted{.archives = 1, .oldest = Night(2), .newest = Night(2)},
               ArchivesCounted{}});
  EXPECT_EQ(Backup("home").newest_archive, Night(3));
}

TEST_F(ListingsTest, SizesOfARepositoryHaveItsConfiguredName) {
  Complete(false, "nas");
  Apply(log_, {RepositoryMeasured{.stored_bytes = 7}, RepositoryMeasured{.original_bytes = 9}});
  EXPECT_THAT(Stored(), ElementsAre(Pair("nas", 7)));
  EXPECT_EQ(ledger().standings()->repositories.at("nas").original_bytes, 9U);
}

TEST_F(ListingsTest, SizesOfARepositoryWithoutANameHaveTheNameOfItsBackup) {
  Apply(log_, {RepositoryMeasured{.stored_bytes = 7}});
  EXPECT_THAT(Stored(), ElementsAre(Pair("home", 7)));
}

TEST_F(ListingsTest, SizesOfASelectionAreNotThoseOfTheRepository) {
  Apply(log_, {RepositoryMeasured{.stored_bytes = 7, .of_selection = true}});
  EXPECT_THAT(Stored(), IsEmpty());
  Complete(true);
  Apply(log_, {RepositoryMeasured{.stored_bytes = 7, .of_selection = true}});
  EXPECT_THAT(Stored(), ElementsAre(Pair("home", 7)));
}

TEST_F(ListingsTest, AtTheLimitOfRepositoriesTheSizesOfKnownOnesAreStillUpdated) {
  options_.max_backups = 1;
  Reopen();
  Complete(false, "nas");
  Apply(log_, {RepositoryMeasured{.stored_bytes = 7}});
  Apply(log_, {RepositoryMeasured{.stored_bytes = 8}});
  EXPECT_THAT(Stored(), ElementsAre(Pair("nas", 8)));
}

TEST_F(ListingsTest, ListingsAreHiddenWithoutTheirSource) {
  Complete(false, "nas");
  Apply(log_, {RepositoryMeasured{.stored_bytes = 7}});
  sources_.erase(sources_.begin());
  ledger().Configure(sources_);
  EXPECT_THAT(Stored(), IsEmpty());
}

}  // namespace
}  // namespace backup_exporter

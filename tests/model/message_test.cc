#include "model/message.h"

#include <gmock/gmock.h>

namespace backup_exporter {
namespace {

using enum Level;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(MessagesToDrop, NoMessageIsDroppedIfAllFit) {
  EXPECT_THAT(MessagesToDrop({}, 0, 0), IsEmpty());
  EXPECT_THAT(MessagesToDrop(std::vector<MessageWeight>{{kDebug, 3}, {kError, 4}}, 2, 7),
              IsEmpty());
}

TEST(MessagesToDrop, TheLeastSevereMessagesAreDroppedFirstAndOfTheseTheOldest) {
  const std::vector<MessageWeight> messages{
      {kError, 1}, {kInfo, 1}, {kWarning, 1}, {kInfo, 1}, {kDebug, 1}};
  EXPECT_THAT(MessagesToDrop(messages, 4, 99), ElementsAre(4));
  EXPECT_THAT(MessagesToDrop(messages, 3, 99), ElementsAre(1, 4));
  EXPECT_THAT(MessagesToDrop(messages, 99, 1), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(MessagesToDrop(messages, 0, 99), ElementsAre(0, 1, 2, 3, 4));
}

}  // namespace
}  // namespace backup_exporter

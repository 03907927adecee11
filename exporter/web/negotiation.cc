#include "web/negotiation.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace backup_exporter {
namespace {

// A list member: a media range or a coding.
struct Preference {
  std::string_view name;
  std::string_view version;  // parameter of that name; empty if absent
  int quality = 1000;        // in thousandths; 0: not acceptable
};

bool Same(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  return text.substr(0, text.find_last_not_of(kSpaces) + 1);
}

// Removes the part up to the next separator outside of quotes, and the separator, from `text`.
// Returns the part.
std::string_view NextPart(std::string_view& text, char separator) {
  std::size_t end = 0;
  for (bool quoted = false; end < text.size() && (quoted || text[end] != separator); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (text[end] == '\\' && quoted) ++end;
  }
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return Trimmed(part);
}

// A qvalue in thousandths. It is 0 to 1 with at most three decimals.
std::optional<int> Thousandths(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int weight = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    thousandths += (digit - '0') * weight;
    weight /= 10;
  }
  return thousandths <= 1000 ? std::optional(thousandths) : std::nullopt;
}

std::vector<Preference> Parse(std::string_view list) {
  std::vector<Preference> preferences;
  while (!list.empty()) {
    std::string_view member = NextPart(list, ',');
    Preference preference{.name = NextPart(member, ';')};
    std::optional<int> quality = preference.quality;
    while (!member.empty()) {
      std::string_view value = NextPart(member, ';');
      const std::string_view name = NextPart(value, '=');
      if (Same(name, "q")) {
        quality = Thousandths(value);
      }
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      if (Same(name, "version")) preference.version = value;
    }
    if (!quality) continue;
    preference.quality = *quality;
    preferences.push_back(preference);
  }
  return preferences;
}

struct Offer {
  std::string_view any;  // media range with all subtypes
  std::string_view type;
  std::string_view version;
};
constexpr Offer kTextOffer{"text/*", "text/plain", "0.0.4"};
constexpr Offer kOpenMetricsOffer{"application/*", "application/openmetrics-text", "1.0.0"};

// The quality of the most specific range that includes the offer; 0 if none does.
int QualityOf(const Offer& offer, const std::vector<Preference>& ranges) {
  const auto precedence = [&offer](const Preference& range) {  // 0: not included
    if (Same(range.name, "*/*")) return 1;
    if (Same(range.name, offer.any)) return 2;
    if (!Same(range.name, offer.type)) return 0;
    if (range.version.empty()) return 3;
    return range.version == offer.version ? 4 : 0;
  };
  std::pair<int, int> best{0, 0};
  for (const Preference& range : ranges) {
    if (const int found = precedence(range); found > 0) {
      best = std::max(best, {found, range.quality});
    }
  }
  return best.second;
}

bool PrefersGzip(const std::vector<Preference>& codings) {
  std::optional<int> gzip;
  std::optional<int> identity;
  std::optional<int> others;
  for (const auto& [name, version, quality] : codings) {
    // x-gzip is an alias, section 8.4.1.3.
    if (Same(name, "gzip") || Same(name, "x-gzip")) gzip = quality;
    if (Same(name, "identity")) identity = quality;
    if (name == "*") others = quality;
  }
  if (!gzip) gzip = others;
  if (!identity) identity = others;
  // If only identity is listed, and refused, any other coding is better.
  if (identity == 0) return gzip != 0;
  return gzip > 0 && gzip >= identity;
}

}  // namespace

MetricsForm NegotiatedForm(std::string_view accept, std::string_view accept_encoding) {
  const std::vector<Preference> ranges = Parse(accept);
  const bool open_metrics = QualityOf(kOpenMetricsOffer, ranges) > QualityOf(kTextOffer, ranges);
  return {open_metrics ? MetricsFormat::kOpenMetrics : MetricsFormat::kText,
          PrefersGzip(Parse(accept_encoding))};
}

}  // namespace backup_exporter

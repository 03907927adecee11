#include "web/negotiation.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace backup_exporter {
namespace {

// A member of the list: a media range or a coding.
struct Preference {
  std::string_view what;
  std::string_view version;  // parameter of that name; empty where there is none
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

// Takes what comes before the next separator outside of quotes, and the separator, from `text`.
std::string_view Take(std::string_view& text, char separator) {
  std::size_t end = 0;
  for (bool quoted = false; end < text.size() && (quoted || text[end] != separator); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (text[end] == '\\' && quoted) ++end;
  }
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return Trimmed(taken);
}

// Of a qvalue: 0 to 1 with at most three decimals.
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
    std::string_view member = Take(list, ',');
    Preference preference{.what = Take(member, ';')};
    std::optional<int> quality = preference.quality;
    while (!member.empty()) {
      std::string_view value = Take(member, ';');
      const std::string_view name = Take(value, '=');
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
  std::string_view any;  // range of all subtypes
  std::string_view type;
  std::string_view version;
};
constexpr Offer kTextOffer{"text/*", "text/plain", "0.0.4"};
constexpr Offer kOpenMetricsOffer{"application/*", "application/openmetrics-text", "1.0.0"};

// What an offer is worth: the quality of the most specific range that it is in.
int QualityOf(const Offer& offer, const std::vector<Preference>& ranges) {
  const auto precedence = [&offer](const Preference& range) {  // 0: not in it
    if (Same(range.what, "*/*")) return 1;
    if (Same(range.what, offer.any)) return 2;
    if (!Same(range.what, offer.type)) return 0;
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
  for (const auto& [what, version, quality] : codings) {
    // The former name, section 8.4.1.3.
    if (Same(what, "gzip") || Same(what, "x-gzip")) gzip = quality;
    if (Same(what, "identity")) identity = quality;
    if (what == "*") others = quality;
  }
  if (!gzip) gzip = others;
  if (!identity) identity = others;
  // Where only identity is named, and excluded, anything else will do better.
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

// Chooses the form of the metrics page from the headers of a request.
//
// Source: proactive negotiation with quality values, RFC 9110 sections 12.4.2, 12.5.1 and 12.5.3.
// Malformed list members are ignored. If nothing on offer is acceptable, the response is plain text
// rather than an error. Several headers of one name are one list, joined by commas (section 5.3).
// An absent header counts as an empty one, which gives the plain form.
#pragma once

#include <string_view>

#include "metrics/page.h"

namespace backup_exporter {

// OpenMetrics if `accept` gives `application/openmetrics-text; version=1.0.0` a higher quality than
// the text format. Of the parameters of a media range only `version` counts: others (`charset`, and
// `escaping` of Prometheus 3) make no difference here. gzip if `accept_encoding` gives it at least
// the quality of identity.
[[nodiscard]] MetricsForm NegotiatedForm(std::string_view accept, std::string_view accept_encoding);

}  // namespace backup_exporter

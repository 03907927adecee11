// Which form of the metrics page a client wants, by the headers of its request.
//
// Proactive negotiation with quality values, RFC 9110 sections 12.4.2, 12.5.1 and 12.5.3. What is
// no proper member of a header's list is passed over. Where nothing on offer is acceptable, the
// plain text is the answer rather than an error. Several headers of one name are one list, joined
// by commas (section 5.3); one that is absent is an empty one here: to both headers, the plain form
// is the answer either way.
#pragma once

#include <string_view>

#include "metrics/page.h"

namespace backup_exporter {

// OpenMetrics where `accept` prefers `application/openmetrics-text; version=1.0.0` to the text
// format, which has it where both are worth the same. Of the parameters of a media range only
// `version` counts: others (`charset`, and `escaping` of Prometheus 3) leave nothing to choose.
// gzip where `accept_encoding` holds it for no worse than identity.
[[nodiscard]] MetricsForm NegotiatedForm(std::string_view accept, std::string_view accept_encoding);

}  // namespace backup_exporter

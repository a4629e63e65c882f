// The flame graph: one self-contained page (sources in web/) with the profile inside, as base64 of gzip of JSON. Nothing
// of a profile stands in the page in any other form, so no name can break out of its place; the page's content security
// policy names a nonce made from the data and lets nothing be fetched.
#pragma once

#include <string>

#include "output/sink.h"
#include "profile/profile.h"

namespace gp::output {

void write_html(const profile::Profile& profile, Sink& sink);

// The JSON inside: columns of numbers with one table of strings; web/profile.js reads it.
std::string html_data(const profile::Profile& profile);

}  // namespace gp::output

// The data quality of a profile as JSON: every counter and every reason, those at zero too, and whether they add up.
#pragma once

#include "output/json_writer.h"
#include "profile/quality.h"

namespace gp::output {

void write_quality(const profile::Quality& quality, JsonWriter& json);

}  // namespace gp::output

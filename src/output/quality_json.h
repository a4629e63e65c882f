// The data quality of a profile as JSON: every counter and every reason, those at zero too, and whether they add up.
#pragma once

#include <span>

#include "output/json_writer.h"
#include "profile/profile.h"
#include "profile/quality.h"

namespace gp::output {

void write_quality(const profile::Quality& quality, JsonWriter& json);
// What external profilers brought, and why not.
void write_tools(std::span<const profile::ToolReport> tools, JsonWriter& json);

}  // namespace gp::output

// A line of the control socket, and the text of a config file.
#include <string_view>

#include "app/control_requests.h"
#include "app/settings.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = gp::app::parse_control_request(text)) {
    if (const auto* start = std::get_if<gp::app::StartRequest>(&*request)) {
      GP_CHECK(start->session.name.find('/') == std::string::npos);
      GP_CHECK(start->session.frequency_hz.value_or(1) >= 1 && start->session.frequency_hz.value_or(1) <= 1000);
    }
  } else {
    GP_CHECK(request.error().message().find('\n') == std::string::npos);
  }
  if (const auto settings = gp::app::parse_settings(text)) {
    for (const auto& setting : *settings) GP_CHECK(!setting.key.empty());
  }
  return 0;
}

// gzip (RFC 1952) without a time stamp: same bytes in, same bytes out for one version of zlib.
#pragma once

#include <string>
#include <string_view>

namespace gp::output {

std::string gzip(std::string_view bytes);

}  // namespace gp::output

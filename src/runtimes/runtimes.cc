#include "runtimes/runtimes.h"

#include <array>

#include "runtimes/lua/lua_runtime.h"
#include "runtimes/lua/luajit_runtime.h"
#include "runtimes/pcre/pcre_runtime.h"
#include "runtimes/perl/perl_runtime.h"
#include "runtimes/php/php_runtime.h"
#include "runtimes/python/python_runtime.h"
#include "runtimes/ruby/ruby_runtime.h"

namespace gp::runtimes {

std::span<const targets::Runtime* const> all() {
  static const python::PythonRuntime kPython;
  static const ruby::RubyRuntime kRuby;
  static const php::PhpRuntime kPhp;
  static const perl::PerlRuntime kPerl;
  static const lua::LuaRuntime kLua;
  static const lua::LuajitRuntime kLuajit;
  static const pcre::PcreRuntime kPcre;
  static const std::array<const targets::Runtime*, 7> kList = {&kPython, &kRuby,   &kPhp, &kPerl,
                                                               &kLua,    &kLuajit, &kPcre};
  return kList;
}

}  // namespace gp::runtimes

# One folder under src/ is one static library. The order of this list is the layering: a folder may depend only
# on folders named before it (tools/check_layers.py holds the include graph to the same list).
set(GP_LAYERS base os elf profile walk sampling targets runtimes symbols managed session output upload app)

# gp_folder(NAME DEPS folder… LIBS external…): library gp_NAME from *.cc and *.c beside the caller, and one test
# executable gp_NAME_test from *_test.cc, its cases registered with ctest under the label "unit".
function(gp_folder name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;TEST_LIBS" ${ARGN})
  list(FIND GP_LAYERS ${name} own)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  if(sources)
    add_library(gp_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(gp_${name} PRIVATE gp_warnings)
  else()
    add_library(gp_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(gp_${name} ${scope} ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(gp_${name} ${scope} ${ARG_LIBS})
  foreach(dep ${ARG_DEPS})
    list(FIND GP_LAYERS ${dep} other)
    if(other LESS 0 OR other GREATER_EQUAL own)
      message(FATAL_ERROR "src/${name} may not depend on src/${dep}: see GP_LAYERS in cmake/Layers.cmake")
    endif()
    target_link_libraries(gp_${name} ${scope} gp_${dep})
  endforeach()

  if(GP_TESTS AND tests)
    add_executable(gp_${name}_test ${tests})
    target_link_libraries(gp_${name}_test PRIVATE gp_${name} gp_warnings GTest::gtest GTest::gmock GTest::gtest_main ${ARG_TEST_LIBS})
    target_compile_definitions(gp_${name}_test PRIVATE GP_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    gtest_discover_tests(gp_${name}_test TEST_PREFIX "${name}." PROPERTIES LABELS unit TIMEOUT 120
      DISCOVERY_TIMEOUT 60)
  endif()
endfunction()

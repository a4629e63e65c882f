# gp_bpf(NAME): compiles bpf/NAME.bpf.c with Clang for BPF and embeds it as skeleton header NAME.skel.h,
# offered by the interface library gp_bpf_NAME.
find_program(GP_BPF_CLANG NAMES clang-19 clang REQUIRED)
find_program(GP_BPFTOOL bpftool PATHS /usr/sbin REQUIRED)
find_program(GP_BPF_STRIP NAMES llvm-strip-19 llvm-strip REQUIRED)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(GP_BPF_ARCH arm64)
else()
  set(GP_BPF_ARCH x86)
endif()

# Everything that is generated and included: what static checks need built.
add_custom_target(gp_generated)

function(gp_bpf name)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${name}.bpf.c)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${GP_BPF_CLANG} -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_${GP_BPF_ARCH}
      -I/usr/include/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu -I${CMAKE_SOURCE_DIR}
      -Wall -Wextra -Werror -Wno-unused-parameter -MD -MF ${object}.d -MT ${skeleton} -c ${source} -o ${object}
    COMMAND ${GP_BPF_STRIP} -g ${object}
    COMMAND ${GP_BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}.tmp
    COMMAND ${CMAKE_COMMAND} -E rename ${skeleton}.tmp ${skeleton}
    DEPENDS ${source} DEPFILE ${object}.d
    COMMENT "BPF ${name}" VERBATIM)
  add_custom_target(gp_bpf_${name}_skeleton DEPENDS ${skeleton})
  add_dependencies(gp_generated gp_bpf_${name}_skeleton)
  add_library(gp_bpf_${name} INTERFACE)
  add_dependencies(gp_bpf_${name} gp_bpf_${name}_skeleton)
  target_include_directories(gp_bpf_${name} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(gp_bpf_${name} INTERFACE PkgConfig::BPF)
endfunction()

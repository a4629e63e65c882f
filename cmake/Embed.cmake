# gp_embed(TARGET SYMBOL FILE): makes FILE part of TARGET as `extern "C" const char SYMBOL[]` with
# `extern "C" const unsigned long SYMBOL_size`; the assembler's .incbin keeps big files cheap to compile.
enable_language(ASM)

function(gp_embed target symbol file)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
  file(CONFIGURE OUTPUT ${source} CONTENT [[
.section .rodata
.global @symbol@
.global @symbol@_size
.balign 16
@symbol@:
.incbin "@file@"
1:
.byte 0
.balign 8
@symbol@_size:
.quad 1b - @symbol@
.section .note.GNU-stack,"",%progbits
]] @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${source})
endfunction()

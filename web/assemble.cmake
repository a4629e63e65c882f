# Puts page.html, style.css and the scripts together into one file.
#   include()d: gp_web_page(FILE) makes FILE at build time.   cmake -DOUTPUT=FILE -P: does it.

# Scripts in the order in which they need each other; together they are one module.
set(GP_WEB_SCRIPTS dom format profile tree palette graph list functions processes details search tooltip quality chrome
  keyboard main)
set(GP_WEB_FOLDER ${CMAKE_CURRENT_LIST_DIR})

function(gp_web_page output)
  set(sources page.html style.css)
  foreach(script ${GP_WEB_SCRIPTS})
    list(APPEND sources ${script}.js)
  endforeach()
  list(TRANSFORM sources PREPEND ${GP_WEB_FOLDER}/)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -P ${GP_WEB_FOLDER}/assemble.cmake
    DEPENDS ${sources} ${GP_WEB_FOLDER}/assemble.cmake
    COMMENT "Flame graph page" VERBATIM)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(READ ${GP_WEB_FOLDER}/page.html page)
  file(READ ${GP_WEB_FOLDER}/style.css style)
  set(script "")
  foreach(name ${GP_WEB_SCRIPTS})
    file(READ ${GP_WEB_FOLDER}/${name}.js text)
    string(APPEND script "${text}")
  endforeach()
  string(REPLACE "{{STYLE}}" "${style}" page "${page}")
  string(REPLACE "{{SCRIPT}}" "${script}" page "${page}")
  file(WRITE ${OUTPUT} "${page}")
endif()

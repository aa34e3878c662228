# The explore flavour: code whose every atomic operation is a scheduling point.
#
# pollux_instrument(target): compiles the target for exploration. It is compiled with -fsanitize=thread but
# never linked with libtsan: the harness defines the __tsan_* functions.
#
# pollux_instrumented_objects(name SOURCES ... [INCLUDES ...] [LIBRARIES ...] [DEFINITIONS ...] [OPTIONS ...]):
# an OBJECT library compiled so, for pollux_join.
#
# pollux_join(name EXPORTS symbol... OBJECTS file... [STRIPPED file...] [RENAME symbol=other...] [LIBRARIES ...]):
# joins objects to ONE relocatable object in which only the exported symbols are global. Template code of the
# C++ library that both the subject and the harness instantiate would otherwise be merged by the linker, and the
# subject would silently lose its points. It also lets several variants of one library live in one program,
# each with its entry renamed. Link ${name} (an INTERFACE library) into the program. Objects that are STRIPPED
# come without their debug information.
#
# pollux_subject(name EXPORTS symbol... SOURCES ... [INCLUDES ...] [LIBRARIES ...] [DEFINITIONS ...] [OPTIONS ...]):
# both.
if(POLLUX_SANITIZE)
  # One sanitizer at a time: points at calls only.
  set(POLLUX_INSTRUMENT_FLAGS $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(POLLUX_INSTRUMENT_FLAGS
    -fsanitize=thread --param=tsan-distinguish-volatile=1 --param=tsan-instrument-func-entry-exit=0 -Wno-tsan
    -fno-gnu-unique)  # objcopy can not make unique symbols local
else()
  set(POLLUX_INSTRUMENT_FLAGS
    -fsanitize=thread "SHELL:-mllvm -tsan-distinguish-volatile=1"
    "SHELL:-mllvm -tsan-instrument-read-before-write=1"
    "SHELL:-mllvm -tsan-instrument-func-entry-exit=0")
endif()

# Joining needs GNU ld whichever linker the compiler prefers: lld has no --force-group-allocation.
find_program(POLLUX_JOIN_LINKER NAMES ld.bfd REQUIRED)
# GNU's, too: llvm-objcopy looks for the symbols to keep before it renames them.
find_program(POLLUX_JOIN_OBJCOPY NAMES objcopy REQUIRED)

# Whoever calls the functions below is in another folder, where this variable would not be visible.
set(POLLUX_INSTRUMENT_FLAGS "${POLLUX_INSTRUMENT_FLAGS}" CACHE INTERNAL "Flags of the explore flavour")

function(pollux_instrument target)
  target_compile_options(${target} PRIVATE ${POLLUX_INSTRUMENT_FLAGS})
endfunction()

function(pollux_instrumented_objects name)
  cmake_parse_arguments(arg "" "" "SOURCES;INCLUDES;LIBRARIES;DEFINITIONS;OPTIONS" ${ARGN})
  add_library(${name} OBJECT ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${arg_INCLUDES})
  target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
  target_compile_options(${name} PRIVATE ${arg_OPTIONS})
  target_link_libraries(${name} PRIVATE pollux_flags ${arg_LIBRARIES})
  pollux_instrument(${name})
  set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)  # ld -r joins machine code
endfunction()

function(pollux_join name)
  cmake_parse_arguments(arg "" "" "EXPORTS;OBJECTS;STRIPPED;RENAME;LIBRARIES" ${ARGN})
  set(changes "")
  foreach(symbol ${arg_EXPORTS})
    list(APPEND changes --keep-global-symbol=${symbol})
  endforeach()
  foreach(pair ${arg_RENAME})
    list(APPEND changes --redefine-sym ${pair})
  endforeach()
  set(joined ${CMAKE_CURRENT_BINARY_DIR}/${name}.joined.o)
  set(stripped ${CMAKE_CURRENT_BINARY_DIR}/${name}.stripped.o)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
  set(strip "")
  set(others "")
  if(arg_STRIPPED)
    set(strip COMMAND ${POLLUX_JOIN_LINKER} -r --strip-debug -o ${stripped} ${arg_STRIPPED})
    set(others ${stripped})
  endif()
  add_custom_command(
    OUTPUT ${object}
    ${strip}
    COMMAND ${POLLUX_JOIN_LINKER} -r --force-group-allocation -o ${joined} ${arg_OBJECTS} ${others}
    COMMAND ${POLLUX_JOIN_OBJCOPY} ${changes} ${joined} ${object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${joined} ${stripped}
    DEPENDS ${arg_OBJECTS} ${arg_STRIPPED}
    COMMAND_EXPAND_LISTS VERBATIM
    COMMENT "Joining ${name}")
  add_custom_target(${name}_object DEPENDS ${object})
  add_library(${name} INTERFACE)
  target_sources(${name} INTERFACE ${object})
  target_link_libraries(${name} INTERFACE ${arg_LIBRARIES})
  add_dependencies(${name} ${name}_object)
  set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
endfunction()

function(pollux_subject name)
  cmake_parse_arguments(arg "" "" "EXPORTS;SOURCES;INCLUDES;LIBRARIES;DEFINITIONS;OPTIONS" ${ARGN})
  pollux_instrumented_objects(${name}_objects
    SOURCES ${arg_SOURCES} INCLUDES ${arg_INCLUDES} LIBRARIES ${arg_LIBRARIES}
    DEFINITIONS ${arg_DEFINITIONS} OPTIONS ${arg_OPTIONS})
  pollux_join(${name}
    EXPORTS ${arg_EXPORTS} OBJECTS $<TARGET_OBJECTS:${name}_objects> LIBRARIES ${arg_LIBRARIES})
endfunction()

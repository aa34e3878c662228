# Programs for coverage-guided fuzzers (harness/docs/fuzzing.md).
#
# pollux_fuzzer(name SUITE suite [PROFILE profile] [SET name=n...] [ENGINE engine] LIBRARIES ...): a program whose
# LLVMFuzzerTestOneInput makes one run of the suite from each input. LIBRARIES bring the suite and its subject; the
# input chooses among the faults of the profile (calm: none). ENGINE, or else POLLUX_FUZZER, is who makes up the inputs.
#
# POLLUX_FUZZER: libfuzzer (clang's), afl (AFL++'s driver, linked into a clang build) or files (nobody: the arguments
# are files of inputs). Without one it is libfuzzer where the compiler has it.
#
# POLLUX_COVERAGE: OPTIONS of the pollux_subject that the fuzzer is to watch. The harness never has them: its own
# steps are not the program's.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -fsanitize=fuzzer)
check_cxx_source_compiles("extern \"C\" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }"
  POLLUX_HAS_LIBFUZZER)
unset(CMAKE_REQUIRED_FLAGS)
if(POLLUX_HAS_LIBFUZZER AND NOT POLLUX_SANITIZE)
  set(engine libfuzzer)
else()
  set(engine files)
endif()
set(POLLUX_FUZZER ${engine} CACHE STRING "Who makes up the inputs of pollux_fuzzer: libfuzzer, afl or files")
set_property(CACHE POLLUX_FUZZER PROPERTY STRINGS libfuzzer afl files)

set(coverage_libfuzzer -fsanitize=fuzzer-no-link)
set(coverage_afl -fsanitize-coverage=trace-pc-guard)
set(coverage_files "")
set(POLLUX_COVERAGE ${coverage_${POLLUX_FUZZER}} CACHE INTERNAL "Flags of subjects that a fuzzer watches")
set(POLLUX_FUZZ_FOLDER ${CMAKE_CURRENT_SOURCE_DIR}/fuzz CACHE INTERNAL "Sources of pollux_fuzzer")

function(pollux_fuzzer name)
  cmake_parse_arguments(arg "" "SUITE;PROFILE;ENGINE" "SET;LIBRARIES" ${ARGN})
  if(NOT arg_PROFILE)
    set(arg_PROFILE calm)
  endif()
  list(JOIN arg_SET " " settings)
  if(NOT arg_ENGINE)
    set(arg_ENGINE ${POLLUX_FUZZER})
  endif()
  if(NOT arg_ENGINE MATCHES "^(libfuzzer|afl|files)$")
    message(FATAL_ERROR "pollux_fuzzer(${name}): '${arg_ENGINE}' is neither libfuzzer, afl nor files")
  endif()
  add_executable(${name} ${POLLUX_FUZZ_FOLDER}/fuzzer_entry.cc)
  target_compile_definitions(${name} PRIVATE
    POLLUX_FUZZ_SUITE="${arg_SUITE}" POLLUX_FUZZ_PROFILE="${arg_PROFILE}" "POLLUX_FUZZ_SETTINGS=\"${settings}\"")
  target_link_libraries(${name} PRIVATE pollux_flags ${arg_LIBRARIES} pollux_fuzz pollux_harness)
  if(arg_ENGINE STREQUAL "libfuzzer")
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  elseif(arg_ENGINE STREQUAL "afl")
    find_library(AFL_DRIVER AFLDriver PATHS /usr/lib/afl /usr/local/lib/afl REQUIRED)
    cmake_path(REPLACE_FILENAME AFL_DRIVER afl-compiler-rt.o OUTPUT_VARIABLE afl_runtime)
    target_link_libraries(${name} PRIVATE ${AFL_DRIVER} ${afl_runtime})
  else()
    target_sources(${name} PRIVATE ${POLLUX_FUZZ_FOLDER}/files_driver.cc)
  endif()
endfunction()

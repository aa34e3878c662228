# Entry points for coverage-guided fuzzers (harness/docs/fuzzing.md).
#
# pollux_fuzzer(name SUITE suite [PROFILE profile] [LIBRARIES ...]): an executable whose LLVMFuzzerTestOneInput makes
# one run of the suite from each input. LIBRARIES bring the suite; the faults of the profile (calm: none) are chosen
# by the input as well. With clang it is linked with -fsanitize=fuzzer; otherwise its arguments are files of inputs.
#
# POLLUX_COVERAGE: what the subject is to be compiled with besides, and the harness never: OPTIONS of pollux_subject.
set(coverage "")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(coverage -fsanitize=fuzzer-no-link)
endif()
set(POLLUX_COVERAGE "${coverage}" CACHE INTERNAL "Flags of subjects that a fuzzer watches")
set(POLLUX_FUZZ_FOLDER ${CMAKE_CURRENT_SOURCE_DIR}/fuzz CACHE INTERNAL "Sources of pollux_fuzzer")

function(pollux_fuzzer name)
  cmake_parse_arguments(arg "" "SUITE;PROFILE" "LIBRARIES" ${ARGN})
  if(NOT arg_PROFILE)
    set(arg_PROFILE calm)
  endif()
  add_executable(${name} ${POLLUX_FUZZ_FOLDER}/fuzzer_entry.cc)
  target_compile_definitions(${name} PRIVATE
    POLLUX_FUZZ_SUITE="${arg_SUITE}" POLLUX_FUZZ_PROFILE="${arg_PROFILE}")
  target_link_libraries(${name} PRIVATE pollux_flags ${arg_LIBRARIES} pollux_fuzz pollux_cli pollux_harness)
  if(POLLUX_COVERAGE)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE ${POLLUX_FUZZ_FOLDER}/files_driver.cc)
  endif()
endfunction()

# Finds a failure of SUITE (with FLAGS of the sweep), shrinks it, and has it written as a test: to TEST, and to FIXED with the suite
# WITHOUT_BUG in its place.
set(folder ${TEST}.work)
file(MAKE_DIRECTORY ${folder})
execute_process(COMMAND ${POLLUX} run ${SUITE} ${FLAGS} --seeds 0..4000 --fail-fast --quiet
  WORKING_DIRECTORY ${folder} OUTPUT_VARIABLE found)
string(REGEX MATCH "pollux replay ([^ \n]+)" replay "${found}")
if(NOT replay)
  message(FATAL_ERROR "${SUITE} did not fail:\n${found}")
endif()
execute_process(COMMAND ${POLLUX} shrink ${CMAKE_MATCH_1} --quiet --emit-test ${TEST}
  WORKING_DIRECTORY ${folder} OUTPUT_VARIABLE shrunk RESULT_VARIABLE code)
if(NOT code EQUAL 1 OR NOT EXISTS ${TEST})
  message(FATAL_ERROR "shrink exits with ${code}:\n${shrunk}")
endif()
file(READ ${TEST} source)
string(REPLACE "kSuite = \"${SUITE}\"" "kSuite = \"${WITHOUT_BUG}\"" source "${source}")
file(WRITE ${FIXED} "${source}")

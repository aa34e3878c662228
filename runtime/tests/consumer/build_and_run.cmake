# cmake -DBUILD=... -DSCRATCH=... -DCOMPILER=... -P build_and_run.cmake: installs netpoll from BUILD
# below SCRATCH, builds the consumer against it, and runs it.
file(REMOVE_RECURSE ${SCRATCH})
foreach(command
    "${CMAKE_COMMAND};--install;${BUILD};--component;netpoll;--prefix;${SCRATCH}/prefix"
    "${CMAKE_COMMAND};-S;${CMAKE_CURRENT_LIST_DIR};-B;${SCRATCH}/build;-G;Ninja;-DCMAKE_CXX_COMPILER=${COMPILER};-DCMAKE_PREFIX_PATH=${SCRATCH}/prefix"
    "${CMAKE_COMMAND};--build;${SCRATCH}/build"
    "${SCRATCH}/build/consumer")
  execute_process(COMMAND ${command} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${command}: ${result}\n${output}")
  endif()
endforeach()

# Applies PATCH_FILE to ORIGINAL and writes PATCHED. Text in front of the diff is for people.
get_filename_component(directory ${PATCHED} DIRECTORY)
file(MAKE_DIRECTORY ${directory})
execute_process(
  COMMAND ${PATCH} --quiet --fuzz=0 --reject-file=- --output=${PATCHED} ${ORIGINAL} ${PATCH_FILE}
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  file(REMOVE ${PATCHED})
  message(FATAL_ERROR "${PATCH_FILE} no longer applies to ${ORIGINAL}: refresh the patch, so that it "
                      "still plants the bug that its head describes.\n${output}")
endif()

# run(OUTPUT command...): runs a command; its failure is the test's. Both streams go into the variable OUTPUT.
function(run output)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "exit status ${result} of: ${command}\n${text}")
  endif()
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

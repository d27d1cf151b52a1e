# Installs the build into a prefix of its own, builds examples/embed against that, and reads what it prints.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
set(prefix ${WORK_DIR}/prefix)
file(REMOVE_RECURSE ${WORK_DIR})
run(ignored ${CMAKE_COMMAND} --install ${BINARY_DIR} --prefix ${prefix})

# The exported files must hold nothing of this machine's folders and none of the targets that are not installed.
file(GLOB_RECURSE exported ${prefix}/*Targets*.cmake)
if(NOT exported)
  message(FATAL_ERROR "no exported targets below ${prefix}")
endif()
foreach(file IN LISTS exported)
  file(READ ${file} text)
  foreach(word "${SOURCE_DIR}" hone_compile hone_core)
    string(FIND "${text}" "${word}" position)
    if(NOT position EQUAL -1)
      message(FATAL_ERROR "${file} names ${word}")
    endif()
  endforeach()
endforeach()

# An installed program finds its libraries.
if(PROGRAMS)
  run(version ${prefix}/bin/hone-sft --version)
endif()

run(ignored ${CMAKE_COMMAND} -S ${SOURCE_DIR}/examples/embed -B ${WORK_DIR}/build -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_PREFIX_PATH=${prefix})
run(ignored ${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(text ${WORK_DIR}/build/embed)
message("${text}")

set(loss "loss ([0-9.]+)")
if(NOT text MATCHES "old task: +${loss}.*before training: +${loss}.*after training: +${loss}")
  message(FATAL_ERROR "the losses are not in the output")
endif()
set(learnt ${CMAKE_MATCH_1})
set(before ${CMAKE_MATCH_2})
set(after ${CMAKE_MATCH_3})
# The variance of the target is about 0.5: the base learns its task, is of little use for the new one until adapted.
if(NOT (learnt LESS 0.01 AND before GREATER 0.05 AND after LESS 0.01))
  message(FATAL_ERROR "losses: old task ${learnt}, new task ${before} before and ${after} after training")
endif()
if(NOT text MATCHES "base weights changed: +no")
  message(FATAL_ERROR "the frozen base was trained")
endif()
# Merging rounds once per weight: a few units in the last place of an fp32 sum of 64 terms.
if(NOT text MATCHES "max difference ([0-9]\\.[0-9]e-(0[6-9]|[1-9][0-9])|0\\.0e\\+00)")
  message(FATAL_ERROR "merged and unmerged differ")
endif()

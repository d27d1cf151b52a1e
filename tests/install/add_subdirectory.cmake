# Configures a project that takes hone in by add_subdirectory. Nothing is compiled: that would be hone all over again.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(REMOVE_RECURSE ${WORK_DIR})
run(text ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/subproject -B ${WORK_DIR} -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DTorch_DIR=${Torch_DIR} -DHONE_DIR=${SOURCE_DIR})

# How hone's own code is compiled: language, warnings, sanitizers, compiler cache. None of it is exported.
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)  # every program in one place
  find_program(HONE_CCACHE ccache)
  if(HONE_CCACHE)
    # The precompiled header is told apart by its contents, not by its time stamp; paths below the source folder count
    # as relative, so that a second clone finds what the first one compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
        CCACHE_NOHASHDIR=1
        ${HONE_CCACHE})
  endif()
endif()

# Several sources of a target compiled as one: each of them alone spends most of its time on the same headers.
if(HONE_UNITY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
endif()

add_library(hone_compile INTERFACE)
target_compile_features(hone_compile INTERFACE cxx_std_20)
target_compile_options(hone_compile INTERFACE -Wall -Wextra -Wshadow)
if(HONE_WARNINGS_AS_ERRORS)
  target_compile_options(hone_compile INTERFACE -Werror)
endif()
if(HONE_CCACHE)
  target_compile_options(hone_compile INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
if(HONE_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  # g++ 12 sees uninitialised reads in LibTorch's headers where the sanitizers' checks stand between.
  target_compile_options(hone_compile INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

# A program that uses LibTorch shares the precompiled header of hone_modules, so its code is compiled as theirs is.
function(hone_share_precompiled_header target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  target_precompile_headers(${target} REUSE_FROM hone_modules)
endfunction()

# Every package that hone uses, found once. A project that takes hone in by add_subdirectory sees these targets too.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
if(HONE_TORCH)
  set(kineto_LIBRARY torch)  # the wheel has no libkineto; this silences a CMake warning
  find_package(Torch 2.13 REQUIRED)
  if(TARGET caffe2::mkl)  # drops link directories that do not exist
    set_target_properties(caffe2::mkl PROPERTIES INTERFACE_LINK_DIRECTORIES "")
  endif()

  # LibTorch behind one target of ours, so that no absolute path of it enters the exported file.
  add_library(hone_torch INTERFACE)
  add_library(hone::torch ALIAS hone_torch)
  set_target_properties(hone_torch PROPERTIES EXPORT_NAME torch)
  target_link_libraries(hone_torch INTERFACE torch torch_library c10)
endif()

find_package(nlohmann_json 3.11 REQUIRED)
find_package(simdjson REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(YAMLCPP REQUIRED IMPORTED_TARGET yaml-cpp)

# What hone_core is linked with; CMake does not pass it on from an object library.
if(NOT TARGET hone_core_needs)
  add_library(hone_core_needs INTERFACE)
  target_link_libraries(hone_core_needs INTERFACE simdjson::simdjson ZLIB::ZLIB PkgConfig::SENTENCEPIECE
    PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::XXHASH PkgConfig::ZSTD PkgConfig::TOMLPLUSPLUS PkgConfig::YAMLCPP)
endif()

if(HONE_BUILD_PROGRAMS OR HONE_BUILD_TESTS)
  find_package(CLI11 2.1 REQUIRED)
endif()
if(HONE_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED)
endif()

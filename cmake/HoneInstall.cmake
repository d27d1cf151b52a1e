# What `cmake --install` puts where: libraries, headers, programs, data, and the files by which another project's
# find_package(hone) gets hone::modules (LibTorch alone) and hone::hone (everything).
option(HONE_INSTALL "Make install rules" ${PROJECT_IS_TOP_LEVEL})
if(NOT HONE_INSTALL OR NOT TARGET hone_modules OR NOT TARGET hone)
  return()
endif()
include(CMakePackageConfigHelpers)

set(hone_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hone)
file(RELATIVE_PATH hone_bin_to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})

# An installed file finds its neighbours by its own place, and LibTorch where the build found it. Said outright: CMake
# leaves out a LibTorch that lies below the build folder, as the one that tools/setup.sh installs does.
get_target_property(hone_torch_file torch IMPORTED_LOCATION)
if(NOT hone_torch_file)
  get_target_property(hone_torch_file torch IMPORTED_LOCATION_RELEASE)
endif()
get_filename_component(hone_torch_lib_dir "${hone_torch_file}" DIRECTORY)
set_target_properties(hone_modules hone PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  INSTALL_RPATH "$ORIGIN;${hone_torch_lib_dir}"
  INSTALL_RPATH_USE_LINK_PATH ON)

install(TARGETS hone_torch hone_modules EXPORT honeModulesTargets)
install(TARGETS hone EXPORT honeTargets)
install(EXPORT honeModulesTargets NAMESPACE hone:: DESTINATION ${hone_package_dir})
install(EXPORT honeTargets NAMESPACE hone:: DESTINATION ${hone_package_dir})
install(DIRECTORY modules/hone src/hone DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "precompiled.h" EXCLUDE)
install(DIRECTORY data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/hone OPTIONAL)

# Every program of recipes/ and tools/ whose name starts with "hone-".
if(HONE_BUILD_PROGRAMS)
  foreach(folder recipes tools)
    get_directory_property(targets DIRECTORY ${folder} BUILDSYSTEM_TARGETS)
    foreach(target IN LISTS targets)
      get_target_property(type ${target} TYPE)
      if(type STREQUAL "EXECUTABLE" AND target MATCHES "^hone-")
        set_target_properties(${target} PROPERTIES
          INSTALL_RPATH "$ORIGIN/${hone_bin_to_lib};${hone_torch_lib_dir}"
          INSTALL_RPATH_USE_LINK_PATH ON)
        install(TARGETS ${target})
      endif()
    endforeach()
  endforeach()
endif()

configure_package_config_file(cmake/honeConfig.cmake.in honeConfig.cmake INSTALL_DESTINATION ${hone_package_dir})
write_basic_package_version_file(honeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/honeConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/honeConfigVersion.cmake
        DESTINATION ${hone_package_dir})

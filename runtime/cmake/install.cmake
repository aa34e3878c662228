# cmake --install BUILD --component netpoll: headers, library, and what find_package(pollux) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pollux)
install(TARGETS netpoll EXPORT netpoll-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT netpoll)
install(DIRECTORY include/netpoll DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT netpoll)
install(EXPORT netpoll-targets NAMESPACE netpoll:: DESTINATION ${package_dir} COMPONENT netpoll)
configure_package_config_file(cmake/pollux-config.cmake.in pollux-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(pollux-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/pollux-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/pollux-config-version.cmake
  DESTINATION ${package_dir} COMPONENT netpoll)

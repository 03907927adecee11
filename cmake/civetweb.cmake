# Builds civetweb from source. Debian's binary package of 1.15 has no IPv6, needs 2 s to stop, and crashes in
# the first TLS handshake with OpenSSL 3. scripts/run fetches the source package.
set(CIVETWEB_SOURCE_DIR "${CMAKE_SOURCE_DIR}/.deps/civetweb" CACHE PATH "Folder with the unpacked source of civetweb")
if(NOT EXISTS "${CIVETWEB_SOURCE_DIR}/src/civetweb.c")
  message(FATAL_ERROR "The source of civetweb is not in ${CIVETWEB_SOURCE_DIR}: "
                      "run scripts/run once, or pass -DCIVETWEB_SOURCE_DIR=")
endif()

# USE_X_DOM_SOCKET: when 1.15 itself logs a message about a client on a UNIX socket, it writes one byte past a
# buffer. So the code that starts civetweb must set a log callback that returns 1.
add_library(civetweb STATIC "${CIVETWEB_SOURCE_DIR}/src/civetweb.c")
target_include_directories(civetweb SYSTEM PUBLIC "${CIVETWEB_SOURCE_DIR}/include")
target_compile_definitions(civetweb PRIVATE
  NO_CGI NO_FILES NO_SSL_DL OPENSSL_API_3_0 SOCKET_TIMEOUT_QUANTUM=200 USE_IPV6 USE_X_DOM_SOCKET)
target_compile_options(civetweb PRIVATE -w)
if(BACKUP_EXPORTER_SANITIZE STREQUAL "thread")
  # The stop flag of civetweb is volatile and not atomic: a real data race, but outside this project.
  target_compile_options(civetweb PRIVATE -fno-sanitize=thread)
endif()
target_link_libraries(civetweb
  PUBLIC OpenSSL::SSL OpenSSL::Crypto Threads::Threads ${CMAKE_DL_LIBS})

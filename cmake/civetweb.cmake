# civetweb from its source, since Debian's binary of 1.15 has no IPv6, takes 2 s to stop and crashes in
# the first TLS handshake with OpenSSL 3. scripts/run fetches the source package.
set(CIVETWEB_SOURCE_DIR "${CMAKE_SOURCE_DIR}/.deps/civetweb" CACHE PATH "Unpacked source of civetweb")
if(NOT EXISTS "${CIVETWEB_SOURCE_DIR}/src/civetweb.c")
  message(FATAL_ERROR "civetweb's source is not in ${CIVETWEB_SOURCE_DIR}: "
                      "run scripts/run once, or pass -DCIVETWEB_SOURCE_DIR=")
endif()

# USE_X_DOM_SOCKET: 1.15 writes one byte past a buffer when it logs about a client on a UNIX socket
# itself, so whoever starts civetweb takes its messages by callback (and answers 1).
add_library(civetweb STATIC "${CIVETWEB_SOURCE_DIR}/src/civetweb.c")
target_include_directories(civetweb SYSTEM PUBLIC "${CIVETWEB_SOURCE_DIR}/include")
target_compile_definitions(civetweb PRIVATE
  NO_CGI NO_FILES NO_SSL_DL OPENSSL_API_3_0 SOCKET_TIMEOUT_QUANTUM=200 USE_IPV6 USE_X_DOM_SOCKET)
target_compile_options(civetweb PRIVATE -w)
if(BACKUP_EXPORTER_SANITIZE STREQUAL "thread")
  # Its stop flag is volatile instead of atomic: a true finding, and not ours to mend.
  target_compile_options(civetweb PRIVATE -fno-sanitize=thread)
endif()
target_link_libraries(civetweb
  PUBLIC OpenSSL::SSL OpenSSL::Crypto Threads::Threads ${CMAKE_DL_LIBS})

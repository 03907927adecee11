# Registers test suites with ctest: one process for each suite, or for each case. ctest includes this file when it
# starts, and this file reads the suites from the sources, so there is no list to maintain.
#
# A test file may have a line `// Labels: …`, which labels all of its suites:
#   threads  the thread sanitizer runs them, too
#   serial   they run alone, since they measure time or memory
#   heavy    they compute for minutes: optimised, and a process for each case
# A suite named …AtLength is registered a second time as `long.…`, which scripts/test --long runs for hours
# (kit/long_run.h). If it drives the program, its short form runs in the release build only. A suite named
# …Tools is registered a second time as `peers.…`, for scripts/test --peers.

# ctest sets no policies of its own.
cmake_policy(VERSION 3.25)

# read_labels(SOURCE RESULT): stores the labels of a test file in the variable RESULT.
function(read_labels source result)
  file(STRINGS "${source}" line REGEX "^// Labels: " LIMIT_COUNT 1)
  string(REGEX REPLACE "^// Labels: *" "" labels "${line}")
  string(REGEX REPLACE "[ ,]+" ";" labels "${labels}")
  set(${result} "${labels}" PARENT_SCOPE)
endfunction()

# register(NAME PROGRAM FILTER LABELS [PROPERTY VALUE…]): adds one test with these labels and ctest properties.
function(register name program filter labels)
  add_test("${name}" "${program}" "--gtest_filter=${filter}" --gtest_brief=1)
  set_tests_properties("${name}" PROPERTIES LABELS "${labels}" TIMEOUT 1200
    FAIL_REGULAR_EXPRESSION "0 tests from 0 test suites ran" ${ARGN})
  if("serial" IN_LIST labels)
    set_tests_properties("${name}" PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

# register_suites(PROGRAM suite|case LABELS PATH_ADDITION SOURCE…): adds the suites of these sources, from which
# PROGRAM was built. PATH_ADDITION is appended to PATH.
function(register_suites program granularity labels path_addition)
  set(environment ENVIRONMENT_MODIFICATION "PATH=path_list_append:${path_addition}")
  foreach(source IN LISTS ARGN)
    read_labels("${source}" of_source)
    file(READ "${source}" text)
    string(REGEX MATCHALL "\n(TYPED_)?TEST(_F|_P)?\\([ \n]*[A-Za-z0-9_]+,[ \n]*[A-Za-z0-9_]+" macros "${text}")
    foreach(macro IN LISTS macros)
      string(REGEX MATCH "\\([ \n]*([A-Za-z0-9_]+),[ \n]*([A-Za-z0-9_]+)" match "${macro}")
      set(suite "${CMAKE_MATCH_1}")
      set(case "*")
      if(granularity STREQUAL "case" OR "heavy" IN_LIST of_source)
        set(case "${CMAKE_MATCH_2}")
      endif()
      string(REPLACE ".*" "" name "${suite}.${case}")
      if(name IN_LIST known)
        continue()
      endif()
      list(APPEND known "${name}")
      set(filter "${suite}.${case}:*/${suite}.${case}:*/${suite}.${case}/*:${suite}/*.${case}")
      set(of_suite ${labels} ${of_source})
      if(suite MATCHES "AtLength$")
        list(TRANSFORM of_suite REPLACE "^end_to_end$" "release")
        register("long.${name}" "${program}" "${filter}" "long" ${environment}
                 ENVIRONMENT BACKUP_EXPORTER_LONG=1 TIMEOUT 7200)
      endif()
      if(suite MATCHES "Tools$")
        register("peers.${name}" "${program}" "${filter}" "peers" ${environment})
      endif()
      register("${name}" "${program}" "${filter}" "${of_suite}" ${environment})
    endforeach()
  endforeach()
endfunction()

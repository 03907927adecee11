# Registers test suites with ctest: one process for each suite, or for each case. ctest includes this
# when it starts and reads the suites out of the sources, so that no list has to be kept.
#
# A test file may have a line `// Labels: …`, which labels all of its suites:
#   threads  run under the thread sanitizer, too
#   serial   runs alone, since it measures time or memory
# A suite named …AtLength is registered a second time as `long.…`, which scripts/test --long runs for
# hours (kit/long_run.h). Where it drives the program, it runs in the release build only.

# The labels of a test file, into the variable `result`.
function(read_labels source result)
  file(STRINGS "${source}" line REGEX "^// Labels: " LIMIT_COUNT 1)
  string(REGEX REPLACE "^// Labels: *" "" labels "${line}")
  string(REGEX REPLACE "[ ,]+" ";" labels "${labels}")
  set(${result} "${labels}" PARENT_SCOPE)
endfunction()

# One test. LABELS and the properties that follow it are those of ctest.
function(register name program filter labels)
  add_test("${name}" "${program}" "--gtest_filter=${filter}" --gtest_brief=1)
  set_tests_properties("${name}" PROPERTIES LABELS "${labels}" TIMEOUT 600
    FAIL_REGULAR_EXPRESSION "0 tests from 0 test suites ran" ${ARGN})
  if("serial" IN_LIST labels)
    set_tests_properties("${name}" PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

# register_suites(PROGRAM suite|case LABELS PATH_ADDITION SOURCE…): the suites of these sources, which
# PROGRAM was built from. PATH_ADDITION is appended to PATH.
function(register_suites program granularity labels path_addition)
  set(environment ENVIRONMENT_MODIFICATION "PATH=path_list_append:${path_addition}")
  foreach(source IN LISTS ARGN)
    read_labels("${source}" of_source)
    file(STRINGS "${source}" macros REGEX "^(TYPED_)?TEST(_F|_P)?\\(")
    foreach(macro IN LISTS macros)
      string(REGEX MATCH "\\( *([A-Za-z0-9_]+), *([A-Za-z0-9_]*)" match "${macro}")
      set(suite "${CMAKE_MATCH_1}")
      set(case "*")
      if(granularity STREQUAL "case" AND NOT CMAKE_MATCH_2 STREQUAL "")
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

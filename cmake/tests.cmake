# Unit tests: tests/unit/ROOM/test_*.c, one cmocka program each, linked with
# that room. Fuzz targets: tests/fuzz/fuzz_*.c, replayed over their corpus by
# CTest and, with SIGNET_FUZZ, built for libFuzzer.
enable_testing()

if(CMOCKA_FOUND)
	file(GLOB tests CONFIGURE_DEPENDS tests/unit/*/test_*.c)
	foreach(source ${tests})
		get_filename_component(name ${source} NAME_WE)
		get_filename_component(dir ${source} DIRECTORY)
		get_filename_component(roomname ${dir} NAME)
		if(NOT TARGET sg_${roomname})
			continue()
		endif()
		file(GLOB helpers CONFIGURE_DEPENDS tests/unit/${roomname}/helper_*.c)
		add_executable(${roomname}_${name} ${source} ${helpers})
		target_include_directories(${roomname}_${name} PRIVATE tests/unit)
		target_link_libraries(${roomname}_${name} PRIVATE
		    sg_${roomname} PkgConfig::CMOCKA)
		target_compile_definitions(${roomname}_${name} PRIVATE
		    TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data"
		    TEST_CATALOG="${CMAKE_SOURCE_DIR}/catalog"
		    TEST_BIN="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
		set_target_properties(${roomname}_${name} PROPERTIES
		    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
		add_test(NAME ${roomname}/${name} COMMAND ${roomname}_${name})
		set_tests_properties(${roomname}/${name} PROPERTIES TIMEOUT 300)
	endforeach()
endif()

# fuzz_ROOM_what.c: LLVMFuzzerTestOneInput over tests/fuzz/corpus/ROOM_what/
file(GLOB fuzzers CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(source ${fuzzers})
	get_filename_component(name ${source} NAME_WE)
	string(REGEX REPLACE "^fuzz_" "" what ${name})
	string(REGEX REPLACE "_.*$" "" roomname ${what})
	if(NOT TARGET sg_${roomname})
		continue()
	endif()
	if(SIGNET_FUZZ)
		add_executable(${name} ${source})
		target_link_options(${name} PRIVATE -fsanitize=fuzzer)
	else()
		add_executable(${name} ${source} tests/fuzz/replay_main.c)
		add_test(NAME fuzz/${what} COMMAND ${name}
		    ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${what})
	endif()
	target_link_libraries(${name} PRIVATE sg_${roomname})
	set_target_properties(${name} PROPERTIES
	    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endforeach()

# Bench programs: tests/bench/bench_*.c, linked with every room.
file(GLOB benches CONFIGURE_DEPENDS tests/bench/bench_*.c)
foreach(source ${benches})
	get_filename_component(name ${source} NAME_WE)
	if(NOT TARGET sg_enroll OR NOT TARGET sg_ca)
		continue()
	endif()
	add_executable(${name} ${source})
	target_link_libraries(${name} PRIVATE sg_enroll sg_ca sg_watch sg_store)
	set_target_properties(${name} PROPERTIES
	    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endforeach()

# Installation: programs in bin, data in share/signet, manual pages where scdoc
# is there to make them; a Debian package from the same rules.
install(DIRECTORY catalog/ DESTINATION share/signet/catalog)
install(FILES tools/systemd/signet.service DESTINATION lib/systemd/system)

find_program(SCDOC scdoc)
if(SCDOC)
	file(GLOB pages CONFIGURE_DEPENDS docs/man/*.scd)
	set(made)
	foreach(page ${pages})
		get_filename_component(name ${page} NAME_WLE)
		string(REGEX REPLACE "^.*\\." "" section ${name})
		set(out ${CMAKE_BINARY_DIR}/man/${name})
		add_custom_command(OUTPUT ${out} DEPENDS ${page}
		    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
		    COMMAND ${SCDOC} < ${page} > ${out} VERBATIM)
		list(APPEND made ${out})
		install(FILES ${out} DESTINATION share/man/man${section})
	endforeach()
	add_custom_target(manual ALL DEPENDS ${made})
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME signet)
set(CPACK_PACKAGE_CONTACT "the people who build Signet")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "certificates of a phone system: CA, enrolment, watch")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
include(CPack)

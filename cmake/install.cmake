# Installation: programs in bin, data in share/signet, manual pages where scdoc
# is there to make them; a Debian package from the same rules.
install(DIRECTORY catalog/ DESTINATION share/signet/catalog)
install(FILES README.md DESTINATION share/doc/signet)
install(FILES LICENSE DESTINATION share/doc/signet RENAME copyright)

# The unit starts the signetd of this installation, wherever that is: the
# prefix is known only now ("cmake --install --prefix", cpack).
install(CODE "
file(READ \"${CMAKE_SOURCE_DIR}/tools/systemd/signet.service\" unit)
string(REPLACE \"/usr/bin/\" \"\${CMAKE_INSTALL_PREFIX}/bin/\" unit \"\${unit}\")
file(WRITE \"${CMAKE_BINARY_DIR}/signet.service\" \"\${unit}\")
")
install(FILES ${CMAKE_BINARY_DIR}/signet.service
    DESTINATION lib/systemd/system)

# commands that share a page
set(SIGNET_MAN_LINKS ignite:status revoke:issue hold:issue release:issue
    certs:issue)

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
	foreach(pair ${SIGNET_MAN_LINKS})
		string(REPLACE ":" ";" pair ${pair})
		list(GET pair 0 from)
		list(GET pair 1 to)
		# a page of one request is a link that every man(1) reads
		file(WRITE ${CMAKE_BINARY_DIR}/man/signet-${from}.1
		    ".so man1/signet-${to}.1\n")
		install(FILES ${CMAKE_BINARY_DIR}/man/signet-${from}.1
		    DESTINATION share/man/man1)
	endforeach()
else()
	message(STATUS "scdoc is not installed: no manual pages")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME signet)
set(CPACK_PACKAGE_CONTACT "The Signet maintainers <maintainers@signet.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "certificate authority and enrollment server for phone systems")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Keeps the certificates of a phone system: a certificate authority, SCEP
enrollment, a trust store, warnings before anything expires, and a ledger
of all that was done.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "man-db")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql, rsyslog")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
include(CPack)

# A thin front for those who work on Signet. Newcomers need only ./run and
# ./check; see CONTRIBUTING.md.
.PHONY: setup build check bench fuzz lint install deb clean

setup:
	tools/setup test

build:
	tools/setup build
	cmake --preset release >/dev/null
	ninja -C build

check:
	./check

# make bench [ONLY=name]: one line a figure
bench: build
	tests/bench/run $(ONLY)

# make fuzz [ONLY=cert_x509] [SECONDS=60]: long runs, corpus kept
fuzz:
	tests/fuzz/run $(or $(SECONDS),60) $(ONLY)

lint:
	tools/lint
	find src tests -name '*.[ch]' | xargs clang-format-14 --dry-run -Werror
	cppcheck --quiet --std=c11 --enable=warning,portability \
	    --inline-suppr --suppressions-list=tools/cppcheck.txt \
	    --error-exitcode=1 -j 2 -I src src

install: build
	DESTDIR=$(DESTDIR) cmake --install build

deb: build
	cd build && cpack -G DEB --config CPackConfig.cmake

clean:
	rm -rf build build-asan build-clang build-fuzz

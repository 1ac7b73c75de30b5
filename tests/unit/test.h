/* tests/unit/test.h: what every cmocka program needs, in the order cmocka
 * wants. */
#ifndef SIGNET_TESTS_UNIT_TEST_H
#define SIGNET_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif

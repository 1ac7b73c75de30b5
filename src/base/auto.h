/*
 * base/auto: locals that free themselves.
 *
 * AUTO_DEFINE(type, fn) once per type, then AUTO(type) *x = NULL; frees x at
 * the end of the scope.  TAKE(x) hands the pointer on and leaves NULL behind.
 */
#ifndef SIGNET_BASE_AUTO_H
#define SIGNET_BASE_AUTO_H

#include <stdlib.h>

#define AUTO_DEFINE(type, fn)                       \
	static inline void auto_##type##_(type **p) \
	{                                           \
		if (*p)                             \
			fn(*p);                     \
	}                                           \
	typedef type auto_type_##type##_

/* for struct tags: AUTO_DEFINE_STRUCT(buf, buf_free); AUTO_STRUCT(buf) *b */
#define AUTO_DEFINE_STRUCT(tag, fn)                      \
	static inline void auto_##tag##_(struct tag **p) \
	{                                                \
		if (*p)                                  \
			fn(*p);                          \
	}                                                \
	struct tag

#define AUTO(type) __attribute__((cleanup(auto_##type##_))) type
#define AUTO_STRUCT(tag) __attribute__((cleanup(auto_##tag##_))) struct tag

#define TAKE(x)                            \
	__extension__({                    \
		__typeof__(x) take_ = (x); \
		(x) = NULL;                \
		take_;                     \
	})

static inline void
auto_char_(char **p)
{
	free(*p);
}

static inline void
auto_uint8_t_(unsigned char **p)
{
	free(*p);
}

#endif

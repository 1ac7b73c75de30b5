#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static const char *log_program = "signet";
static enum log_level log_most = LOG_NOTICE;

void
log_open(const char *program, enum log_level level)
{
	log_program = program;
	log_most = level;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "", "error: ", "warning: ", "",
		"" };
	char raw[1024], text[1200], line[1300];
	va_list ap;
	int n;

	if (level > log_most)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_escape(text, sizeof(text), raw, strlen(raw));
	n = snprintf(
	    line, sizeof(line), "%s: %s%s\n", log_program, names[level], text);
	if (n > 0 &&
	    write(STDERR_FILENO, line,
		(size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
		return;
}

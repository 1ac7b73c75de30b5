#include "base/diag.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

__attribute__((format(printf, 2, 0))) static void
set_part(char *part, const char *fmt, va_list ap)
{
	char raw[DIAG_TEXT_MAX];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	str_escape(part, DIAG_TEXT_MAX, raw, strlen(raw));
}

int
diag_set(struct diag *d, int code, const char *object, const char *rule,
    const char *fact, ...)
{
	va_list ap;

	if (!d)
		return code;
	memset(d, 0, sizeof(*d));
	d->code = code;
	if (object)
		str_escape(
		    d->object, sizeof(d->object), object, strlen(object));
	if (rule)
		str_escape(d->rule, sizeof(d->rule), rule, strlen(rule));
	va_start(ap, fact);
	set_part(d->fact, fact, ap);
	va_end(ap);
	return code;
}

void
diag_remedy(struct diag *d, const char *text, ...)
{
	va_list ap;

	if (!d)
		return;
	va_start(ap, text);
	set_part(d->remedy, text, ap);
	va_end(ap);
}

void
diag_print(const struct diag *d, char *out, unsigned long size)
{
	const char *fact = d->fact[0] ? d->fact : err_text(d->code);

	snprintf(out, size, "%s%s%s%s%s%s%s", d->object,
	    d->object[0] ? ": " : "", d->rule, d->rule[0] ? ": " : "", fact,
	    d->remedy[0] ? "; " : "", d->remedy);
}

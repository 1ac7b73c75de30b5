#include "base/time.h"

#include <stdio.h>

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* days from 1970-01-01 to 1 January of year */
static int64_t
days_to_year(int64_t year)
{
	int64_t y = year - 1;

	return 365 * (year - 1970) + (y / 4 - 492) - (y / 100 - 19) +
	       (y / 400 - 4);
}

struct time_civil
time_to_civil(int64_t utc)
{
	int64_t days = utc / TIME_DAY, rest = utc % TIME_DAY;
	struct time_civil c = { .month = 1 };

	if (rest < 0) {
		rest += TIME_DAY;
		days--;
	}
	c.year = 1970 + (int)(days / 366);
	while (days_to_year(c.year + 1) <= days)
		c.year++;
	while (days_to_year(c.year) > days)
		c.year--;
	days -= days_to_year(c.year);
	while (days >= days_in_month(c.year, c.month))
		days -= days_in_month(c.year, c.month++);
	c.day = (int)days + 1;
	c.hour = (int)(rest / 3600);
	c.minute = (int)(rest / 60 % 60);
	c.second = (int)(rest % 60);
	return c;
}

int
time_from_civil(const struct time_civil *c, int64_t *ret)
{
	int64_t days;

	if (c->year < 1950 || c->year > 9999 || c->month < 1 || c->month > 12 ||
	    c->day < 1 || c->day > days_in_month(c->year, c->month) ||
	    c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 ||
	    c->second < 0 || c->second > 59)
		return E_PARSE;
	days = days_to_year(c->year) + c->day - 1;
	for (int m = 1; m < c->month; m++)
		days += days_in_month(c->year, m);
	*ret = days * TIME_DAY + c->hour * 3600 + c->minute * 60 + c->second;
	return 0;
}

void
time_print(int64_t utc, char *out)
{
	struct time_civil c = time_to_civil(utc);

	snprintf(out, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year,
	    c.month, c.day, c.hour, c.minute, c.second);
}

int
time_parse(const char *text, int64_t *ret)
{
	struct time_civil c = { 0 };
	int used = 0, oh = 0, om = 0, after = 0;
	int64_t utc, offset = 0;
	char sep, sign;

	if (sscanf(text, "%4d-%2d-%2d%n", &c.year, &c.month, &c.day, &used) !=
		3 ||
	    used != 10)
		return E_PARSE;
	if (text[10] == '\0')
		return time_from_civil(&c, ret);
	used = 0;
	if (sscanf(text + 10, "%c%2d:%2d:%2d%n", &sep, &c.hour, &c.minute,
		&c.second, &used) != 4 ||
	    used != 9 || (sep != 'T' && sep != 't' && sep != ' '))
		return E_PARSE;
	text += 19;
	if (sscanf(text, "%c%2d:%2d%n", &sign, &oh, &om, &after) == 3 &&
	    after == 6 && text[6] == '\0' && (sign == '+' || sign == '-') &&
	    oh < 24 && om < 60)
		offset = (sign == '+' ? 1 : -1) * (oh * 3600 + om * 60);
	else if ((text[0] != 'Z' && text[0] != 'z') || text[1] != '\0')
		return E_PARSE;
	if (time_from_civil(&c, &utc))
		return E_PARSE;
	*ret = utc - offset;
	return 0;
}

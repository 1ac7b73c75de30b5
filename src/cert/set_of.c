/* cert/der, DER order of a SET OF: X.690 11.6. */
#include <stdlib.h>

#include "cert/cert_internal.h"

/* octet by octet; the shorter one counts as padded with zeros */
static int
element_cmp(const void *va, const void *vb)
{
	const struct span *a = (const struct span *)va;
	const struct span *b = (const struct span *)vb;
	size_t n = a->n < b->n ? a->n : b->n;
	int order = n ? memcmp(a->p, b->p, n) : 0;

	if (order)
		return order;
	return a->n < b->n ? -1 : a->n > b->n;
}

void
set_of_sort(struct span *elements, size_t n)
{
	if (n > 1)
		qsort(elements, n, sizeof(*elements), element_cmp);
}

void
set_of_write(struct derw *w, int tag, struct span *elements, size_t n)
{
	size_t mark = derw_mark(w);

	set_of_sort(elements, n);
	for (size_t i = n; i-- > 0;)
		derw_raw(w, elements[i]);
	derw_wrap(w, tag, mark);
}

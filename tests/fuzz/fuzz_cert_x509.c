/* CERT-1, CERT-2: certificates, and what reads the fields of a parsed one. */
#include "cert/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_STRUCT(x509) *c = NULL;
	struct san_list san;
	struct x509 bare;
	struct diag d = { 0 };
	char text[2048];

	(void)!x509_parse_tbs(span_of(data, n), &d, &bare);
	if (x509_parse(span_of(data, n), &d, &c))
		return 0;
	name_print(c->subject, text, sizeof(text));
	(void)name_get(c->subject, OID_CN, text, sizeof(text));
	json_decref(name_to_json(c->issuer));
	if (c->san.n && san_from_der(c->san, &san) == 0) {
		san_print(&san, text, sizeof(text));
		json_decref(san_to_json(&san));
	}
	x509_serial_print(c, text, sizeof(text));
	for (size_t i = 0; i < c->ext_n; i++)
		oid_print(c->ext[i].oid, text, sizeof(text));
	(void)!x509_verify(c, c->spki);
	return 0;
}

/*
 * bench_scep: makes SCEP requests beforehand and then only sends them, so that
 * a run measures the server and not the client.
 *
 *   bench_scep prepare RA.der PASSWORD COUNT OUT       "" for no password
 *   bench_scep run HOST PORT PATH FILE CLIENTS FROM COUNT
 *
 * run prints one JSON object: seconds, enrolments, refused, rate, and the rate
 * of the first and the last thousand. An enrolment counts only when the answer
 * is a CertRep whose signed attributes say pkiStatus 0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "cert/cms.h"
#include "cert/csr.h"

#define KEYS 16 /* client keys; requests differ in name and transaction */
#define ANSWER_MAX 65536 /* bytes of one HTTP answer */
#define EDGE 1000        /* "the first and the last thousand" */

struct client_key {
	EVP_PKEY *key;
	struct buf cert; /* self-signed */
	struct buf name;
	struct buf spki;
};

static void
die(const char *what)
{
	fprintf(stderr, "bench_scep: %s failed\n", what);
	exit(1);
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
client_key_make(struct client_key *k, unsigned n)
{
	char text[64];
	uint8_t serial[2] = { 1, (uint8_t)n };
	struct tbs_params p = { .serial = span_of(serial, 2),
		.issuer_key = KEY_RSA2048,
		.hash = HASH_SHA256,
		.no_bc = true,
		.path_len = -1,
		.not_before = 1700000000,
		.not_after = 2000000000 };
	BUF(tbs, 65536);
	BUF(sig, 4096);

	buf_init(&k->cert, 65536);
	buf_init(&k->name, 4096);
	buf_init(&k->spki, 4096);
	snprintf(text, sizeof(text), "CN=bench-key-%u", n);
	if (key_generate(KEY_RSA2048, &k->key) ||
	    name_build(text, NULL, &k->name) || spki_build(k->key, &k->spki))
		die("client key");
	p.issuer = p.subject = buf_span(&k->name);
	p.spki = buf_span(&k->spki);
	if (tbs_build(&p, &tbs) ||
	    key_sign(k->key, HASH_SHA256, buf_span(&tbs), &sig) ||
	    x509_assemble(buf_span(&tbs), KEY_RSA2048, HASH_SHA256,
		buf_span(&sig), &k->cert))
		die("client certificate");
}

static struct span
printable(struct derw *w, const char *text)
{
	derw_primitive(w, DER_PRINTABLE, span_str(text));
	return derw_span(w);
}

static void
request_make(struct client_key *k, const struct x509 *ra, const char *password,
    size_t n, struct buf *out)
{
	struct csr_params cp = { .challenge = *password ? password : NULL };
	struct cms_sign_params sp = { .has_content = true,
		.hash = HASH_SHA256,
		.signer_key = KEY_RSA2048,
		.cert_n = 1 };
	struct span cert = buf_span(&k->cert);
	struct x509 *self = NULL;
	struct cms_attr attrs[3];
	char text[64];
	uint8_t nonce[16];
	BUF(name, 4096);
	BUF(csr, 65536);
	BUF(env, 262144);
	BUF(set, 8192);
	BUF(sig, 4096);
	DERW(type);
	DERW(trans);
	DERW(snonce);

	snprintf(text, sizeof(text), "CN=bench-%08zu.example.com", n);
	if (name_build(text, NULL, &name))
		die("name");
	cp.subject = buf_span(&name);
	if (csr_build(k->key, &cp, &csr) ||
	    cms_enveloped_build(ra, OID_AES128_CBC, buf_span(&csr), &env) ||
	    x509_parse(cert, NULL, &self) || derw_init(&type, 64) ||
	    derw_init(&trans, 128) || derw_init(&snonce, 64))
		die("request");
	snprintf(text, sizeof(text), "bench-%016zx", n);
	memset(nonce, (int)(n & 255), sizeof(nonce));
	derw_primitive(&snonce, DER_OCTET_STRING, span_of(nonce, 16));
	attrs[0] = (struct cms_attr){ oid_span(OID_SCEP_MESSAGE_TYPE),
		printable(&type, "19") };
	attrs[1] = (struct cms_attr){ oid_span(OID_SCEP_TRANS_ID),
		printable(&trans, text) };
	attrs[2] = (struct cms_attr){ oid_span(OID_SCEP_SENDER_NONCE),
		derw_span(&snonce) };
	sp.content = buf_span(&env);
	sp.attrs = attrs;
	sp.attr_n = 3;
	sp.signer_issuer = self->issuer;
	sp.signer_serial = self->serial;
	sp.certs = &cert;
	if (cms_attrs_build(&sp, &set) ||
	    key_sign(k->key, HASH_SHA256, buf_span(&set), &sig) ||
	    cms_signed_build(&sp, buf_span(&set), buf_span(&sig), out))
		die("message");
	x509_free(self);
}

struct maker {
	struct client_key *keys;
	const struct x509 *ra;
	const char *password;
	size_t from, to;
	FILE *out; /* its own: the halves are joined in order */
};

static void *
maker_run(void *cookie)
{
	struct maker *m = cookie;
	BUF(msg, CMS_MAX);

	for (size_t i = m->from; i < m->to; i++) {
		uint32_t n;

		buf_reset(&msg);
		request_make(&m->keys[i % KEYS], m->ra, m->password, i, &msg);
		n = (uint32_t)msg.n;
		if (fwrite(&n, sizeof(n), 1, m->out) != 1 ||
		    fwrite(msg.p, 1, msg.n, m->out) != msg.n)
			die("write");
	}
	return NULL;
}

static void
append(FILE *out, FILE *half)
{
	static char block[1 << 16];
	size_t n;

	rewind(half);
	while ((n = fread(block, 1, sizeof(block), half)) > 0)
		if (fwrite(block, 1, n, out) != n)
			die("write");
	fclose(half);
}

static int
prepare(char **argv)
{
	struct client_key keys[KEYS];
	struct x509 *ra = NULL;
	size_t count = (size_t)strtoul(argv[4], NULL, 10);
	struct maker m[2];
	pthread_t t[2];
	FILE *in = fopen(argv[2], "rb"), *out = fopen(argv[5], "wb");
	static uint8_t der[X509_DER_MAX];
	size_t n = in ? fread(der, 1, sizeof(der), in) : 0;

	if (!out || x509_parse(span_of(der, n), NULL, &ra))
		die("reading the RA certificate");
	fclose(in);
	for (unsigned i = 0; i < KEYS; i++)
		client_key_make(&keys[i], i);
	for (int i = 0; i < 2; i++) {
		m[i] = (struct maker){ keys, ra, argv[3], count * (size_t)i / 2,
			count * (size_t)(i + 1) / 2, i ? tmpfile() : out };
		if (!m[i].out || pthread_create(&t[i], NULL, maker_run, &m[i]))
			die("thread");
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	append(out, m[1].out);
	if (fclose(out))
		die("write");
	x509_free(ra);
	return 0;
}

/* ---- sending ---- */

struct run {
	const char *host, *path;
	int port;
	const uint8_t *map;
	size_t *offsets; /* of each length prefix */
	size_t from, count;
	atomic_size_t next, ok, refused;
	atomic_size_t finished;
	double start, edge_first, edge_last; /* times */
};

static int
dial(const struct run *r)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)r->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || inet_pton(AF_INET, r->host, &a.sin_addr) != 1)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
send_all(int fd, const void *p, size_t n, int flags)
{
	for (size_t done = 0; done < n;) {
		ssize_t w = send(
		    fd, (const char *)p + done, n - done, flags | MSG_NOSIGNAL);

		if (w <= 0)
			return false;
		done += (size_t)w;
	}
	return true;
}

/* joins chunks in place (RFC 9112 7.1); false while the last has not come */
static bool
dechunk(char *body, size_t n, size_t *ret_n)
{
	size_t from = 0, to = 0;

	for (;;) {
		char *end, *line = memmem(body + from, n - from, "\r\n", 2);
		size_t size;

		if (!line)
			return false;
		size = strtoul(body + from, &end, 16);
		from = (size_t)(line - body) + 2;
		if (from + size + 2 > n)
			return false;
		if (size == 0) {
			*ret_n = to;
			return true;
		}
		memmove(body + to, body + from, size);
		to += size;
		from += size + 2;
	}
}

/* the whole message has come: its body within buf */
static bool
answer_is_whole(char *buf, size_t n, struct span *ret_body, bool *ret_close)
{
	static const char chunked[] = "\r\nTransfer-Encoding: chunked";
	char *end = memmem(buf, n, "\r\n\r\n", 4), *field;
	size_t head, size;

	if (!end)
		return false;
	head = (size_t)(end - buf) + 4;
	*end = '\0';
	*ret_close = strcasestr(buf, "\r\nConnection: close");
	field = strcasestr(buf, "\r\nContent-Length:");
	if (field) {
		size = strtoul(field + 17, NULL, 10);
		*ret_body = span_of(buf + head, size);
		*end = '\r';
		return n >= head + size;
	}
	if (!strcasestr(buf, chunked) ||
	    !memmem(buf + head, n - head, "\r\n0\r\n\r\n", 7)) {
		*end = '\r';
		return false;
	}
	if (!dechunk(buf + head, n - head, &size))
		return false;
	*ret_body = span_of(buf + head, size);
	return true;
}

static bool
read_answer(int fd, char *buf, struct span *ret_body, bool *ret_close)
{
	size_t n = 0;

	while (n < ANSWER_MAX) {
		ssize_t got = recv(fd, buf + n, ANSWER_MAX - n, 0);

		if (got <= 0)
			return false;
		n += (size_t)got;
		buf[n] = '\0';
		if (answer_is_whole(buf, n, ret_body, ret_close))
			return true;
	}
	return false;
}

static bool
is_issued(struct span body)
{
	struct cms_signed s;
	struct span status;

	if (cms_signed_parse(body, NULL, &s))
		return false;
	status = cms_attr_get(&s, OID_SCEP_PKI_STATUS);
	return status.n == 3 && status.p[2] == '0';
}

static bool
exchange(struct run *r, int *fd, char *buf, struct span msg)
{
	char head[256];
	struct span body;
	bool close_it = false;
	int n = snprintf(head, sizeof(head),
	    "POST %s?operation=PKIOperation HTTP/1.1\r\nHost: bench\r\n"
	    "Content-Type: application/x-pki-message\r\nContent-Length: "
	    "%zu\r\n\r\n",
	    r->path, msg.n);

	for (int tries = 0; tries < 3; tries++) {
		if (*fd < 0)
			*fd = dial(r);
		if (*fd >= 0 && send_all(*fd, head, (size_t)n, MSG_MORE) &&
		    send_all(*fd, msg.p, msg.n, 0) &&
		    read_answer(*fd, buf, &body, &close_it)) {
			bool ok = is_issued(body);

			if (close_it) {
				close(*fd);
				*fd = -1;
			}
			return ok;
		}
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
	return false;
}

static void *
sender(void *cookie)
{
	struct run *r = cookie;
	char *buf = malloc(ANSWER_MAX + 1);
	int fd = -1;

	for (;;) {
		size_t i = atomic_fetch_add(&r->next, 1), done;
		uint32_t n;

		if (i >= r->count || !buf)
			break;
		memcpy(&n, r->map + r->offsets[i], sizeof(n));
		if (exchange(
			r, &fd, buf, span_of(r->map + r->offsets[i] + 4, n)))
			atomic_fetch_add(&r->ok, 1);
		else
			atomic_fetch_add(&r->refused, 1);
		done = atomic_fetch_add(&r->finished, 1) + 1;
		if (done == EDGE)
			r->edge_first = now_s();
		if (done == r->count - EDGE)
			r->edge_last = now_s();
	}
	if (fd >= 0)
		close(fd);
	free(buf);
	return NULL;
}

static void
index_file(struct run *r, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	size_t at = 0, want = r->from + r->count;

	if (fd < 0 || fstat(fd, &st) || st.st_size == 0)
		die("opening the requests");
	r->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	r->offsets = calloc(r->count, sizeof(*r->offsets));
	if (r->map == MAP_FAILED || !r->offsets)
		die("mapping the requests");
	for (size_t i = 0; i < want; i++) {
		uint32_t n;

		if (at + 4 > (size_t)st.st_size)
			die("finding that many requests");
		if (i >= r->from)
			r->offsets[i - r->from] = at;
		memcpy(&n, r->map + at, sizeof(n));
		at += 4 + n;
	}
	close(fd);
}

static int
run(char **argv)
{
	struct run r = { .host = argv[2],
		.port = (int)strtol(argv[3], NULL, 10),
		.path = argv[4],
		.from = strtoul(argv[7], NULL, 10),
		.count = strtoul(argv[8], NULL, 10) };
	size_t clients = strtoul(argv[6], NULL, 10);
	pthread_t t[64];
	double end;

	if (clients < 1 || clients > 64 || r.count < 2)
		die("arguments");
	index_file(&r, argv[5]);
	r.start = now_s();
	for (size_t i = 0; i < clients; i++)
		if (pthread_create(&t[i], NULL, sender, &r))
			die("thread");
	for (size_t i = 0; i < clients; i++)
		pthread_join(t[i], NULL);
	end = now_s();
	printf("{\"seconds\": %.3f, \"enrolments\": %zu, \"refused\": %zu, "
	       "\"rate\": %.1f, \"first\": %.1f, \"last\": %.1f}\n",
	    end - r.start, (size_t)r.ok, (size_t)r.refused,
	    (double)r.ok / (end - r.start),
	    r.edge_first > 0 ? EDGE / (r.edge_first - r.start) : 0.0,
	    r.edge_last > 0 ? EDGE / (end - r.edge_last) : 0.0);
	return r.refused ? 1 : 0;
}

int
main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "prepare") == 0)
		return prepare(argv);
	if (argc == 9 && strcmp(argv[1], "run") == 0)
		return run(argv);
	fprintf(stderr,
	    "usage: bench_scep prepare RA.der PASSWORD COUNT OUT\n"
	    "       bench_scep run HOST PORT PATH FILE CLIENTS FROM "
	    "COUNT\n");
	return 2;
}

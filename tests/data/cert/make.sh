#!/bin/sh
# Makes the test data of the cert room with the openssl command line, once:
# the results are committed, so that tests compare with what another
# implementation wrote. Run in this folder. The keys are for tests only.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ossl() { openssl "$@" 2>>"$tmp/log" || { cat "$tmp/log" >&2; exit 1; }; }

cat >"$tmp/cnf" <<'CNF'
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
serial = serial
crlnumber = crlnumber
default_md = sha256
policy = any
unique_subject = no
[any]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
emailAddress = optional
[req]
distinguished_name = dn
string_mask = utf8only
utf8 = yes
attributes = attrs
[dn]
[attrs]
challengePassword = x
[root]
basicConstraints = critical,CA:TRUE,pathlen:3
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[full]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth,clientAuth,1.3.6.1.5.5.7.3.20,1.2.3.4.5
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:pbx1.example.com,DNS:*.example.com,IP:192.0.2.1,IP:2001:db8::1,URI:sip:example.com,email:admin@example.com,dirName:dir,otherName:1.2.3.4;UTF8:x
crlDistributionPoints = URI:http://pki.example.com/ca.crl
authorityInfoAccess = OCSP;URI:http://ocsp.example.com/
[dir]
O = Directory Name
[ask]
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = DNS:phone1.example.com,IP:192.0.2.7
[crlext]
authorityKeyIdentifier = keyid
CNF

key() { ossl genpkey -algorithm "$2" ${3:+-pkeyopt "$3"} -out "$1.key.pem"; }
key ca RSA rsa_keygen_bits:2048
key leaf RSA rsa_keygen_bits:2048
key rsa1024 RSA rsa_keygen_bits:1024
key p256 EC ec_paramgen_curve:P-256
key p384 EC ec_paramgen_curve:P-384
key p521 EC ec_paramgen_curve:P-521
key ed25519 ED25519

self() { # name, options
	name=$1; shift
	ossl req -x509 -new -config "$tmp/cnf" -days 3650 -key "$name.key.pem" \
	    -subj "/C=DE/O=Example/CN=$name test" -set_serial 0x1234 \
	    -outform DER "$@"
}
self ca -extensions root -sha256 -out ca.der
self p256 -out p256.der
self p384 -sha384 -out p384.der
self p521 -sha512 -out p521.der
self ed25519 -out ed25519.der
self rsa1024 -md5 -out rsa1024-md5.der
self rsa1024 -sha1 -out rsa1024-sha1.der
self leaf -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -out pss.der
# version 1: no extensions
ossl req -new -config "$tmp/cnf" -key leaf.key.pem -subj "/CN=version one" \
    -out "$tmp/v1.csr"
ossl x509 -req -in "$tmp/v1.csr" -signkey leaf.key.pem -days 3650 \
    -outform DER -out v1.der

# every field, validity across 2049/2050
ossl req -new -config "$tmp/cnf" -key leaf.key.pem -out "$tmp/full.csr" \
    -subj "/C=DE/ST=Hessen/L=Köln, Süd/O=Example \"UC\"/OU=Voice\\+Data/CN=pbx1.example.com/emailAddress=admin@example.com"
: >"$tmp/index"; echo 8fedcba98765432100 >"$tmp/serial"; echo 2a >"$tmp/crlnumber"
here=$PWD
(cd "$tmp" && ossl ca -batch -config cnf -cert "$here/ca.der" \
    -keyfile "$here/ca.key.pem" -in full.csr -extensions full \
    -startdate 20260101000000Z -enddate 20560101123456Z -notext -preserveDN \
    -out full.pem)
ossl x509 -in "$tmp/full.pem" -outform DER -out full.der

# requests
ossl req -new -config "$tmp/cnf" -key leaf.key.pem -subj "/CN=plain" \
    -outform DER -out csr-plain.der
sed '/^\[req\]/a prompt = no' "$tmp/cnf" |
    sed 's/^challengePassword = x/challengePassword = s3cret-One_Time/;s/^\[dn\]/[dn]\nCN = phone1.example.com\nserialNumber = 0011AABBCCDD/' >"$tmp/prompt"
ossl req -new -config "$tmp/prompt" -key leaf.key.pem -reqexts ask \
    -outform DER -out csr-full.der
ossl req -new -config "$tmp/prompt" -key p256.key.pem -reqexts ask \
    -outform DER -out csr-p256.der

# revocation list: three entries, number 0x2a
ossl x509 -in ca.der -out "$tmp/ca.pem"
printf 'V\t350101000000Z\t\t01\tunknown\t/CN=good\nR\t350101000000Z\t260102030405Z\t02\tunknown\t/CN=a\nR\t350101000000Z\t260203040506Z,keyCompromise\tABCDEF0123456789\tunknown\t/CN=b\nR\t350101000000Z\t260304050607Z,superseded\t80\tunknown\t/CN=c\n' >"$tmp/index"
(cd "$tmp" && ossl ca -gencrl -config cnf -cert ca.pem \
    -keyfile "$here/ca.key.pem" -crlexts crlext \
    -crl_lastupdate 20260501000000Z -crl_nextupdate 20260601000000Z -out crl.pem)
ossl crl -in "$tmp/crl.pem" -outform DER -out crl.der

# CMS
printf 'hello, registration authority' >"$tmp/msg"
ossl x509 -in full.der -out "$tmp/full.crt.pem"
sign() { ossl cms -sign -binary -in "$tmp/msg" -signer "$tmp/full.crt.pem" \
    -inkey leaf.key.pem -outform DER "$@"; }
seal() { ossl cms -encrypt -binary -in "$tmp/msg" -outform DER "$@"; }
sign -nodetach -md sha256 -out cms-signed.der
sign -nodetach -md sha1 -keyid -out cms-signed-ski-sha1.der
sign -nodetach -noattr -nocerts -md sha512 -out cms-signed-noattr.der
sign -nodetach -stream -indef -md sha256 -out cms-signed-ber.der
sign -nodetach -md sha256 -keyopt rsa_padding_mode:pss -out cms-signed-pss.der
sign -md sha256 -out cms-signed-detached.der
seal -aes256 -out cms-aes256.der "$tmp/full.crt.pem"
seal -aes192 -out cms-aes192.der "$tmp/full.crt.pem"
seal -aes128 -out cms-aes128.der "$tmp/full.crt.pem"
seal -des3 -out cms-des3.der "$tmp/full.crt.pem"
seal -des -provider legacy -provider default -out cms-des.der \
    "$tmp/full.crt.pem"
seal -aes256 -recip "$tmp/full.crt.pem" -keyopt rsa_padding_mode:oaep \
    -keyopt rsa_oaep_md:sha256 -out cms-oaep.der
seal -aes256 -stream -indef -out cms-aes256-ber.der "$tmp/full.crt.pem"
seal -aes256 -keyid -out cms-aes256-ski.der "$tmp/full.crt.pem"
ossl crl2pkcs7 -nocrl -certfile "$tmp/full.crt.pem" -certfile "$tmp/ca.pem" \
    -outform DER -out certs.p7

#!/bin/sh
# How the files here were made: foreign programs only (openssl, keytool), so
# that what our readers are tested with is not what our writers write.
set -eu
P=Kite-72-harbor
printf '%s\n' "$P" >password.txt
cat >req.cnf <<'X'
[req]
distinguished_name = dn
prompt = no
[dn]
C = DE
ST = Hessen
L = Frankfurt
O = Beispiel, GmbH
OU = Telefonie
CN = pbx1.example.com
emailAddress = admin@example.com
[ext]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment
extendedKeyUsage = serverAuth, clientAuth, 1.3.6.1.4.1.99999.1
subjectAltName = DNS:pbx1.example.com, DNS:*.example.com, IP:192.0.2.1, IP:2001:db8::1, URI:sip:example.com, email:admin@example.com, RID:1.2.3.4, dirName:dn2
crlDistributionPoints = URI:http://ca.example.com/1.crl, URI:http://ca2.example.com/1.crl
authorityInfoAccess = OCSP;URI:http://ocsp.example.com, caIssuers;URI:http://ca.example.com/1.der
certificatePolicies = 1.2.3.4.5
[dn2]
CN = other
[ca]
basicConstraints = critical, CA:TRUE, pathlen:1
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
X
openssl genrsa -out rsa.key 2048
openssl rsa -in rsa.key -traditional -aes128 -passout file:password.txt -out rsa-traditional.key
openssl pkcs8 -topk8 -in rsa.key -passout file:password.txt -out rsa-p8.key
openssl pkcs8 -topk8 -in rsa.key -passout file:password.txt -outform DER -v1 PBE-SHA1-RC2-40 -provider legacy -provider default -out rsa-p8-rc2.der
openssl ecparam -name prime256v1 -genkey -out ec.key
openssl genpkey -algorithm ed25519 -out ed.key
openssl rsa -in rsa.key -pubout -out rsa.pub
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj "/O=Beispiel/CN=Test CA" -days 3650 -config req.cnf -extensions ca -out ca.pem
openssl req -new -key rsa.key -config req.cnf -reqexts ext -out leaf.csr
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -days 800 -copy_extensions copyall -set_serial 0x1122334455667788 -out leaf.pem
openssl x509 -in leaf.pem -outform DER -out leaf.der
openssl x509 -in leaf.pem -addtrust serverAuth -trustout -out leaf-trusted.pem
openssl req -x509 -newkey rsa:1024 -nodes -keyout /dev/null -md5 -subj "/CN=old" -days 3650 -out weak.pem
touch index.txt; echo 01 >crlnumber
cat >ca.cnf <<'X'
[ca]
default_ca = d
[d]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 30
X
openssl ca -config ca.cnf -revoke leaf.pem -crl_reason keyCompromise -keyfile ca.key -cert ca.pem
openssl ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -out ca.crl
openssl crl2pkcs7 -nocrl -certfile leaf.pem -certfile ca.pem -out chain.p7.pem
openssl crl2pkcs7 -in ca.crl -certfile leaf.pem -certfile ca.pem -outform DER -out chain.p7b
openssl pkcs12 -export -legacy -in leaf.pem -inkey rsa.key -certfile ca.pem -name "Old One" -passout file:password.txt -certpbe PBE-SHA1-RC2-40 -out old.p12
openssl pkcs12 -export -in leaf.pem -inkey rsa.key -certfile ca.pem -name "New One" -passout file:password.txt -out new.p12
openssl pkcs12 -export -in leaf.pem -inkey rsa.key -name "Empty" -passout pass: -out empty.p12
keytool -importkeystore -srckeystore new.p12 -srcstoretype PKCS12 -srcstorepass "$P" -destkeystore new.jks -deststoretype JKS -deststorepass "$P"
keytool -importcert -noprompt -alias testca -file ca.pem -keystore new.jks -storetype JKS -storepass "$P"
keytool -importcert -noprompt -alias testca -file ca.pem -keystore trust.jceks -storetype JCEKS -storepass "$P"
keytool -importcert -noprompt -alias testca -file ca.pem -keystore trust.p12 -storetype PKCS12 -storepass "$P"
rm -f index.txt* crlnumber* ca.cnf *.old
# the same objects as DER, to compare with
openssl x509 -in ca.pem -outform DER -out ca.der
openssl pkey -in rsa.key -pubout -outform DER -out rsa-pub.der
openssl crl -in ca.crl -outform DER -out crl.der
for i in 1 2 3; do openssl x509 -in bulletin-$i.pem -outform DER -out bulletin-$i.der; done
# hostile: iteration counts raised to 8388607 after the making
openssl pkcs8 -topk8 -in ec.key -passout file:password.txt -outform DER -iter 100000 -out hostile-p8.der
openssl pkcs12 -export -in leaf.pem -nokeys -iter 100000 -passout file:password.txt -out hostile.p12
/usr/bin/python3 - <<'X'
for name in "hostile-p8.der", "hostile.p12":
    data = open(name, "rb").read()
    i = data.rindex(bytes.fromhex("02030186a0"))
    open(name, "wb").write(data[:i] + bytes.fromhex("02037fffff") + data[i + 5:])
X

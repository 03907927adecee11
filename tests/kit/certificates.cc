#include "kit/certificates.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace backup_exporter {
namespace {

constexpr long kDay = 24L * 60 * 60;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

void Check(bool good) {
  if (!good) throw std::runtime_error("kit: OpenSSL cannot make a certificate");
}

struct Wish {
  std::string name;
  std::string usage;  // of extendedKeyUsage; empty: an authority
  std::string hosts;  // of subjectAltName
  long from = -kDay;  // seconds from now
  long until = 7 * kDay;
};

struct Made {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;

  [[nodiscard]] Certificate Text() const {
    const auto text_of = [](auto write) {
      const Owned<BIO> memory(BIO_new(BIO_s_mem()));
      Check(memory && write(memory.get()) == 1);
      char* bytes = nullptr;
      const long size = BIO_get_mem_data(memory.get(), &bytes);
      return std::string(bytes, static_cast<std::size_t>(size));
    };
    return {.certificate =
                text_of([this](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }),
            .key = text_of([this](BIO* bio) {
              return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr,
                                              nullptr);
            })};
  }
};

// Self-signed without a `signer`.
Made Make(const Wish& wish, const Made* signer) {
  static long serial = 0;
  Made made{Owned<EVP_PKEY>(EVP_EC_gen("P-256")), Owned<X509>(X509_new())};
  Check(made.key && made.certificate);
  X509* const certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wish.from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wish.until);
  X509_set_pubkey(certificate, made.key.get());
  Check(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1,
                                   -1, 0) == 1);
  const Made& issuer = signer == nullptr ? made : *signer;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));

  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.certificate.get(), certificate, nullptr, nullptr, 0);
  const auto extend = [&](int id, const std::string& value) {
    const Owned<X509_EXTENSION> extension(
        X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
    Check(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
  };
  extend(NID_subject_key_identifier, "hash");
  if (signer != nullptr) extend(NID_authority_key_identifier, "keyid");
  const bool authority = wish.usage.empty();
  extend(NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(NID_key_usage, authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!authority) extend(NID_ext_key_usage, wish.usage);
  if (!wish.hosts.empty()) extend(NID_subject_alt_name, wish.hosts);
  Check(X509_sign(certificate, issuer.key.get(), EVP_sha256()) > 0);
  return made;
}

}  // namespace

void Certificate::Save(const TemporaryDirectory& directory, const std::string& name) const {
  directory.Write(name + ".pem", certificate);
  directory.Write(name + ".key", key);
}

const Certificates& TestCertificates() {
  static const Certificates kCertificates = [] {
    const std::string local = "DNS:localhost,IP:127.0.0.1,IP:::1";
    const Wish wish{.name = "backup_exporter test authority"};
    const Made authority = Make(wish, nullptr);
    const Made impostor = Make(wish, nullptr);
    const Wish server{.name = "localhost", .usage = "serverAuth", .hosts = local};
    Wish expired = server;
    expired.until = -kDay / 2;
    Wish not_yet = server;
    not_yet.from = kDay;
    Wish other = server;
    other.name = "other.example";
    other.hosts = "DNS:other.example";
    const Wish client{.name = "client", .usage = "clientAuth"};
    return Certificates{.authority = authority.Text(),
                        .good = Make(server, &authority).Text(),
                        .expired = Make(expired, &authority).Text(),
                        .not_yet = Make(not_yet, &authority).Text(),
                        .other_host = Make(other, &authority).Text(),
                        .self_signed = Make(server, nullptr).Text(),
                        .client = Make(client, &authority).Text(),
                        .stranger = Make(client, &impostor).Text()};
  }();
  return kCertificates;
}

}  // namespace backup_exporter

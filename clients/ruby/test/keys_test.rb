# frozen_string_literal: true

require "test_helper"

class KeysTest < Minitest::Test
  RSA = OpenSSL::PKey::RSA.new(2048)
  P256 = OpenSSL::PKey::EC.generate("prime256v1")
  ED25519 = OpenSSL::PKey.generate_key("ED25519")

  def number(integer)
    encode(integer.to_s(2))
  end

  def rsa(key = RSA, **more)
    { kty: "RSA", kid: "r", n: number(key.n), e: number(key.e) }.merge(more)
  end

  def p256(**more)
    point = P256.public_key.to_octet_string(:uncompressed)
    { kty: "EC", crv: "P-256", kid: "p", x: encode(point[1, 32]), y: encode(point[33, 32]) }.merge(more)
  end

  def ed25519(**more)
    { kty: "OKP", crv: "Ed25519", kid: "e", x: encode(ED25519.public_to_der[-32..]) }.merge(more)
  end

  def parse(*jwks)
    @skipped = []
    Goptri::Keys.parse(JSON.generate(keys: jwks)) { |reason| @skipped << reason && nil }
  end

  def raw(der)
    OpenSSL::ASN1.decode(der).value.map { |number| number.value.to_s(2).rjust(32, "\0") }.join
  end

  def test_each_algorithm_verifies
    guard = guard(secrets: [], auth_server_url: "https://auth.example")
    guard.keys.published = parse(rsa(alg: "RS256", use: "sig", key_ops: ["verify"]), p256, ed25519)
    signers = { "r" => ["RS256", ->(input) { RSA.sign("SHA256", input) }],
                "p" => ["ES256", ->(input) { raw(P256.sign("SHA256", input)) }],
                "e" => ["EdDSA", ->(input) { ED25519.sign(nil, input) }] }
    signers.each do |kid, (alg, signer)|
      head = header(kid: kid, alg: alg)
      assert guard.verify(sign(claims, head, &signer)).user?
      assert_equal(:bad_signature, rejection { guard.verify(sign(claims, head) { |input| signer.("#{input}x") }) })
      assert_equal(:bad_signature, rejection { guard.verify(sign(claims, head) { |_| "short" }) })
      assert_equal(:wrong_algorithm, rejection { guard.verify(sign(claims, header(kid: kid), &signer)) })
    end
    der = sign(claims, header(kid: "p", alg: "ES256")) { |input| P256.sign("SHA256", input) }
    assert_equal(:bad_signature, rejection { guard.verify(der) })
    padded = sign(claims, header(kid: "p", alg: "ES256")) do |input|
      raw(P256.sign("SHA256", input)).then { |rs| "#{rs[0, 32]}\0#{rs[32, 32]}" }
    end
    assert_equal(:bad_signature, rejection { guard.verify(padded) })
    zero = sign(claims, header(kid: "p", alg: "ES256")) { "\0" * 64 }
    assert_equal(:bad_signature, rejection { guard.verify(zero) })
  end

  def test_a_key_that_cannot_be_used_is_skipped
    unusable = [rsa(OpenSSL::PKey::RSA.new(1024)), rsa(e: number(OpenSSL::BN.new(3))),
                rsa(n: encode("\0#{RSA.n.to_s(2)}")),
                rsa(use: "enc"), rsa(key_ops: ["sign"]), rsa(alg: "PS256"), rsa(kid: 1), rsa(crv: "P-256"),
                rsa(n: number(RSA.n + 1)), p256(y: encode("\1" * 32)), p256(x: encode("\1" * 31)), p256(crv: "P-384"),
                p256(x: "AB="), ed25519(x: encode("\1" * 31)), ed25519(crv: "Ed448"), { kty: "oct" }, {}]
    unusable.each do |jwk|
      assert_equal 1, parse(jwk, ed25519(kid: "other")).size, jwk
      assert_equal 1, @skipped.size
    end
    assert_raises(Goptri::Keys::InvalidSet) { parse(unusable.first) }
    assert_empty parse
  end

  def test_a_dangerous_set_is_rejected_as_a_whole
    [[ed25519, { kty: "oct", k: "AA" }], [ed25519, rsa(d: "AA")], [ed25519, ed25519], [1],
     Array.new(65) { |n| ed25519(kid: n.to_s) }].each do |jwks|
      assert_raises(Goptri::Keys::InvalidSet, jwks) { parse(*jwks) }
    end
    ["", "<html>", "[]", '{"keys":{}}', '{"keys":[],"keys":[]}'].each do |text|
      assert_raises(Goptri::Keys::InvalidSet) { Goptri::Keys.parse(text) }
    end
  end

  def test_a_key_without_a_name_has_its_thumbprint
    # RFC 7638 §3.1 and RFC 8037 appendix A.3
    key = parse({ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }).first
    assert_equal "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", key.kid
  end

  def test_a_secret_wins_over_a_published_key_of_the_same_name
    guard = guard()
    guard.keys.published = parse(ed25519(kid: Goptri::Key.from_secret(SECRET).kid))
    assert guard.verify(sign)
  end

  def test_keys_are_not_printed
    guard = guard(feed_secret: FEED_SECRET)
    [guard, guard.keys, guard.settings, Goptri::Key.from_secret(SECRET)].each do |object|
      assert_no_secret object.inspect
    end
  end
end

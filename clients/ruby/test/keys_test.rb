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


  def raw(der)
    OpenSSL::ASN1.decode(der).value.map { |number| number.value.to_s(2).rjust(32, "\0") }.join
  end

  def test_each_algorithm_verifies
    guard = guard(secrets: nil, auth_server_url: "https://auth.example")
    publish(guard, [rsa(alg: "RS256", use: "sig", key_ops: ["verify"]), p256, ed25519])
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
    [rsa(OpenSSL::PKey::RSA.new(1024)), rsa(crv: "P-256"), rsa(n: 1), rsa(n: nil),
     p256(y: encode("\1" * 32)), p256(x: encode("\1" * 31)), p256(crv: "P-384"), p256(x: nil),
     ed25519(x: encode("\1" * 31)), ed25519(x: nil), ed25519(crv: "Ed448"),
     { kty: "oct", k: encode(SECRET) }, {}].each do |jwk|
      log.truncate(0)
      guard = guard()
      2.times { assert_equal ["other"], publish(guard, [jwk, ed25519(kid: "other")]).keys, jwk }
      assert_equal 1, log.string.scan("keys that are not used").size, jwk
      assert_no_secret log.string
      publish(guard, [jwk])
      assert_equal ["other"], guard.published.keys
      assert_includes log.string, "none of them can be used"
    end
  end

  def test_a_set_with_one_kid_twice_is_rejected_as_a_whole
    one = ed25519(kid: "one")
    [one, p256(kid: "one"), { kid: "one", kty: "later" }].each do |other|
      log.truncate(0)
      guard = guard()
      publish(guard, [ed25519(kid: "before")])
      publish(guard, [one, other])
      assert_equal ["before"], guard.published.keys
      assert_includes log.string, "two keys have one kid"
    end
  end

  def test_without_a_secret_an_empty_set_of_keys_rejects_no_token_for_good
    guard = guard(secrets: nil, auth_server_url: "https://auth.example")
    publish(guard, [])
    assert_equal 503, assert_raises(Goptri::Error) { guard.verify(sign) }.status
    assert_equal "keys unavailable", guard.not_ready
    publish(guard, [ed25519])
    assert_equal 401, assert_raises(Goptri::Error) { guard.verify(sign) }.status
    assert guard.ready?
  end

  def test_a_secret_wins_over_a_published_key_of_the_same_name
    guard = guard()
    publish(guard, [ed25519(kid: Goptri::Key.from_secret(SECRET).kid)])
    assert guard.verify(sign)
  end

  def test_keys_are_not_printed
    guard = guard(feed_secret: FEED_SECRET)
    [guard, guard.settings, Goptri::Key.from_secret(SECRET)].each do |object|
      assert_no_secret object.inspect
    end
  end
end

# frozen_string_literal: true

require "test_helper"

class VerifierTest < Minitest::Test
  def verify(token, **options)
    @guard ||= guard(**options)
    @guard.verify(token)
  end

  def assert_rejected(reason, token, message = nil)
    assert_equal reason, rejection { verify(token) }, message
  end

  def test_the_claims_of_a_user_are_returned
    caller = verify(sign)
    assert_equal ["user-1", SESSION, "goptri"], [caller.subject, caller.session_id, caller.client_id]
    assert_equal ["ann@example.com", ["admin"], NOW + 900], [caller.email, caller.roles, caller.exp]
    assert caller.user? && caller.scope?("orders:read") && caller.role?("admin")
    refute caller.scope?("orders") || caller.role?("adm")
    assert_equal AUDIENCE, caller.claims["aud"]
    assert_equal %i[sub email roles scope sid exp], caller.to_h.keys
  end

  def test_a_client_has_no_session_and_no_roles
    caller = verify(sign(claims(sub: "batch", client_id: "batch", scope: "a b a").except(:sid)))
    refute caller.user?
    assert_equal({ sub: "batch", roles: [], scope: "a b", exp: NOW + 900 }, caller.to_h)
  end

  def test_each_token_has_one_encoding
    token = sign
    header, payload, signature = token.split(".")
    assert_rejected :not_compact, ""
    assert_rejected :not_compact, "#{header}.#{payload}"
    assert_rejected :not_compact, "#{token}."
    assert_rejected :not_compact, "#{token}="
    assert_rejected :not_compact, "#{token}\n"
    assert_rejected :not_compact, "#{header}.#{payload}.\xff"
    assert_rejected :too_long, "#{header}.#{payload}.#{"a" * 8192}"
    assert_rejected :base64, "#{header}.#{payload}.#{signature}AA"
    assert_rejected :bad_signature, "#{header}.#{payload}.#{signature}A".sub(/.A\z/, "")[0..-4] + "AAA"
    assert_rejected :base64, token.succ
  end

  def test_the_header_names_type_key_and_algorithm
    assert verify(sign(claims, header(typ: "Application/AT+JWT", jku: "https://evil.example", x5c: [1])))
    assert_rejected :wrong_type, sign(claims, header(typ: "JWT"))
    assert_rejected :wrong_type, sign(claims, header.except(:typ))
    assert_rejected :wrong_type, sign(claims, header(typ: "at+jwt\n"))
    assert_rejected :missing_kid, sign(claims, header.except(:kid))
    assert_rejected :missing_kid, sign(claims, header(kid: 1))
    assert_rejected :wrong_algorithm, sign(claims, header(alg: "none"))
    assert_rejected :wrong_algorithm, sign(claims, header(alg: "hs256"))
    %i[crit zip enc].each { |name| assert_rejected :extension, sign(claims, header(name => nil)) }
    assert_rejected :duplicate_member, sign(claims, JSON.generate(header).sub("{", '{"a":1,"\u0061":1,'))
    assert_rejected :json, sign("[]")
  end

  def test_a_claim_has_its_type_and_a_possible_value
    { iss: :json, sub: :json, aud: :json, exp: :json, iat: :json, jti: :json, client_id: :json, scope: :json,
      sid: :no_session }.each { |name, reason| assert_rejected reason, sign(claims.except(name)) }
    claims(nbf: NOW, auth_time: NOW).each_key { |name| assert_rejected :json, sign(claims(name => nil)), name }
    [{ exp: (NOW + 900).to_s }, { exp: true }, { exp: -1 }, { exp: 253_402_300_800 }, { exp: 1e30 }, { aud: [1] },
     { aud: {} }, { roles: "admin" }, { roles: [1] }, { email_verified: "true" }, { scope: " a" }, { scope: "a  b" },
     { scope: "a\"" }, { scope: "a\n" }].each { |more| assert_rejected :json, sign(claims(**more)) }
    [{ sub: " " }, { sub: "\u3000" }, { jti: "a\n" }, { client_id: "a\u0080" }, { email: "" }, { roles: [" "] },
     { aud: [AUDIENCE, ""] }, { iat: NOW + 901 }, { nbf: NOW + 901, exp: NOW + 900, iat: NOW }, { auth_time: NOW + 1 }]
      .each do |more|
      assert_includes %i[json invalid_claim not_yet_valid], rejection { verify(sign(claims(**more))) }, more
    end
    assert_rejected :no_session, sign(claims(sub: "goptri"))
    assert verify(sign(claims(exp: NOW + 1.9, scope: "", roles: [], aud: ["x", AUDIENCE], more: { a: 1 })))
  end

  def test_issuer_and_audience_are_compared_byte_by_byte
    assert_rejected :wrong_issuer, sign(claims(iss: "#{ISSUER}/"))
    assert_rejected :wrong_audience, sign(claims(aud: ["https://API.example"]))
    assert_rejected :wrong_audience, sign(claims(aud: []))
  end

  def test_the_leeway_extends_both_ends
    now = NOW
    @guard = guard(clock: -> { now })
    assert verify(sign(claims(exp: now - 29, iat: now - 60)))
    assert_rejected :expired, sign(claims(exp: now - 30, iat: now - 60))
    assert verify(sign(claims(nbf: now + 30)))
    assert_rejected :not_yet_valid, sign(claims(nbf: now + 31))
    assert verify(sign(claims(iat: now + 3630, exp: now + 4000)))
    assert_rejected :issued_in_the_future, sign(claims(iat: now + 3631, exp: now + 4000))
  end

  def test_every_secret_verifies_and_no_other
    @guard = guard(secrets: [SECRET, SECRET.reverse])
    assert verify(sign(claims, header(SECRET.reverse), secret: SECRET.reverse))
    assert_rejected :bad_signature, sign(claims, header, secret: SECRET.reverse)
    assert_equal :no_keys_yet, rejection { verify(sign(claims, header(kid: "other"))) }
    publish(@guard, [])
    assert_rejected :unknown_key, sign(claims, header(kid: "other"))
  end
end

# frozen_string_literal: true

module Goptri
  # Verifies access tokens: the signature and every claim (RFC 9068, RFC 8725).
  class Verifier
    # A longer token is rejected before it is parsed.
    MAX_TOKEN_BYTES = 8192
    # The last second of the year 9999.
    MAX_TIME = 253_402_300_799
    # Revocations are kept for this long after a token has expired, so a later `iat` could outlive its revocation.
    MAX_CLOCK_ERROR = 3600
    # RFC 6749 §3.3
    SCOPE = /\A(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?\z/
    private_constant :MAX_TIME, :MAX_CLOCK_ERROR, :SCOPE

    def initialize(keys:, issuer:, audience:, leeway:)
      @keys = keys
      @issuer = issuer
      @audience = audience
      @leeway = leeway
    end

    # @param token [String]
    # @param now [Numeric] seconds since 1970
    # @return [Caller] whether the token was revoked is not checked
    # @raise [TokenError]
    def verify(token, now)
      reject(:too_long) if token.bytesize > MAX_TOKEN_BYTES
      header, payload, signature, *more = token.b.split(".", -1)
      segments = [header, payload, signature]
      reject(:not_compact) unless more.empty? && segments.all? { |segment| segment&.match?(/\A[A-Za-z0-9_-]*\z/) }
      key = key_for(object(header))
      reject(:bad_signature) unless key.verifies?(token, decode(signature))
      claims = object(payload)
      check_types(claims)
      reject(:wrong_issuer) unless claims["iss"] == @issuer
      reject(:wrong_audience) unless Array(claims["aud"]).include?(@audience)
      check_times(claims, now)
      check_values(claims)
      Caller.new(claims)
    end

    # @param claims [Hash] verified claims
    # @raise [TokenError]
    def check_times(claims, now)
      exp, nbf, iat = claims.values_at("exp", "nbf", "iat").map { |time| time&.to_i }
      reject(:expired) if now - @leeway >= exp
      reject(:not_yet_valid) if nbf && now + @leeway < nbf
      reject(:issued_in_the_future) if now + @leeway + MAX_CLOCK_ERROR < iat
    end

    private

    def reject(reason)
      raise TokenError, reason
    end

    def decode(segment)
      Strict.base64url(segment) || reject(:base64)
    end

    def object(segment)
      Strict.object(decode(segment))
    rescue Strict::Invalid => e
      reject(e.message.to_sym)
    end

    # Members with which a sender could choose the key are ignored: `jwk`, `jku`, `x5u`, `x5c`.
    def key_for(header)
      alg, kid, typ = header.values_at("alg", "kid", "typ")
      reject(:json) unless alg.is_a?(String) && [kid, typ].all? { |text| text.nil? || text.is_a?(String) }
      reject(:extension) if %w[crit zip enc].any? { |name| header.key?(name) }
      reject(:wrong_type) unless typ&.match?(%r{\A(?:application/)?at\+jwt\z}i)
      key = @keys.fetch(kid || reject(:missing_kid))
      key.alg == alg ? key : reject(:wrong_algorithm)
    end

    def check_types(claims)
      text = ->(value) { value.is_a?(String) }
      time = ->(value) { value.is_a?(Numeric) && value.between?(0, MAX_TIME) }
      texts = ->(value) { value.is_a?(Array) && value.all?(String) }
      required = { "iss" => text, "sub" => text, "jti" => text, "client_id" => text, "exp" => time, "iat" => time,
                   "scope" => text, "aud" => ->(value) { text.(value) || texts.(value) } }
      optional = { "sid" => text, "email" => text, "roles" => texts, "nbf" => time, "auth_time" => time,
                   "email_verified" => ->(value) { [true, false].include?(value) } }
      optional = optional.select { |name, _| claims.key?(name) }
      reject(:json) unless required.merge(optional).all? { |name, type| type.(claims[name]) }
    end

    # Rejects values that auth-server never issues.
    def check_values(claims)
      reject(:json) unless claims["scope"].match?(SCOPE)
      texts = claims.values_at("sub", "jti", "client_id", "sid", "email", "aud", "roles").flatten.compact
      exp, nbf, iat, auth_time = claims.values_at("exp", "nbf", "iat", "auth_time").map { |time| time&.to_i }
      in_order = exp >= iat && (nbf || 0) <= exp && (auth_time || 0) <= iat
      plain = texts.all? { |text| text.match?(/[^[:space:]]/) && !text.match?(/\p{Cc}/) }
      reject(:invalid_claim) unless in_order && plain
      reject(:no_session) unless claims.key?("sid") ^ (claims["sub"] == claims["client_id"])
    end
  end
end
